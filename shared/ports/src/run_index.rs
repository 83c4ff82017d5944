//! The rows of runs: lists, and what is due.

use crate::PortError;
use lattice_journal::{Head, RunStatus};
use lattice_model::{Millis, RunId, Seq, Tenant, WorkflowId};
use std::future::Future;

/// Which rows to list. Newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Only runs of this tenant. `None` = of all: for the process that owns the data.
    pub tenant: Option<Tenant>,
    /// Only runs that stand so.
    pub status: Option<RunStatus>,
    /// Only runs of this workflow.
    pub workflow: Option<WorkflowId>,
    /// Only runs that were queued at this moment or later.
    pub since: Option<Millis>,
    /// Only runs that were queued before this moment.
    pub until: Option<Millis>,
    /// Only runs older than this one: the last of the page before.
    pub before: Option<RunId>,
    /// How many at most.
    pub limit: usize,
}

/// The rows of runs.
pub trait RunIndex: Send + Sync + 'static {
    /// Writes the row if its seq is greater than the stored one's; says whether it did.
    fn put_head(&self, head: Head) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// The row of a run.
    fn head(&self, run: &RunId) -> impl Future<Output = Result<Option<Head>, PortError>> + Send;

    /// A page of rows, newest run first.
    fn heads(&self, filter: RunFilter)
    -> impl Future<Output = Result<Vec<Head>, PortError>> + Send;

    /// Rows whose `due_at` is `now` or earlier, earliest first.
    fn due(
        &self,
        now: Millis,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Head>, PortError>> + Send;

    /// Moves the due moment of a row, if it still has this seq and this due moment; says whether
    /// it did.
    fn defer(
        &self,
        run: &RunId,
        seq: Seq,
        was: Millis,
        until: Millis,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}
