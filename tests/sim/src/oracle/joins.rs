//! What a join waits for, and what it makes of the branches that count.

use lattice_ir::{JoinPolicy, Merge};
use lattice_journal::{Failure, FailureKind};
use lattice_model::canonical_json;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a branch did to the variables; `None` = it deleted it.
pub type Changes = BTreeMap<String, Option<Value>>;

/// What can be said of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It waits on.
    Undecided,
    /// The branches that have succeeded count.
    Fires,
    /// It fails.
    Fails,
}

/// What the policy makes of its branches: `None` = not over, `Some(true)` = succeeded.
pub fn verdict(policy: JoinPolicy, ends: &[Option<bool>]) -> Verdict {
    let count = |end: Option<bool>| ends.iter().filter(|found| **found == end).count();
    let (open, succeeded, failed) = (count(None), count(Some(true)), count(Some(false)));
    match policy {
        JoinPolicy::FailFast if failed > 0 => Verdict::Fails,
        JoinPolicy::All | JoinPolicy::FailFast if open > 0 => Verdict::Undecided,
        JoinPolicy::All | JoinPolicy::FailFast if failed > 0 => Verdict::Fails,
        JoinPolicy::All | JoinPolicy::FailFast => Verdict::Fires,
        JoinPolicy::Quorum { needed } if succeeded >= needed as usize => Verdict::Fires,
        JoinPolicy::Quorum { needed } if succeeded + open < needed as usize => Verdict::Fails,
        JoinPolicy::Quorum { .. } => Verdict::Undecided,
    }
}

/// Whether some order of these ends leads just there: the last one decides, and none before it.
pub fn can_be(policy: JoinPolicy, ends: &[Option<bool>]) -> bool {
    let is_last = |place: usize| {
        let mut before = ends.to_vec();
        match before.get_mut(place) {
            Some(end @ Some(_)) => *end = None,
            _ => return false,
        }
        verdict(policy, &before) == Verdict::Undecided
    };
    (0..ends.len()).any(is_last)
}

/// What the join makes of the outputs that count, given with their places among all branches.
pub fn merge_outputs(
    merge: Merge,
    branches: usize,
    counted: &[(usize, Value)],
) -> Result<Value, Failure> {
    if merge == Merge::Collect {
        let at = |place| counted.iter().find(|(of, _)| *of == place);
        let items = (0..branches).map(|place| at(place).map(|(_, output)| output.clone()));
        return Ok(items.map(Option::unwrap_or_default).collect());
    }
    let outputs = counted.iter().map(|(_, output)| Some(output.clone()));
    let one = merge_several(merge, &outputs.collect::<Vec<_>>(), "outputs")?;
    Ok(one.unwrap_or_default())
}

/// What becomes of the variables that the counted branches changed.
pub fn merge_changes(merge: Merge, counted: &[&Changes]) -> Result<Changes, Failure> {
    let names: BTreeSet<&String> = counted.iter().flat_map(|changes| changes.keys()).collect();
    let merged = names.into_iter().map(|name| {
        let changes = counted.iter().filter_map(|changes| changes.get(name));
        let changes: Vec<Option<Value>> = changes.cloned().collect();
        let one = match changes.as_slice() {
            [one] => one.clone(),
            several if merge == Merge::Collect => {
                let values = several.iter().cloned().map(Option::unwrap_or_default);
                Some(values.collect())
            }
            several => merge_several(merge, several, name)?,
        };
        Ok((name.clone(), one))
    });
    merged.collect()
}

fn merge_several(
    merge: Merge,
    several: &[Option<Value>],
    what: &str,
) -> Result<Option<Value>, Failure> {
    let bytes = |value: &Option<Value>| value.as_ref().map(canonical_json);
    match merge {
        Merge::First => Ok(several.first().cloned().flatten()),
        Merge::Collect | Merge::Last => Ok(several.last().cloned().flatten()),
        Merge::DeepMerge => {
            let values = several.iter().cloned().map(Option::unwrap_or_default);
            Ok(values.reduce(deep_merge))
        }
        Merge::Error => {
            let first = several.first().cloned().flatten();
            match several.iter().all(|other| bytes(other) == bytes(&first)) {
                true => Ok(first),
                false => {
                    let message = format!("the branches do not agree on `{what}`");
                    Err(Failure::new(FailureKind::MergeConflict, message))
                }
            }
        }
    }
}

