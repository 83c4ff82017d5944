//! The bodies about forks.

use super::key;
use lattice_journal::ForkedFrom;
use lattice_model::{RunId, Seq};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};
use std::collections::BTreeMap;

/// A fork that somebody wants: exactly one of `at` and `fromFailed` says from where.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForkBody {
    /// The last event that counts. In the middle of a step, the fork begins before the step.
    #[serde(default, deserialize_with = "whole")]
    #[schemars(schema_with = "place")]
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

/// The largest whole number that every JSON reader keeps exactly (RFC 8259, section 6).
const EXACT_MAX: u64 = (1 << 53) - 1;

fn place(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": ["integer", "null"], "minimum": 0, "maximum": EXACT_MAX})
}

/// Reads a place as JSON Schema means `integer`: `4.0` is one too, as some clients write it.
fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Seq>, D::Error> {
    let Some(number) = Option::<Number>::deserialize(from)? else {
        return Ok(None);
    };
    let exact = number
        .as_f64()
        .filter(|whole| whole.fract() == 0.0 && (0.0..=EXACT_MAX as f64).contains(whole));
    match number.as_u64().or(exact.map(|whole| whole as u64)) {
        Some(place) if place <= EXACT_MAX => Ok(Some(Seq::from_stored(place))),
        _ => Err(D::Error::custom(format!(
            "expected a whole number from 0 to {EXACT_MAX}, not {number}"
        ))),
    }
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
