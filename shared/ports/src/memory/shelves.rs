//! Blobs, Programs and workflow documents in memory.

use super::store::MemoryStore;
use crate::{Blobs, Expect, PortError, StoredWorkflow, WorkflowPut, WorkflowVersion, Workflows};
use lattice_ir::Program;
use lattice_model::{Hash, ProgramHash, Tenant, WorkflowId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is named by its hash, and the versions of each workflow, the newest last.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    blobs: BTreeMap<Hash, Arc<Value>>,
    programs: BTreeMap<ProgramHash, Arc<Program>>,
    workflows: BTreeMap<(Tenant, WorkflowId), Vec<StoredWorkflow>>,
}

impl Shelves {
    fn versions(&self, tenant: &Tenant, id: &WorkflowId) -> &[StoredWorkflow] {
        let key = (tenant.clone(), id.clone());
        self.workflows.get(&key).map_or(&[], Vec::as_slice)
    }

    /// What stands in the way of a write, if anything does.
    fn conflict(&self, tenant: &Tenant, id: &WorkflowId, expect: Expect) -> Option<WorkflowPut> {
        let newest = self.versions(tenant, id).last();
        let newest = newest.map(|stored| stored.row.version);
        (!expect.holds(newest)).then_some(WorkflowPut::Conflict(newest))
    }
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

    async fn put_workflow(
        &self,
        workflow: StoredWorkflow,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        let shelves = &mut self.lock().shelves;
        let row = &workflow.row;
        if let Some(conflict) = shelves.conflict(&row.tenant, &row.id, expect) {
            return Ok(conflict);
        }
        let key = (row.tenant.clone(), row.id.clone());
        let versions = shelves.workflows.entry(key).or_default();
        versions.retain(|stored| stored.row.version != row.version);
        versions.push(workflow);
        Ok(WorkflowPut::Done)
    }

    async fn delete_workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        let shelves = &mut self.lock().shelves;
        if let Some(conflict) = shelves.conflict(tenant, id, expect) {
            return Ok(conflict);
        }
        shelves.workflows.remove(&(tenant.clone(), id.clone()));
        Ok(WorkflowPut::Done)
    }

    async fn workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        version: Option<Hash>,
    ) -> Result<Option<StoredWorkflow>, PortError> {
        let state = self.lock();
        let mut newest_first = state.shelves.versions(tenant, id).iter().rev();
        let is_it = |stored: &&StoredWorkflow| version.is_none_or(|it| it == stored.row.version);
        Ok(newest_first.find(is_it).cloned())
    }

    async fn workflows(
        &self,
        tenant: &Tenant,
        after: Option<&WorkflowId>,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        let state = self.lock();
        let listed = state
            .shelves
            .workflows
            .iter()
            .filter(|((owner, id), _)| owner == tenant && after.is_none_or(|after| id > after));
        let newest = listed.filter_map(|(_, versions)| versions.last());
        Ok(newest
            .take(limit)
            .map(|stored| stored.row.clone())
            .collect())
    }

    async fn versions(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        let state = self.lock();
        let newest_first = state.shelves.versions(tenant, id).iter().rev();
        let rows = newest_first.take(limit).map(|stored| stored.row.clone());
        Ok(rows.collect())
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
