//! Effects: the calls that reach out of the system.

use lattice_ir::{CallOutcome, CallRequest};
use std::future::Future;

/// Watches a model's answer while it comes. What is told is for eyes only: it is never stored.
pub trait LiveText: Send + Sync {
    /// Whether somebody looks at this moment. Nobody looking makes telling a waste.
    fn is_watched(&self) -> bool;

    /// The answer as far as it has come, redacted. Each text begins with the one before.
    fn so_far(&self, text: &str);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl LiveText for Unwatched {
    fn is_watched(&self) -> bool {
        false
    }

    fn so_far(&self, _text: &str) {}
}

/// Performs effects. Dropping the future gives the attempt up.
pub trait Performer: Send + Sync + 'static {
    /// Performs one attempt and gives its outcome, already redacted. Ends within
    /// `request.timeout_ms` by itself; the driver stops waiting then. Text that comes piece by
    /// piece may be told to `live` on the way.
    fn perform(
        &self,
        request: CallRequest,
        live: &dyn LiveText,
    ) -> impl Future<Output = CallOutcome> + Send;
}
