//! A run inside another one.

use lattice_journal::Budget;
use lattice_model::{OpId, ProgramHash, WorkflowId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Starts a run of another workflow and waits until it is over; its output is the node's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoke {
    /// The workflow, for people.
    pub workflow: WorkflowId,
    /// What it was when this Program was made: a run keeps to it, whatever is saved since.
    pub program: ProgramHash,
    /// Its input: JSON whose strings are templates.
    pub input: Value,
    /// The budget that the workflow gives its own runs: no more is kept for one of them here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// How long it may take, in milliseconds; unset = as long as the run.
    pub timeout_ms: Option<u64>,
    /// Where to go with its output.
    pub next: OpId,
    /// Where to go if it fails, is cancelled, or cannot begin; unset = what the op stands in fails.
    pub on_error: Option<OpId>,
    /// Where to go when its time is up; unset = as `on_error`.
    pub on_timeout: Option<OpId>,
}
