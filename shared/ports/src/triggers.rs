//! Triggers: what stands ready to start runs, and the clock that fires schedules.

use crate::PortError;
use lattice_ir::TriggerKind;
use lattice_model::{Millis, NodeId, Tenant, TriggerId, WorkflowId};
use serde::{Deserialize, Serialize};
use std::future::Future;

/// A trigger of the newest version of a stored workflow. What it says is a copy, for lists and for
/// the clock: whoever fires it looks at the workflow's newest Program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriggerRow {
    /// Its id: a function of tenant, workflow and node, so that saving the workflow again keeps
    /// the address.
    pub id: TriggerId,
    /// Whose it is.
    pub tenant: Tenant,
    /// The workflow whose runs it starts.
    pub workflow: WorkflowId,
    /// The node that it is.
    pub node: NodeId,
    /// What it listens to.
    pub on: TriggerKind,
    /// When it was stored.
    pub stored_at: Millis,
}

/// The rows of triggers.
pub trait Triggers: Send + Sync + 'static {
    /// Stores a row, or replaces the one with its id.
    fn put_trigger(&self, row: TriggerRow) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Removes a row; one that is not there is no mistake.
    fn delete_trigger(&self, id: &TriggerId) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The row with this id, strongly consistent.
    fn trigger(
        &self,
        id: &TriggerId,
    ) -> impl Future<Output = Result<Option<TriggerRow>, PortError>> + Send;

    /// The rows of a tenant by id, those behind `after`, `limit` at most; of one workflow if it is
    /// named. `None` as the tenant = of all: for the process that owns the data.
    fn triggers(
        &self,
        tenant: Option<&Tenant>,
        workflow: Option<&WorkflowId>,
        after: Option<&TriggerId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<TriggerRow>, PortError>> + Send;
}

/// A clock outside of any run that fires schedules, at least once each; the start's key (`schedule id`
/// and moment) makes a repeated firing harmless.
pub trait Schedules: Send + Sync + 'static {
    /// Fires from now on as the row says, and no longer as an older row of this id said.
    fn arm(&self, row: &TriggerRow) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Never fires again; one that is not armed is no mistake.
    fn disarm(&self, id: &TriggerId) -> impl Future<Output = Result<(), PortError>> + Send;
}
