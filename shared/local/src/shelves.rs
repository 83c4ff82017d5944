//! Blobs, Programs and workflow documents in SQLite.

use crate::error::{PORT, Trouble};
use crate::sql::{self, int};
use crate::store::LocalStore;
use lattice_ir::Program;
use lattice_model::{Hash, ProgramHash, WorkflowId, canonical_json};
use lattice_ports::{Blobs, PortError, StoredWorkflow, Workflows};
use rusqlite::{Connection, OptionalExtension, Params, Row};
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

    async fn put_workflow(&self, workflow: StoredWorkflow) -> Result<(), PortError> {
        self.write(move |session| {
            // A version that is put again moves to the end, because AUTOINCREMENT never goes back.
            let mut put = session.connection.prepare_cached(
                "INSERT OR REPLACE INTO workflows (id, version, name, program, stored_at, document)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            put.execute((
                workflow.id.as_str(),
                workflow.version.as_bytes(),
                &workflow.name,
                workflow.program.as_bytes(),
                int(workflow.stored_at.get()),
                &*workflow.document,
            ))?;
            Ok(())
        })
        .await
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Option<StoredWorkflow>, PortError> {
        let id = id.clone();
        let found = self.read(move |connection| {
            let sql = "SELECT id, version, name, program, stored_at, document FROM workflows
                       WHERE id = ?1 ORDER BY place DESC LIMIT 1";
            list(connection, sql, [id.as_str()])
        });
        Ok(found.await?.pop())
    }

    async fn workflows(&self) -> Result<Vec<StoredWorkflow>, PortError> {
        self.read(|connection| {
            let sql = "SELECT id, version, name, program, stored_at, document FROM workflows
                       WHERE place IN (SELECT max(place) FROM workflows GROUP BY id) ORDER BY id";
            list(connection, sql, [])
        })
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

fn list(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<StoredWorkflow>, Trouble> {
    let mut read = connection.prepare_cached(sql)?;
    let mut rows = read.query(params)?;
    let mut workflows = Vec::new();
    while let Some(row) = rows.next()? {
        workflows.push(workflow(row)?);
    }
    Ok(workflows)
}

fn workflow(row: &Row<'_>) -> Result<StoredWorkflow, Trouble> {
    Ok(StoredWorkflow {
        id: WorkflowId::new(sql::text(row, 0)?),
        version: sql::hash(sql::blob(row, 1)?)?,
        name: row.get(2)?,
        program: sql::hash(sql::blob(row, 3)?)?,
        stored_at: sql::millis(row.get(4)?),
        document: Arc::from(sql::text(row, 5)?),
    })
}
