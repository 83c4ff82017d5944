//! Time and fresh ids.

use lattice_model::Millis;
use std::future::Future;

/// Time and chance. Everything that is not a function of the log comes through here.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock; may jump.
    fn now(&self) -> Millis;

    /// Milliseconds on a clock that never goes back, from an arbitrary start.
    fn monotonic_ms(&self) -> u64;

    /// Ends after `duration_ms` of the monotonic clock.
    fn sleep(&self, duration_ms: u64) -> impl Future<Output = ()> + Send;

    /// Sixteen bytes that nobody has seen before.
    fn fresh(&self) -> [u8; 16];
}
