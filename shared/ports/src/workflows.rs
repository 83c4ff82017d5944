//! Documents that were stored, and the Programs made of them.

use crate::PortError;
use lattice_ir::Program;
use lattice_model::{Hash, Millis, ProgramHash, WorkflowId};
use std::future::Future;
use std::sync::Arc;

/// A version of a workflow document.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredWorkflow {
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
    /// The document as a text.
    pub document: Arc<str>,
}

/// Documents and Programs. Both are immutable under their hashes.
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

    /// Stores a version; the same version again changes nothing but makes it the newest.
    fn put_workflow(
        &self,
        workflow: StoredWorkflow,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The newest version of a workflow.
    fn workflow(
        &self,
        id: &WorkflowId,
    ) -> impl Future<Output = Result<Option<StoredWorkflow>, PortError>> + Send;

    /// The newest version of each workflow, by id.
    fn workflows(&self) -> impl Future<Output = Result<Vec<StoredWorkflow>, PortError>> + Send;
}
