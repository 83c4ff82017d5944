//! Walks the items of a map, or asks what came of its batches, and gathers their results.
//!
//! What time decides is how far the items came when one of them failed: which of them were over,
//! which were cut, and which had not begun. A log says that; where there is none, an item is over
//! before the next one begins.

use super::called::{Called, Visit, What};
use super::interpret::{Left, Step, Walk};
use super::outcome::{Branch, BranchEnd};
use super::told::{Refused, SaidEnd};
use super::values::kept;
use lattice_ir::{Gather, Map, OpKind};
use lattice_journal::{Failure, FailureKind};
use lattice_model::limits::{MAP_INLINE_ITEMS_MAX, MAP_ITEMS_MAX};
use lattice_model::{BranchId, NodeId, OpId, StageId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::mem;

/// A run that does some items of a map and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The map.
    pub op: OpId,
    /// The place of the first item in the whole list.
    pub first: u32,
    /// The items.
    pub items: Vec<Value>,
    /// What nodes had given when the map began.
    pub outputs: BTreeMap<NodeId, Value>,
    /// The variables then.
    pub variables: BTreeMap<String, Value>,
}

/// The results of a map, as far as they came.
#[derive(Debug)]
pub(super) struct Gathered {
    goes_on: bool,
    /// By item, in the order of the list.
    results: Vec<Came>,
    /// Whether something that may begin has not.
    lags: bool,
}

/// What became of one item.
#[derive(Debug, Clone)]
enum Came {
    Given(Value),
    Failed(Failure),
    Open,
    Cut,
    NotBegun,
}

impl Gathered {
    /// Whether nothing more is waited for.
    pub fn is_decided(&self) -> bool {
        self.first_failure().is_some() || self.results.iter().all(is_over)
    }

    fn first_failure(&self) -> Option<(usize, &Failure)> {
        let mut results = self.results.iter().enumerate();
        let first = results.find_map(|(place, result)| match result {
            Came::Failed(failure) => Some((place, failure)),
            _ => None,
        });
        first.filter(|_| !self.goes_on)
    }
}

fn is_over(result: &Came) -> bool {
    matches!(result, Came::Given(_) | Came::Failed(_))
}

