//! The bodies about forks.

use super::key;
use lattice_journal::ForkedFrom;
use lattice_model::{RunId, Seq};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A fork that somebody wants: exactly one of `at` and `fromFailed` says from where.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForkBody {
    /// The last event that counts. In the middle of a step, the fork begins before the step.
    #[serde(default)]
    pub at: Option<Seq>,
    /// Begins before the failure that ended the run.
    #[serde(default)]
    pub from_failed: bool,
    /// What is set first, by its path: `vars.NAME`, `nodes.ID.output` or `in`, and names inside it.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    /// The same key gives the same run, however often it is sent.
    #[serde(default)]
    #[schemars(schema_with = "key")]
    pub idempotency_key: Option<String>,
}

/// A run was forked.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForkAnswer {
    /// The new run.
    pub run_id: RunId,
    /// Whether it was there already, under the same key.
    pub known: bool,
    /// Where it comes from: `seq` is the last event that counts, `named` the one that was named, if
    /// that stands in the middle of a step.
    pub forked_from: ForkedFrom,
}
