//! In-memory adapters, for tests and for the simulator: nothing here outlives the process.
//!
//! `store` keeps everything durable in maps (`shelves`, `rows` and `items` are its parts), `queue`
//! delivers by a clock (`queue_state` is the same without anybody waiting, `turns` whose turn it is), `clock` moves only
//! when told to, `secrets` is a map.

pub mod clock;
mod items;
pub mod queue;
pub mod queue_state;
mod rows;
pub mod secrets;
mod shelves;
mod slots;
pub mod store;
#[cfg(test)]
mod tests;
pub mod triggers;
mod turns;

pub use clock::ManualClock;
pub use queue::MemoryQueue;
pub use queue_state::{QueueRules, QueueState};
pub use secrets::MapSecrets;
pub use store::MemoryStore;
pub use triggers::MemorySchedules;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock whose data is whole even after a panic elsewhere: every change under it is made
/// only after all that can fail.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
