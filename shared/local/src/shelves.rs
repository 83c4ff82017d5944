//! Blobs and Programs in SQLite; `versions` keeps workflow documents.

use crate::error::{PORT, Trouble};
use crate::store::LocalStore;
use crate::versions;
use lattice_ir::Program;
use lattice_model::{Hash, ProgramHash, Tenant, WorkflowId, canonical_json};
use lattice_ports::{
    Blobs, Expect, PortError, StoredWorkflow, WorkflowPut, WorkflowVersion, Workflows,
};
use rusqlite::OptionalExtension;
use serde_json::Value;
use std::sync::Arc;

impl Blobs for LocalStore {
    async fn put_blob(&self, hash: Hash, value: Arc<Value>) -> Result<(), PortError> {
        let body = canonical_json(&value);
        self.put_named("blob", "blobs", hash, body).await
    }

    async fn blob(&self, hash: Hash) -> Result<Arc<Value>, PortError> {
        let help = "store the value before the commit that names it";
        self.named("blob", "blobs", hash, help, |body| {
            Ok(Arc::new(serde_json::from_slice(body)?))
        })
        .await
    }
}

impl Workflows for LocalStore {
    async fn put_program(&self, hash: ProgramHash, program: Arc<Program>) -> Result<(), PortError> {
        let value = serde_json::to_value(&*program);
        let body = value.map(|value| canonical_json(&value));
        let body = body.map_err(|error| Trouble::from(error).into_port())?;
        self.put_named("program", "programs", hash, body).await
    }

    async fn program(&self, hash: ProgramHash) -> Result<Arc<Program>, PortError> {
        let help = "store its workflow again";
        self.named("program", "programs", hash, help, |body| {
            Ok(Arc::new(serde_json::from_slice(body)?))
        })
        .await
    }

    async fn put_workflow(
        &self,
        workflow: StoredWorkflow,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        self.write(move |session| versions::put(&session.connection, &workflow, expect))
            .await
    }

    async fn delete_workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.write(move |session| versions::delete(&session.connection, &tenant, &id, expect))
            .await
    }

    async fn workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        version: Option<Hash>,
    ) -> Result<Option<StoredWorkflow>, PortError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |connection| versions::read(connection, &tenant, &id, version))
            .await
    }

    async fn workflows(
        &self,
        tenant: &Tenant,
        after: Option<&WorkflowId>,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        let (tenant, after) = (tenant.clone(), after.cloned());
        self.read(move |connection| versions::newest(connection, &tenant, after.as_ref(), limit))
            .await
    }

    async fn versions(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        let (tenant, id) = (tenant.clone(), id.clone());
        self.read(move |connection| versions::all(connection, &tenant, &id, limit))
            .await
    }
}

impl LocalStore {
    /// Stores bytes under their hash, in the table of such things.
    async fn put_named(
        &self,
        what: &'static str,
        table: &'static str,
        hash: Hash,
        body: Vec<u8>,
    ) -> Result<(), PortError> {
        let real = Hash::of(&body);
        if real != hash {
            let (hash, real) = (hash.short(), real.short());
            let reason = format!("a {what} was put as `{hash}` but hashes to `{real}`");
            return Err(PortError::Corrupt { port: PORT, reason });
        }
        // Whoever may put an answer may put its value: a hash names the same bytes for everybody.
        self.write_as_guest(move |session| {
            let insert = format!("INSERT OR IGNORE INTO {table} (hash, body) VALUES (?1, ?2)");
            let mut insert = session.connection.prepare_cached(&insert)?;
            insert.execute((hash.as_bytes(), &body))?;
            Ok(())
        })
        .await
    }

    /// Reads bytes by their hash, checks it, and decodes them.
    async fn named<T: Send + 'static>(
        &self,
        what: &'static str,
        table: &'static str,
        hash: Hash,
        help: &'static str,
        decode: fn(&[u8]) -> Result<T, Trouble>,
    ) -> Result<T, PortError> {
        self.read(move |connection| {
            let select = format!("SELECT body FROM {table} WHERE hash = ?1");
            let mut read = connection.prepare_cached(&select)?;
            let body = read.query_row([hash.as_bytes()], |row| row.get::<_, Vec<u8>>(0));
            let Some(body) = body.optional()? else {
                let (name, help) = (format!("{what} {hash}"), help.to_owned());
                return Err(Trouble::Port(PortError::Missing {
                    port: PORT,
                    name,
                    help,
                }));
            };
            if Hash::of(&body) != hash {
                let hash = hash.short();
                return Err(Trouble::corrupt(format!(
                    "the {what} `{hash}` does not hash to its name"
                )));
            }
            decode(&body)
        })
        .await
    }
}
