//! Effects: the calls that reach out of the system.

use lattice_ir::{CallOutcome, CallRequest};
use std::future::Future;

/// Performs effects. Dropping the future gives the attempt up.
pub trait Performer: Send + Sync + 'static {
    /// Performs one attempt and gives its outcome, already redacted. Ends within
    /// `request.timeout_ms` by itself; the driver stops waiting then.
    fn perform(&self, request: CallRequest) -> impl Future<Output = CallOutcome> + Send;
}
