//! Everything durable on one machine: one SQLite file, one owner, group commit.
//!
//! `owner` prepares the data directory and locks it, `schema` brings the file up to date, `writer`
//! commits what concurrent callers want in groups, `readers` read beside it; `store` puts them
//! together, and `log`, `rows`, `inbox`, `shelves` (with `versions`) and `triggers` are its ports. `queue`,
//! `clock` and `wheel`, which fires schedules, are the other ports of a local process. `floor` measures what the disk allows without an engine.

mod clock;
mod error;
pub mod floor;
mod inbox;
mod log;
mod owner;
mod queue;
mod readers;
mod rows;
mod schema;
mod shelves;
mod slots;
mod sql;
mod store;
mod triggers;
mod versions;
mod wheel;
mod writer;

pub use clock::SystemClock;
pub use error::LocalError;
pub use owner::Holder;
pub use queue::LocalQueue;
pub use store::{LocalOptions, LocalStore};
pub use wheel::{Firing, LocalSchedules};
pub use writer::WriteCounts;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock whose data is whole even after a panic elsewhere.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
