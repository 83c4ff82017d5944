//! Secrets, by name.

use crate::PortError;
use lattice_model::Secret;
use std::future::Future;

/// Secrets, by name. Only effects ask.
pub trait Secrets: Send + Sync + 'static {
    /// The secret; `PortError::Missing` with how to provide it if it is not there.
    fn resolve(&self, name: &str)
    -> impl Future<Output = Result<Secret<String>, PortError>> + Send;
}
