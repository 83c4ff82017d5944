//! What is known of a run without reading its log.

use crate::failure::{Failure, Usage};
use crate::status::RunStatus;
use crate::value::ValueRef;
use lattice_model::{Millis, NodeId, ProgramHash, RunId, Seq, Tenant, WorkflowId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts over a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Stages that completed.
    pub stages: u64,
    /// Attempts of effects that were claimed.
    pub attempts: u64,
    /// What model calls used.
    pub usage: Usage,
}

/// The row of a run in lists, and what finds it again when something is due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// Whose run it is.
    #[serde(default, skip_serializing_if = "Tenant::is_local")]
    pub tenant: Tenant,
    /// The run.
    pub run: RunId,
    /// What it runs.
    pub workflow: WorkflowId,
    /// The name of the workflow, for people.
    pub name: String,
    /// The Program it is pinned to.
    pub program: ProgramHash,
    /// The last event this row knows of; a row moves only forward.
    pub seq: Seq,
    /// How the run stood then.
    pub status: RunStatus,
    /// When it was queued.
    pub started_at: Millis,
    /// When this row was written.
    pub updated_at: Millis,
    /// When somebody has to look at it; `None` once it is over.
    pub due_at: Option<Millis>,
    /// Where it comes from, if it is a fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkPoint>,
}

/// Where a fork comes from, as its row says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForkPoint {
    /// The run that it was forked from.
    pub run: RunId,
    /// The last event of that run that counts in the fork.
    pub seq: Seq,
}

/// What stays of a run when its log has expired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Whose run it was.
    #[serde(default, skip_serializing_if = "Tenant::is_local")]
    pub tenant: Tenant,
    /// The run.
    pub run: RunId,
    /// What it ran.
    pub workflow: WorkflowId,
    /// How it ended.
    pub status: RunStatus,
    /// When it was queued.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Millis,
    /// The number of its last event.
    pub seq: Seq,
    /// Counts.
    pub totals: Totals,
    /// What it produced, if it completed.
    pub output: Option<ValueRef>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The node at which it failed.
    pub node: Option<NodeId>,
}
