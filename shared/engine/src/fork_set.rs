//! What a fork changes of the state that it begins with: `vars.NAME`, `nodes.ID.output` and `in`, and
//! what stands inside them.

use crate::fork::ForkError;
use crate::input::BlobCache;
use crate::state::{Branch, RunState};
use lattice_journal::ValueRef;
use lattice_journal::payload::BranchOutcome;
use lattice_model::{canonical_len, json_depth, limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sets the values at their paths, in the order of the paths.
pub(crate) fn set(
    state: &mut RunState,
    changes: &BTreeMap<String, Value>,
    blobs: &BlobCache,
) -> Result<(), ForkError> {
    for (path, value) in changes {
        let (place, inside) = place(state, path)?;
        let changed = change(path, place, &inside, value, blobs)?;
        check(path, &changed)?;
        let changed = ValueRef::Inline(Arc::new(changed));
        let before = std::mem::replace(place, changed.clone());
        if path.starts_with("nodes.") {
            follow(state, path, &before, &changed)?;
        }
    }
    Ok(())
}

/// A branch comes to what was given last in it: if that is the output that is set, it is set there too.
/// The state does not say which node gave it, only what.
fn follow(
    state: &mut RunState,
    path: &str,
    before: &ValueRef,
    changed: &ValueRef,
) -> Result<(), ForkError> {
    let set = |branch: &&mut Branch| branch.outputs.values().any(|it| same(it, changed));
    for branch in state.branches.values_mut().filter(set) {
        let end = match &mut branch.end {
            Some((_, BranchOutcome::Completed { output })) => Some(output),
            _ => None,
        };
        for given in branch.last.iter_mut().chain(end) {
            if given != before {
                continue;
            }
            if branch.outputs.values().any(|other| other == before) {
                return Err(ForkError::LastUnclear(path.to_owned()));
            }
            *given = changed.clone();
        }
    }
    Ok(())
}

/// Whether it is this very value, and not only an equal one.
fn same(one: &ValueRef, other: &ValueRef) -> bool {
    match (one.inline(), other.inline()) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

/// Where a path leads: the value that the state holds, and the names inside it.
fn place<'s>(
    state: &'s mut RunState,
    path: &str,
) -> Result<(&'s mut ValueRef, Vec<String>), ForkError> {
    let unknown = || ForkError::UnknownPath(path.to_owned());
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    let ends_well = !path.ends_with('.') && !path.contains("..");
    match root {
        "in" if ends_well => Ok((&mut state.input, names(rest))),
        "vars" if ends_well && !rest.is_empty() => variable(state, path, rest),
        "nodes" if ends_well && !rest.is_empty() => output(state, path, rest),
        _ => Err(unknown()),
    }
}

fn names(rest: &str) -> Vec<String> {
    let names = rest.split('.').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// What stands behind a name at the beginning of a path.
fn behind<'p>(rest: &'p str, name: &str) -> Option<&'p str> {
    let behind = rest.strip_prefix(name)?;
    match behind.is_empty() {
        true => Some(behind),
        false => behind.strip_prefix('.'),
    }
}

fn variable<'s>(
    state: &'s mut RunState,
    path: &str,
    rest: &str,
) -> Result<(&'s mut ValueRef, Vec<String>), ForkError> {
    let outside = state.variables.iter_mut();
    let inside = state.branches.values_mut();
    let inside = inside.flat_map(|branch| branch.variables.iter_mut());
    let inside = inside.filter_map(|(name, it)| it.as_mut().map(|it| (name, it)));
    let all: Vec<(&String, &mut ValueRef)> = outside.chain(inside).collect();
    let all = all.into_iter().map(|(name, it)| (name.as_str(), it));
    one(path, "variables", all, |name| behind(rest, name))
}

fn output<'s>(
    state: &'s mut RunState,
    path: &str,
    rest: &str,
) -> Result<(&'s mut ValueRef, Vec<String>), ForkError> {
    let inside = state.branches.values_mut();
    let inside = inside.flat_map(|branch| branch.outputs.iter_mut());
    let all: Vec<_> = state.outputs.iter_mut().chain(inside).collect();
    let all = all.into_iter().map(|(node, it)| (node.as_str(), it));
    one(path, "outputs of nodes", all, |node| {
        behind(behind(rest, node).filter(|it| !it.is_empty())?, "output")
    })
}

/// The one value among those that the state holds. The longest name counts, since names may have dots.
fn one<'s, 'p>(
    path: &str,
    what: &'static str,
    all: impl Iterator<Item = (&'s str, &'s mut ValueRef)>,
    rest: impl Fn(&str) -> Option<&'p str>,
) -> Result<(&'s mut ValueRef, Vec<String>), ForkError> {
    let (mut there, mut found) = (Vec::new(), Vec::new());
    for (name, value) in all {
        there.push(name.to_owned());
        if let Some(rest) = rest(name) {
            found.push((name.len(), rest, value));
        }
    }
    let longest = found.iter().map(|(length, ..)| *length).max();
    found.retain(|(length, ..)| Some(*length) == longest);
    let path = path.to_owned();
    match (found.pop(), found.len()) {
        (Some((_, rest, value)), 0) => Ok((value, names(rest))),
        (Some(_), others) => Err(ForkError::Ambiguous {
            path,
            count: others + 1,
        }),
        (None, _) => {
            there.sort();
            there.dedup();
            Err(ForkError::NotThere { path, what, there })
        }
    }
}

fn change(
    path: &str,
    place: &ValueRef,
    inside: &[String],
    value: &Value,
    blobs: &BlobCache,
) -> Result<Value, ForkError> {
    let Some((last, way)) = inside.split_last() else {
        return Ok(value.clone());
    };
    let mut whole = match place {
        ValueRef::Inline(value) => Value::clone(value),
        ValueRef::Blob { hash, .. } => match blobs.get(hash) {
            Some(value) => Value::clone(value),
            None => return Err(ForkError::NeedBlobs(vec![*hash])),
        },
    };
    let mut at = &mut whole;
    for name in way {
        at = match object(path, name, at)?.get_mut(name) {
            Some(inner) => inner,
            None => {
                let (path, name) = (path.to_owned(), name.clone());
                return Err(ForkError::NoField { path, name });
            }
        };
    }
    object(path, last, at)?.insert(last.clone(), value.clone());
    Ok(whole)
}

fn object<'v>(
    path: &str,
    name: &str,
    value: &'v mut Value,
) -> Result<&'v mut serde_json::Map<String, Value>, ForkError> {
    let (path, name) = (path.to_owned(), name.to_owned());
    let word = crate::ops::word(value);
    let found = value.as_object_mut();
    found.ok_or(ForkError::NotAnObject { path, name, word })
}

fn check(path: &str, value: &Value) -> Result<(), ForkError> {
    let limit = match path.split('.').next() {
        Some("in") => limits::INPUT_BYTES_MAX,
        _ => limits::VALUE_BYTES_MAX,
    };
    let (bytes, path) = (canonical_len(value), path.to_owned());
    if bytes > limit {
        return Err(ForkError::ValueTooLarge { path, bytes, limit });
    }
    let depth = json_depth(value);
    match depth > limits::JSON_DEPTH_MAX {
        true => Err(ForkError::ValueTooDeep { path, depth }),
        false => Ok(()),
    }
}
