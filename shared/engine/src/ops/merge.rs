//! What a join makes of several values. The order is the order in which the branches were drawn;
//! nothing here knows in which order they ended.

use lattice_ir::Merge;
use lattice_journal::{Failure, FailureKind};
use lattice_model::Hash;
use serde_json::Value;
use std::sync::Arc;

/// The output of a join: `places` are the branches that count, `values` what they gave, `branches`
/// how many there are.
pub(super) fn outputs(
    merge: Merge,
    branches: usize,
    places: &[u32],
    values: &[Arc<Value>],
) -> Result<Value, Failure> {
    let plain = |value: &Arc<Value>| Value::clone(value);
    match merge {
        Merge::Collect => {
            let mut list = vec![Value::Null; branches];
            for (place, value) in places.iter().zip(values) {
                if let Some(slot) = list.get_mut(*place as usize) {
                    *slot = plain(value);
                }
            }
            Ok(Value::Array(list))
        }
        Merge::DeepMerge => Ok(deep(values.iter().map(plain))),
        Merge::First => Ok(values.first().map(plain).unwrap_or_default()),
        Merge::Last => Ok(values.last().map(plain).unwrap_or_default()),
        Merge::Error => match are_equal(values) {
            true => Ok(values.first().map(plain).unwrap_or_default()),
            false => Err(conflict("the branches gave different outputs")),
        },
    }
}

/// What becomes of a variable that several branches changed; `None` = deleted.
pub(super) fn changes(
    merge: Merge,
    name: &str,
    values: &[Option<Arc<Value>>],
) -> Result<Option<Value>, Failure> {
    let plain = |value: &Option<Arc<Value>>| value.as_ref().map(|value| Value::clone(value));
    let or_null = |value: &Option<Arc<Value>>| plain(value).unwrap_or_default();
    match merge {
        Merge::Collect => Ok(Some(values.iter().map(or_null).collect())),
        Merge::DeepMerge => Ok(Some(deep(values.iter().map(or_null)))),
        Merge::First => Ok(values.first().and_then(plain)),
        Merge::Last => Ok(values.last().and_then(plain)),
        Merge::Error => {
            let given: Vec<_> = values.iter().flatten().cloned().collect();
            let is_same = given.is_empty() || (given.len() == values.len() && are_equal(&given));
            match is_same {
                true => Ok(values.first().and_then(plain)),
                false => Err(conflict(&format!(
                    "the branches gave the variable `{name}` different values"
                ))),
            }
        }
    }
}

fn conflict(what: &str) -> Failure {
    let remedy = "choose another merge policy, or let the branches agree";
    Failure::new(FailureKind::MergeConflict, format!("{what}; {remedy}"))
}

/// Equal as canonical JSON: `1` is `1.0`, and the order of keys does not count.
fn are_equal(values: &[Arc<Value>]) -> bool {
    let mut hashes = values.iter().map(|value| Hash::of_json(value));
    let first = hashes.next();
    hashes.all(|hash| Some(hash) == first)
}

fn deep(values: impl Iterator<Item = Value>) -> Value {
    values.reduce(deep_merge).unwrap_or_default()
}

/// Objects are merged key by key; anything else is the later one's.
fn deep_merge(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (key, value) in other {
                let merged = match one.remove(&key) {
                    Some(before) => deep_merge(before, value),
                    None => value,
                };
                one.insert(key, merged);
            }
            Value::Object(one)
        }
        (_, other) => other,
    }
}
