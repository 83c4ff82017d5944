//! Documents that were stored, and the Programs made of them.

use crate::PortError;
use lattice_ir::Program;
use lattice_model::{Hash, Millis, ProgramHash, Tenant, WorkflowId};
use std::future::Future;
use std::sync::Arc;

/// What is known of a version of a workflow without its document.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowVersion {
    /// Whose it is.
    pub tenant: Tenant,
    /// The workflow.
    pub id: WorkflowId,
    /// Its name.
    pub name: String,
    /// The hash of the document's bytes: its version.
    pub version: Hash,
    /// The Program that it compiles to.
    pub program: ProgramHash,
    /// When it was stored.
    pub stored_at: Millis,
}

/// A version of a workflow document.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredWorkflow {
    /// What it is.
    pub row: WorkflowVersion,
    /// The document as a text.
    pub document: Arc<str>,
}

/// What a writer believes to stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Whatever it is.
    Anything,
    /// Nothing.
    Absent,
    /// This version as the newest.
    Version(Hash),
}

impl Expect {
    /// Whether what stands there is what was expected.
    pub fn holds(self, newest: Option<Hash>) -> bool {
        match self {
            Self::Anything => true,
            Self::Absent => newest.is_none(),
            Self::Version(version) => newest == Some(version),
        }
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkflowPut {
    /// It is done, durably.
    Done,
    /// Something else stands there, and nothing was written: the newest version, if there is one.
    Conflict(Option<Hash>),
}

/// Documents and Programs. Both are immutable under their hashes; Programs are shared by tenants,
/// because a hash names the same bytes for everybody.
pub trait Workflows: Send + Sync + 'static {
    /// Stores a Program under its hash.
    fn put_program(
        &self,
        hash: ProgramHash,
        program: Arc<Program>,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Reads a Program; `PortError::Missing` if it is not there.
    fn program(
        &self,
        hash: ProgramHash,
    ) -> impl Future<Output = Result<Arc<Program>, PortError>> + Send;

    /// Stores a version and makes it the newest, if `expect` holds at that very moment. A version
    /// that was stored before is not stored twice.
    fn put_workflow(
        &self,
        workflow: StoredWorkflow,
        expect: Expect,
    ) -> impl Future<Output = Result<WorkflowPut, PortError>> + Send;

    /// Removes all versions of a workflow, if `expect` holds at that very moment. Programs stay:
    /// runs are pinned to them.
    fn delete_workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        expect: Expect,
    ) -> impl Future<Output = Result<WorkflowPut, PortError>> + Send;

    /// A version of a workflow, or the newest.
    fn workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        version: Option<Hash>,
    ) -> impl Future<Output = Result<Option<StoredWorkflow>, PortError>> + Send;

    /// The newest version of each workflow of the tenant, by id, `limit` at most, those behind
    /// `after`.
    fn workflows(
        &self,
        tenant: &Tenant,
        after: Option<&WorkflowId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<WorkflowVersion>, PortError>> + Send;

    /// The versions of a workflow, newest first, `limit` at most.
    fn versions(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<WorkflowVersion>, PortError>> + Send;
}