impl Walk<'_> {
    /// Does what is done for each item of a list.
    pub fn map(&mut self, stage: &str, map: &Map) -> Result<Step, Refused> {
        let rendered = self.value(&map.items).and_then(kept);
        let items = match rendered.and_then(list) {
            Ok(items) => items,
            Err(failure) => return Ok(Step::Fail(failure, map.on_error)),
        };
        let gathered = match items.len() > MAP_INLINE_ITEMS_MAX as usize {
            true => self.batches(stage, map, &items)?,
            false => self.items(stage, map, 0, &items)?,
        };
        self.gathered = Some(gathered);
        let to = map.gather;
        Ok(Step::Go { to, output: None })
    }

    /// A run that is a batch begins with what was seen at its map.
    pub(super) fn begin_as(&mut self, batch: &Batch) {
        self.frame.variables = batch.variables.clone();
        self.frame.outputs = batch.outputs.clone();
        let seen = batch.outputs.iter();
        let seen = seen.map(|(node, value)| (node.to_string(), value.clone()));
        self.frame.seen = seen.collect();
    }

    /// Does the items of a batch, in the run that is that batch, and ends with their results.
    pub(super) fn batch(&mut self, batch: &Batch) -> Result<Left, Refused> {
        let op = |id: OpId| self.program.ops.get(id.index());
        let none = || Refused::new("a batch of what is no map");
        let map_op = op(batch.op).ok_or_else(none)?;
        let OpKind::Map(map) = &map_op.kind else {
            return Err(none());
        };
        let gather = op(map.gather).ok_or_else(none)?;
        let stage = self.come(map_op);
        let gathered = self.items(&stage, map, batch.first, &batch.items)?;
        self.gathered = Some(gathered);
        let stage = self.come(gather);
        Ok(match self.visit(gather, &stage)? {
            Step::Go { output, .. } => {
                let output = output.unwrap_or_default();
                self.frame.give(&gather.node, output.clone());
                Left::Ended(output)
            }
            // There is nobody in this run who would catch it.
            Step::Fail(failure, _) => Left::Failed(failure, Some(gather.node.clone())),
            _ => Left::Stays,
        })
    }

    /// The items of this run.
    fn items(
        &mut self,
        stage: &str,
        map: &Map,
        first: u32,
        items: &[Value],
    ) -> Result<Gathered, Refused> {
        let mut results = Vec::new();
        let mut is_over = false;
        let mut now = self.frame.now;
        let begun = self.begun.len();
        for (index, item) in (first..).zip(items) {
            let id = BranchId::of(&StageId::new(stage), index);
            let may_begin = match self.told {
                Some(told) => told.branches.contains_key(&id),
                None => !is_over && may_begin(map, &results),
            };
            let result = match may_begin {
                true => self.item(&id, map, (index, item), &mut now)?,
                false => Came::NotBegun,
            };
            is_over |= matches!(result, Came::Failed(_)) && !map.goes_on;
            results.push(result);
        }
        if self.told.is_none() && is_over {
            self.cut(begun..self.begun.len());
            for result in &mut results {
                if let Came::Open = result {
                    *result = Came::Cut;
                }
            }
        }
        self.frame.now = now;
        let lags = !results.iter().any(|it| matches!(it, Came::Cut));
        let lags = lags && next_is_free(map, &results);
        Ok(Gathered {
            goes_on: map.goes_on,
            results,
            lags,
        })
    }

    fn item(
        &mut self,
        id: &BranchId,
        map: &Map,
        (index, item): (u32, &Value),
        now: &mut lattice_model::Millis,
    ) -> Result<Came, Refused> {
        let said = self.said(id)?.copied();
        let inside = self.frame.item(item.clone(), index);
        let outer = mem::replace(&mut self.frame, inside);
        self.begun.push(id.clone());
        let stop = said.and_then(|said| said.stop());
        let left = self.walk(map.way.to, Some(map.gather), stop)?;
        let frame = mem::replace(&mut self.frame, outer);
        let said = said.map(|said| said.end);
        let (end, result) = match (said, left) {
            (None | Some(SaidEnd::Completed), Left::Joined) => {
                *now = frame.now.max(*now);
                let result = frame.last.clone();
                (BranchEnd::Completed(result.clone()), Came::Given(result))
            }
            (None | Some(SaidEnd::Failed), Left::Failed(failure, node)) => {
                (BranchEnd::Failed(failure.kind, node), Came::Failed(failure))
            }
            (None | Some(SaidEnd::Open), Left::Stays) => (BranchEnd::Open, Came::Open),
            (Some(SaidEnd::Cut), Left::Cut) => (BranchEnd::Cut, Came::Cut),
            (said, left) => {
                return Err(Refused {
                    is_stuck: said == Some(SaidEnd::Open),
                    text: format!("`{id}` should be {left:?} and the log says {said:?}"),
                });
            }
        };
        let made = Branch {
            end,
            path: frame.path,
            outputs: frame.outputs,
            changes: frame.changes,
        };
        self.branches.insert(id.clone(), made);
        Ok(result)
    }

    /// The batches of a map, each of which is a run of its own.
    fn batches(&mut self, stage: &str, map: &Map, items: &[Value]) -> Result<Gathered, Refused> {
        let size = map.batch_size.max(1);
        let seen = self.frame.seen.iter();
        let outputs: BTreeMap<NodeId, Value> = seen
            .map(|(node, value)| (NodeId::new(node), value.clone()))
            .collect();
        let places = (0..).zip(&self.program.ops);
        let op = places
            .filter(|(_, op)| op.name == stage)
            .map(|(place, _)| OpId(place));
        let op = op.last().unwrap_or(OpId(u32::MAX));
        let (mut results, mut runs) = (Vec::new(), Vec::new());
        let now = self.frame.now;
        let mut last = now;
        for (number, part) in (0..).zip(items.chunks(size as usize)) {
            let first = size * number;
            let batch = Batch {
                op,
                first,
                items: part.to_vec(),
                outputs: outputs.clone(),
                variables: self.frame.variables.clone(),
            };
            let open = runs.iter().filter(|run| matches!(run, Called::Stays));
            let failed = runs.iter().any(fails) && !map.goes_on;
            let is_full = failed || open.count() >= map.batches_at_once as usize;
            let (called, at) = match is_full && self.told.is_none() {
                true => (Called::NotBegun, now),
                false => (self.callees)(&Visit {
                    stage: &format!("{stage}.batch[{first}]"),
                    what: What::Batch(batch),
                    now,
                })?,
            };
            last = last.max(at);
            results.extend(results_of(&called, part.len())?);
            runs.push(called);
        }
        let failed = runs.iter().any(fails) && !map.goes_on;
        self.frame.now = last;
        let open = runs.iter().filter(|run| matches!(run, Called::Stays));
        let waits = runs.iter().any(|run| matches!(run, Called::NotBegun));
        let lags = !failed && waits && open.count() < map.batches_at_once as usize;
        Ok(Gathered {
            goes_on: map.goes_on,
            results,
            lags,
        })
    }

    /// The results of the map that was walked last.
    pub fn gather(&mut self, stage: &str, gather: &Gather) -> Result<Step, Refused> {
        let gathered = self.gathered.take();
        let gathered =
            gathered.ok_or_else(|| Refused::new(format!("`{stage}` has no map before it")))?;
        let failures = gathered.results.iter();
        let failures = failures.filter(|it| matches!(it, Came::Failed(_))).count();
        if let Some((place, failure)) = gathered.first_failure() {
            // All items of a batch that failed failed with it.
            let message = format!("item {place} failed: {}", failure.message);
            let failure = Failure::new(failure.kind, message);
            let open = gathered.results.iter().any(|it| matches!(it, Came::Open));
            return match open {
                true => Err(Refused {
                    is_stuck: true,
                    text: format!("an item of {failures} failed and `{stage}` waits"),
                }),
                false => Ok(Step::Fail(failure, gather.on_error)),
            };
        }
        if gathered.results.iter().any(|it| matches!(it, Came::Cut)) {
            let text = format!("`{stage}` did not wait for an item, and none had failed");
            return Err(Refused::new(text));
        }
        if !gathered.is_decided() {
            let text = format!("an item could begin, and `{stage}` waits");
            let is_stuck = true;
            return match gathered.lags {
                true => Err(Refused { is_stuck, text }),
                false => Ok(Step::Stay),
            };
        }
        let results = gathered.results.into_iter().map(|result| match result {
            Came::Failed(failure) => {
                json!({ "error": { "kind": failure.kind, "message": failure.message } })
            }
            Came::Given(value) => value,
            Came::Open | Came::Cut | Came::NotBegun => Value::Null,
        });
        Ok(match kept(results.collect()) {
            Ok(output) => Step::go(gather.next, output),
            Err(failure) => Step::Fail(failure, gather.on_error),
        })
    }
}

