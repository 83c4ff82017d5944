//! Blobs and Programs in the bucket; `versions` keeps workflow documents.

use crate::bucket::named_rightly;
use crate::error::{BUCKET, corrupt};
use crate::keys;
use crate::store::AwsStore;
use lattice_ir::Program;
use lattice_model::{Hash, ProgramHash, canonical_json};
use lattice_ports::{Blobs, PortError};
use serde_json::Value;
use std::sync::Arc;

impl Blobs for AwsStore {
    async fn put_blob(&self, hash: Hash, value: Arc<Value>) -> Result<(), PortError> {
        let body = canonical_json(&value);
        named_rightly("blob", hash, &body)?;
        self.bucket.put(&keys::object("blobs", hash), body).await
    }

    async fn blob(&self, hash: Hash) -> Result<Arc<Value>, PortError> {
        let help = "store the value before the commit that names it";
        let place = keys::object("blobs", hash);
        let body = self.bucket.named("blob", &place, hash, help).await?;
        let value = serde_json::from_slice(&body);
        value
            .map(Arc::new)
            .map_err(|error| unreadable("blob", hash, &error))
    }
}

impl AwsStore {
    pub(crate) async fn write_program(
        &self,
        hash: ProgramHash,
        program: &Program,
    ) -> Result<(), PortError> {
        let value = serde_json::to_value(program);
        let value = value.map_err(|error| unreadable("program", hash, &error))?;
        let body = canonical_json(&value);
        named_rightly("program", hash, &body)?;
        self.bucket.put(&keys::object("programs", hash), body).await
    }

    pub(crate) async fn read_program(&self, hash: ProgramHash) -> Result<Arc<Program>, PortError> {
        let help = "store its workflow again";
        let place = keys::object("programs", hash);
        let body = self.bucket.named("program", &place, hash, help).await?;
        let program = serde_json::from_slice(&body);
        program
            .map(Arc::new)
            .map_err(|error| unreadable("program", hash, &error))
    }
}

fn unreadable(what: &str, hash: Hash, error: &serde_json::Error) -> PortError {
    corrupt(BUCKET, format!("the {what} `{}`: {error}", hash.short()))
}
