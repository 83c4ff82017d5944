//! Secrets, by name.

use crate::PortError;
use lattice_model::{Secret, Tenant};
use std::future::Future;

/// Secrets, by name, each tenant's own. Only effects ask, and what checks a webhook.
pub trait Secrets: Send + Sync + 'static {
    /// The tenant's secret; `PortError::Missing` with how to provide it if it is not there. An
    /// adapter for many tenants never gives one tenant's secret to another.
    fn resolve(
        &self,
        tenant: &Tenant,
        name: &str,
    ) -> impl Future<Output = Result<Secret<String>, PortError>> + Send;
}