/// The items, if it is a list that is not too long.
fn list(value: Value) -> Result<Vec<Value>, Failure> {
    match value {
        Value::Array(items) if items.len() > MAP_ITEMS_MAX => {
            let message = format!("there are {} items", items.len());
            Err(Failure::new(FailureKind::Limit, message))
        }
        Value::Array(items) => Ok(items),
        _ => Err(Failure::new(FailureKind::Expression, "there is no list")),
    }
}

/// Whether another item may begin behind these.
fn may_begin(map: &Map, results: &[Came]) -> bool {
    let open = |results: &[Came]| {
        let waits = |it: &&Came| matches!(it, Came::Open | Came::NotBegun);
        results.iter().filter(waits).count()
    };
    let size = map.batch_size.max(1) as usize;
    // The batch that the next item begins is open as well, or one of those before it already.
    let batches = results
        .chunks(size)
        .enumerate()
        .filter(|(number, batch)| *number == results.len() / size || open(batch) > 0);
    let here = usize::from(results.len().is_multiple_of(size));
    let is_full = open(results) >= map.items_at_once as usize;
    !is_full && batches.count() + here <= map.batches_at_once as usize
}

/// Whether the first item that has not begun might.
fn next_is_free(map: &Map, results: &[Came]) -> bool {
    let place = results.iter().position(|it| matches!(it, Came::NotBegun));
    let before = place.and_then(|place| results.get(..place));
    before.is_some_and(|before| may_begin(map, before))
}

fn fails(called: &Called) -> bool {
    matches!(called, Called::Failed(_) | Called::Cancelled)
}

/// What a batch that ended so gives its items.
fn results_of(called: &Called, items: usize) -> Result<Vec<Came>, Refused> {
    let all = |result: Came| Ok(vec![result; items]);
    let failed = |kind| Came::Failed(Failure::new(kind, "a batch"));
    match called {
        Called::Completed(Value::Array(results)) if results.len() == items => {
            Ok(results.iter().cloned().map(Came::Given).collect())
        }
        Called::Completed(other) => Err(Refused::new(format!(
            "a batch of {items} items gave {other}"
        ))),
        Called::Failed(kind) => all(failed(*kind)),
        Called::Cancelled => all(failed(FailureKind::ChildCancelled)),
        Called::TimedOut => all(failed(FailureKind::Timeout)),
        Called::Stays => all(Came::Open),
        Called::Left => all(Came::Cut),
        Called::NotBegun => all(Came::NotBegun),
    }
}
