//! A simulator of the whole protocol: the real engine and driver, single-threaded, in virtual
//! time, with every port call numbered and open to a fault.
//!
//! `fate` names what may happen to a call, `desk` parks the calls, `executor` polls the tasks;
//! `sim` is the shared world, and `store`, `queue`, `performer` and `clock` are its ports;
//! `process` says what workers and clients do, `case` what runs and `scenario` how, `runner` simulates it.
//! `shadow` watches every commit as it is written, `branches`, `visits`, `signals` and `calls` what it
//! says of those; `judge` looks at what is left at the end and asks the `oracle`: `seen` says what the
//! run came to, `expect` what it should have, `family` what holds of runs that call runs, `limits` of
//! runs that wait for a place and `budget` of what they may use; `forks` forks a run that has come to its
//! end, and judges the fork.
//! `exhaustive`, `seeds`, `teeth` and `planted` are the four ways to use it all.

pub mod branches;
pub mod budget;
pub mod calls;
pub mod case;
pub mod clock;
pub mod desk;
pub mod effects;
pub mod executor;
pub mod exhaustive;
pub mod expect;
pub mod family;
pub mod fate;
pub mod forks;
pub mod judge;
pub mod limits;
pub mod maps;
pub mod oracle;
pub mod performer;
pub mod planted;
mod planted_changes;
pub mod process;
pub mod queue;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod seeds;
pub mod seen;
pub mod shadow;
pub mod signals;
pub mod sim;
pub mod store;
pub mod table;
pub mod teeth;
mod teeth_cases;
pub mod visits;

pub use fate::{Fate, Kind};
pub use report::{Breach, BreachKind, Report};
pub use runner::simulate;
pub use scenario::Scenario;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock; a panic elsewhere ends the simulation anyway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
