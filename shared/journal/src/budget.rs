//! What a run may use, as events and Programs say it. Stored for ever, like the payloads.

use lattice_model::StageId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run may use in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Tokens of model calls, those of prompts and those of answers; the runs that it calls count.
    pub tokens: u64,
}

/// A stage could begin but for what other stages have reserved of the budget: it waits for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StageHeld {
    /// The visit.
    pub stage: StageId,
    /// Attempts made.
    pub attempt: u32,
    /// The epoch of the next attempt.
    pub epoch: u32,
    /// Tokens that have to be free before it can begin.
    pub needed: u64,
}

/// Whether a count is left out of what is stored.
pub(crate) fn is_nothing(count: &u64) -> bool {
    *count == 0
}
