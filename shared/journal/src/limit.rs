//! What a run counts for, where its workflow bounds how many runs are open at once. Stored for ever,
//! like the payloads.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A run begins only when one of so many places is free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// Which runs of the workflow count together: what its template gave; empty = all of them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// How many of them may be open at once.
    pub max_runs: u32,
}
