//! What an outside writer hands to a run.

use crate::value::ValueRef;
use lattice_model::{InboxId, Millis, NodeId, RunId, StageId};
use serde::{Deserialize, Serialize};

/// One item for one run. Its id makes a repeated put harmless.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxItem {
    /// The run it is for.
    pub run: RunId,
    /// Chosen by the writer; the same id is taken once.
    pub id: InboxId,
    /// When it was put.
    pub at: Millis,
    /// What it says.
    pub body: InboxBody,
}

/// What an inbox item says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum InboxBody {
    /// An answer to a node that waits, or will.
    #[serde(rename_all = "camelCase")]
    Signal {
        /// The node that asks.
        node: NodeId,
        /// The visit it answers; an answer to an older visit is refused. `None` = whichever
        /// visit comes first.
        wait: Option<StageId>,
        /// The answer, already redacted.
        value: ValueRef,
    },
    /// Somebody wants the run to end.
    Cancel {
        /// Why, for the record.
        reason: String,
    },
}
