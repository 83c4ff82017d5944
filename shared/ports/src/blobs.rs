//! Large values, named by their hash.

use crate::PortError;
use lattice_model::Hash;
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;

/// Large values, named by the hash of their canonical JSON. Putting one twice is harmless.
pub trait Blobs: Send + Sync + 'static {
    /// Stores the value durably.
    fn put_blob(
        &self,
        hash: Hash,
        value: Arc<Value>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Reads a value and checks its hash; `PortError::Missing` if it is not there.
    fn blob(&self, hash: Hash) -> impl Future<Output = Result<Arc<Value>, PortError>> + Send;
}
