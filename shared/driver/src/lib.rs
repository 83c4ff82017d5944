//! Load, decide, append, perform, hand on. Generic over the ports; `futures` only, so that the
//! simulator can schedule every step of it.
//!
//! `driver` is the entry; `session` holds one run while one worker looks at it; `load` reads a
//! log; `perform` carries a call out inside its lease; `flight` holds those under way; `children`
//! starts the runs that a run calls; `serve` is what a message does, `turns` lets one
//! worker of a process do it for each run; `slots` lets a run begin only with a place under its limit;
//! `sweep` finds what nobody looks at; `requests` is what people ask for: start, signal, cancel; `firing`
//! is what a schedule asks for; `fork` begins a run with what another one was.

mod children;
mod driver;
mod error;
mod firing;
mod flight;
mod fork;
mod load;
mod observe;
mod perform;
mod put;
mod requests;
mod serve;
mod session;
mod slots;
mod sweep;
mod turns;

pub use driver::{Driver, Settings};
pub use error::{DriverError, RequestError};
pub use firing::{Fired, start_key};
pub use fork::{ForkFrom, ForkRefused, ForkWish, Forked};
pub use load::{Loaded, load_run, state_at};
pub use observe::{Observer, TextSoFar, Unobserved};
pub use requests::{Signal, StartRequest, Started};
pub use serve::error_pause_ms;
