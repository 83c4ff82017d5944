//! Blobs, Programs and workflow documents in memory.

use super::store::MemoryStore;
use crate::{Blobs, PortError, StoredWorkflow, Workflows};
use lattice_ir::Program;
use lattice_model::{Hash, ProgramHash, WorkflowId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is named by its hash, and the newest version of each workflow. Older versions are not
/// kept: no port asks for them.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    blobs: BTreeMap<Hash, Arc<Value>>,
    programs: BTreeMap<ProgramHash, Arc<Program>>,
    workflows: BTreeMap<WorkflowId, StoredWorkflow>,
}

impl Blobs for MemoryStore {
    async fn put_blob(&self, hash: Hash, value: Arc<Value>) -> Result<(), PortError> {
        named_rightly("blob", hash, Hash::of_json(&value))?;
        self.lock().shelves.blobs.insert(hash, value);
        Ok(())
    }

    async fn blob(&self, hash: Hash) -> Result<Arc<Value>, PortError> {
        let found = self.lock().shelves.blobs.get(&hash).cloned();
        found.ok_or_else(|| {
            missing(
                "blob",
                hash,
                "store the value before the commit that names it",
            )
        })
    }
}

impl Workflows for MemoryStore {
    async fn put_program(&self, hash: ProgramHash, program: Arc<Program>) -> Result<(), PortError> {
        let real = program
            .hash()
            .map_err(|error| corrupt(format!("a program: {error}")))?;
        named_rightly("program", hash, real)?;
        self.lock().shelves.programs.insert(hash, program);
        Ok(())
    }

    async fn program(&self, hash: ProgramHash) -> Result<Arc<Program>, PortError> {
        let found = self.lock().shelves.programs.get(&hash).cloned();
        found.ok_or_else(|| missing("program", hash, "store its workflow again"))
    }

    async fn put_workflow(&self, workflow: StoredWorkflow) -> Result<(), PortError> {
        self.lock()
            .shelves
            .workflows
            .insert(workflow.id.clone(), workflow);
        Ok(())
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Option<StoredWorkflow>, PortError> {
        Ok(self.lock().shelves.workflows.get(id).cloned())
    }

    async fn workflows(&self) -> Result<Vec<StoredWorkflow>, PortError> {
        Ok(self.lock().shelves.workflows.values().cloned().collect())
    }
}

fn named_rightly(what: &str, name: Hash, real: Hash) -> Result<(), PortError> {
    if name == real {
        return Ok(());
    }
    Err(corrupt(format!(
        "a {what} was put as `{}` but hashes to `{}`",
        name.short(),
        real.short()
    )))
}

fn corrupt(reason: String) -> PortError {
    PortError::Corrupt {
        port: "memory store",
        reason,
    }
}

fn missing(what: &str, hash: Hash, help: &str) -> PortError {
    PortError::Missing {
        port: "memory store",
        name: format!("{what} {hash}"),
        help: help.to_owned(),
    }
}