fn deep_merge(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(one), Value::Object(mut other)) => {
            let mut merged = Map::new();
            for (key, value) in one {
                let value = match other.remove(&key) {
                    Some(later) => deep_merge(value, later),
                    None => value,
                };
                merged.insert(key, value);
            }
            merged.extend(other);
            Value::Object(merged)
        }
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use serde_json::json;

    const DONE: Option<bool> = Some(true);
    const LOST: Option<bool> = Some(false);
    const OPEN: Option<bool> = None;

    #[test]
    fn each_policy_waits_for_what_it_says() {
        let two = JoinPolicy::Quorum { needed: 2 };
        for (policy, ends, right) in [
            (JoinPolicy::All, [DONE, LOST, OPEN], Verdict::Undecided),
            (JoinPolicy::All, [DONE, LOST, DONE], Verdict::Fails),
            (JoinPolicy::All, [DONE, DONE, DONE], Verdict::Fires),
            (JoinPolicy::FailFast, [DONE, LOST, OPEN], Verdict::Fails),
            (JoinPolicy::FailFast, [DONE, DONE, OPEN], Verdict::Undecided),
            (two, [DONE, LOST, OPEN], Verdict::Undecided),
            (two, [DONE, OPEN, DONE], Verdict::Fires),
            (two, [LOST, OPEN, LOST], Verdict::Fails),
        ] {
            assert_eq!(verdict(policy, &ends), right, "{policy:?} {ends:?}");
        }
    }

    #[test]
    fn a_join_that_went_on_after_it_was_decided_cannot_be() {
        let two = JoinPolicy::Quorum { needed: 2 };
        assert!(can_be(two, &[DONE, OPEN, DONE]) && can_be(two, &[DONE, LOST, DONE]));
        assert!(!can_be(two, &[DONE, DONE, DONE]));
        assert!(can_be(two, &[LOST, LOST, DONE]) && !can_be(two, &[LOST, LOST, LOST]));
        assert!(!can_be(JoinPolicy::FailFast, &[LOST, LOST, DONE]));
        assert!(can_be(JoinPolicy::All, &[LOST, LOST, LOST]));
    }

    #[test]
    fn outputs_are_merged_in_the_order_of_the_branches() {
        let one = json!({ "n": 1, "in": { "a": 1, "x": [1] } });
        let two = json!({ "in": { "x": [2], "b": null }, "m": 2 });
        let counted = [(0, one.clone()), (2, two.clone())];
        let merged = |merge| merge_outputs(merge, 3, &counted);
        assert_eq!(merged(Merge::Collect), Ok(json!([one, null, two])));
        let deep = json!({ "n": 1, "in": { "a": 1, "x": [2], "b": null }, "m": 2 });
        assert_eq!(merged(Merge::DeepMerge), Ok(deep));
        assert_eq!(merged(Merge::First), Ok(one.clone()));
        assert_eq!(merged(Merge::Last), Ok(two));
        assert_eq!(
            merged(Merge::Error).unwrap_err().kind,
            FailureKind::MergeConflict
        );
        assert_eq!(merge_outputs(Merge::Error, 3, &[(1, one.clone())]), Ok(one));
    }

    #[test]
    fn a_variable_that_one_branch_changed_is_taken_as_it_is() {
        let of = |pairs: &[(&str, Option<Value>)]| -> Changes {
            let pairs = pairs.iter().cloned();
            pairs
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        };
        let one = of(&[("a", Some(json!(1))), ("b", None), ("c", Some(json!(1)))]);
        let two = of(&[("b", Some(json!(2))), ("c", Some(json!(1)))]);
        let merged = |merge| merge_changes(merge, &[&one, &two]);
        let a = ("a", Some(json!(1)));
        for (merge, b, c) in [
            (Merge::Collect, Some(json!([null, 2])), Some(json!([1, 1]))),
            (Merge::DeepMerge, Some(json!(2)), Some(json!(1))),
            (Merge::First, None, Some(json!(1))),
            (Merge::Last, Some(json!(2)), Some(json!(1))),
        ] {
            let right = of(&[a.clone(), ("b", b), ("c", c)]);
            assert_eq!(merged(merge), Ok(right), "{merge:?}");
        }
        let conflict = merged(Merge::Error).unwrap_err();
        assert_eq!(conflict.kind, FailureKind::MergeConflict);
        assert!(conflict.message.contains("`b`"), "{conflict:?}");
    }
}
