//! How branches, called runs and answers end, as events say it. Stored for ever, like the payloads.

use crate::failure::Failure;
use crate::value::ValueRef;
use lattice_model::NodeId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a branch ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum BranchOutcome {
    /// It came to its join.
    Completed {
        /// What its last node gave.
        output: ValueRef,
    },
    /// A failure that nothing caught ended it, or its time was up.
    Failed {
        /// Why.
        failure: Failure,
        /// The node that failed; unset if its time was up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
    },
}

/// How a run ended, as the run hears of it that started it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ChildOutcome {
    /// It reached an end.
    Completed {
        /// What it produced.
        output: ValueRef,
    },
    /// It failed, or could not begin.
    Failed {
        /// Why, with the way through the runs in its message.
        failure: Failure,
    },
    /// Somebody cancelled it.
    Cancelled,
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum SignalOutcome {
    /// Taken by a wait.
    Accepted,
    /// Kept for a wait that has not been reached.
    Buffered,
    /// Not taken.
    Refused {
        /// Why, and what would be.
        reason: String,
    },
}
