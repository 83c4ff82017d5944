//! Map and Gather: the same for each item of a list, a few at once, in batches that may be runs of
//! their own (protocol, rule 14).

use super::{expression_failure, word};
use crate::at::visit as visit_of;
use crate::input::DecideError;
use crate::mapping::{MapStep, Mapping};
use crate::scratch::{At, Scratch};
use crate::{failure_output, state::RunState};
use lattice_ir::{Gather, Map, OpKind, PlannedOp};
use lattice_journal::payload::{
    Batch, BranchEnded, BranchOutcome, BranchStarted, ChildStarted, MapStarted, Pace, RunCompleted,
};
use lattice_journal::{Failure, FailureKind, ValueRef};
use lattice_model::{BranchId, NodeId, RunId, StageId, limits};
use serde_json::Value;

/// Comes to the map: its list is computed, and its gather waits from here on.
pub(crate) fn visit(
    scratch: &mut Scratch<'_>,
    at: &At,
    op: &Map,
    planned: &PlannedOp,
) -> Result<(), DecideError> {
    let batch = scratch.state.batch.clone();
    let batch = batch.filter(|batch| batch.op == at.op);
    let (items, first) = match &batch {
        Some(batch) => (batch.items.clone(), batch.first),
        None => match list(scratch, at, planned)? {
            Ok(items) => (items, 0),
            Err(failure) => return scratch.fail_stage(at, 0, failure, op.on_error),
        },
    };
    let count = match scratch.value(&items) {
        Ok(items) => items.as_array().map_or(0, Vec::len) as u32,
        Err(hash) => return Err(DecideError::NeedBlobs(vec![hash])),
    };
    scratch.push(MapStarted {
        stage: at.stage.clone(),
        op: at.op,
        node: at.node.clone(),
        gather: scratch.way(at, op.gather)?,
        items,
        first,
        count,
        runs: batch.is_none() && count > limits::MAP_INLINE_ITEMS_MAX,
        pace: Pace {
            batch_size: op.batch_size,
            batches_at_once: op.batches_at_once,
            items_at_once: op.items_at_once,
            pause_ms: op.pause_ms,
        },
    });
    scratch.complete_stage(at, None, None, None)
}

/// The list that a map is over.
fn list(
    scratch: &mut Scratch<'_>,
    at: &At,
    planned: &PlannedOp,
) -> Result<Result<ValueRef, Failure>, DecideError> {
    let PlannedOp::Map(items) = planned else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    let values = scratch.values(at, &items.references())?;
    let items = match items.render(&values.scope()) {
        Ok(items) => items,
        Err(error) => return Ok(Err(expression_failure(&error))),
    };
    let wrong = match items.as_array().map(Vec::len) {
        Some(count) if count > limits::MAP_ITEMS_MAX => {
            let limit = limits::MAP_ITEMS_MAX;
            let message = format!("the list has {count} items, the limit is {limit}");
            Some(Failure::new(FailureKind::Limit, message))
        }
        Some(_) => None,
        None => {
            let message = format!("`items` gives {}, not a list", word(&items));
            Some(Failure::new(FailureKind::Expression, message))
        }
    };
    Ok(match wrong {
        Some(failure) => Err(failure),
        None => scratch.keep(items),
    })
}

/// Does what can be done next for a map.
pub(crate) fn step(
    scratch: &mut Scratch<'_>,
    at: &At,
    mapping: &Mapping,
) -> Result<(), DecideError> {
    scratch.resume();
    match scratch.state.map_step(mapping) {
        MapStep::Over => finish(scratch, at, mapping),
        MapStep::Begin | MapStep::Pause(_) if mapping.runs => begin_batch(scratch, at, mapping),
        MapStep::Begin | MapStep::Pause(_) => begin_item(scratch, at, mapping),
        MapStep::Full => Ok(()),
    }
}

fn begin_item(scratch: &mut Scratch<'_>, at: &At, mapping: &Mapping) -> Result<(), DecideError> {
    let (map, _) = ops(scratch, at, mapping)?;
    let index = mapping.first + mapping.begun;
    let entry = visit_of(scratch.plan, map.way.to, 0, scratch.item_name(Some(index)));
    let entry = entry.ok_or_else(|| DecideError::UnknownOp(at.stage.clone()))?;
    scratch.push(BranchStarted {
        branch: BranchId::of(&mapping.map, index),
        split: mapping.map.clone(),
        index,
        outer: at.branch.clone(),
        entry,
        join: lattice_journal::payload::StageRef {
            stage: at.stage.clone(),
            op: at.op,
            visit: None,
        },
        due_at: None,
        item: true,
    });
    Ok(())
}

fn begin_batch(scratch: &mut Scratch<'_>, at: &At, mapping: &Mapping) -> Result<(), DecideError> {
    let left = mapping.count - mapping.begun;
    let next = || Batch {
        map: mapping.map.clone(),
        first: mapping.first + mapping.begun,
        count: left.min(mapping.pace.batch_size),
    };
    let batch = mapping.again.first().cloned().unwrap_or_else(next);
    let stage = StageId::new(format!("{}.batch[{}]", mapping.map, batch.first));
    let open = scratch.state.open_batches(&mapping.map).count();
    let free = (mapping.pace.batches_at_once as usize).saturating_sub(open);
    let behind = left.div_ceil(mapping.pace.batch_size.max(1)) as usize;
    let behind = behind + mapping.again.len();
    let reserved = super::budget::share(scratch, free.min(behind));
    let (run, now) = (&scratch.input.run, scratch.input.at);
    scratch.push(ChildStarted {
        stage: stage.clone(),
        op: mapping.op,
        node: at.node.clone(),
        child: RunId::of_child(run, &stage, now),
        workflow: scratch.state.workflow.clone(),
        program: scratch.state.program,
        input: scratch.state.input.clone(),
        due_at: None,
        batch: Some(batch),
        reserved,
    });
    scratch.child(&stage);
    Ok(())
}

/// What an item comes to: what was given last in it, or else the item itself.
pub(crate) fn item_result(
    scratch: &mut Scratch<'_>,
    branch: &BranchId,
) -> Result<Option<ValueRef>, DecideError> {
    let Some(item) = scratch.state.branches.get(branch).filter(|it| it.item) else {
        return Ok(None);
    };
    let (last, item) = (item.last.clone(), item_value(scratch, Some(branch))?);
    let result = last.or_else(|| scratch.keep(item.unwrap_or_default()).ok());
    // INVARIANT: the state of a run stays small, however many items it holds the results of.
    let is_large =
        |value: &Value| lattice_model::canonical_len(value) > limits::MAP_RESULT_BYTES_INLINE;
    Ok(result.map(|result| match &result {
        ValueRef::Inline(value) if is_large(value) => scratch.keep_aside(value.clone()),
        _ => result,
    }))
}

/// The item that a branch is, or stands in.
pub(crate) fn item_value(
    scratch: &Scratch<'_>,
    branch: Option<&BranchId>,
) -> Result<Option<Value>, DecideError> {
    let state: &RunState = &scratch.state;
    let item = state.item_around(branch);
    let Some((item, (_, mapping))) = item.and_then(|it| Some((it, state.mapping_of(&it.split)?)))
    else {
        return Ok(None);
    };
    let items = scratch.value(&mapping.items);
    let items = items.map_err(|hash| DecideError::NeedBlobs(vec![hash]))?;
    let place = item.index.saturating_sub(mapping.first) as usize;
    Ok(items.get(place).cloned())
}

/// An item is over, and it is not the gather's turn yet.
pub(crate) fn end_item(
    scratch: &mut Scratch<'_>,
    branch: BranchId,
    outcome: BranchOutcome,
) -> Result<(), DecideError> {
    let item = scratch.state.branches.get(&branch);
    let item = item.map(|item| (item.index, item.split.clone()));
    let failed = match &outcome {
        BranchOutcome::Completed { .. } => None,
        BranchOutcome::Failed { failure, node } => Some((failure.clone(), node.clone())),
    };
    scratch.push(BranchEnded { branch, outcome });
    let (Some((index, map)), Some((failure, node))) = (item, failed) else {
        return Ok(());
    };
    let at_node = |node: &NodeId| format!(" at node `{node}`");
    let place = node.as_ref().map(at_node).unwrap_or_default();
    let message = format!("item {index} failed{place}: {}", failure.message);
    fail_unless_it_goes_on(scratch, &map, Failure::new(failure.kind, message))
}

/// A batch that was a run of its own is over.
pub(crate) fn end_batch(
    scratch: &mut Scratch<'_>,
    at: &At,
    batch: &Batch,
    ended: Result<ValueRef, Failure>,
) -> Result<(), DecideError> {
    let Some((gather, mapping)) = waiting(scratch, &batch.map)? else {
        return Ok(());
    };
    let (map, _) = ops(scratch, &gather, &mapping)?;
    let output = match ended {
        Ok(output) => output,
        Err(failure) if map.goes_on => {
            let failed = failure_output(&failure);
            let failed = failed.inline().cloned().unwrap_or_default();
            let all = vec![Value::clone(&failed); batch.count as usize];
            match scratch.keep(Value::Array(all)) {
                Ok(output) => output,
                Err(failure) => return fail(scratch, &gather, &mapping, failure),
            }
        }
        Err(failure) => return fail(scratch, &gather, &mapping, failure),
    };
    scratch.complete_stage(at, Some(output), None, None)
}

fn fail_unless_it_goes_on(
    scratch: &mut Scratch<'_>,
    map: &StageId,
    failure: Failure,
) -> Result<(), DecideError> {
    let Some((at, mapping)) = waiting(scratch, map)? else {
        return Ok(());
    };
    match ops(scratch, &at, &mapping)?.0.goes_on {
        true => Ok(()),
        false => fail(scratch, &at, &mapping, failure),
    }
}

/// Ends what is open of a map, and then the map.
fn fail(
    scratch: &mut Scratch<'_>,
    at: &At,
    mapping: &Mapping,
    failure: Failure,
) -> Result<(), DecideError> {
    let reason = "another item of the map failed";
    let items: Vec<BranchId> = scratch
        .state
        .open_items(&mapping.map)
        .map(|(id, _)| id.clone())
        .collect();
    for item in &items {
        scratch.skip_inside(item, reason);
    }
    scratch.skip_batches(&mapping.map, reason);
    let (_, gather) = ops(scratch, at, mapping)?;
    let target = gather.on_error.filter(|_| !is_batch(scratch, mapping));
    scratch.fail_stage(at, 0, failure, target)
}

/// Every item is over: the results, by their places.
fn finish(scratch: &mut Scratch<'_>, at: &At, mapping: &Mapping) -> Result<(), DecideError> {
    let (_, gather) = ops(scratch, at, mapping)?;
    let results: Vec<&ValueRef> = mapping.results.iter().map(|(_, result)| result).collect();
    let mut all = Vec::with_capacity(mapping.count as usize);
    for result in scratch.all_values(&results)? {
        match (&*result, mapping.runs) {
            (Value::Array(list), true) => all.extend(list.iter().cloned()),
            (value, _) => all.push(value.clone()),
        }
    }
    let output = match scratch.keep(Value::Array(all)) {
        Ok(output) => output,
        Err(failure) => return fail(scratch, at, mapping, failure),
    };
    if !is_batch(scratch, mapping) {
        return scratch.complete_stage(at, Some(output), None, Some(gather.next));
    }
    // A batch does nothing else.
    scratch.complete_stage(at, Some(output.clone()), None, None)?;
    let totals = scratch.state.totals;
    scratch.push(RunCompleted { output, totals });
    Ok(())
}

/// Whether the run does nothing but this map, for a run above.
fn is_batch(scratch: &Scratch<'_>, mapping: &Mapping) -> bool {
    let batch = scratch.state.batch.as_ref();
    batch.is_some_and(|batch| batch.op == mapping.op)
}

fn waiting(scratch: &Scratch<'_>, map: &StageId) -> Result<Option<(At, Mapping)>, DecideError> {
    let Some((gather, mapping)) = scratch.state.mapping_of(map) else {
        return Ok(None);
    };
    let mapping = mapping.clone();
    Ok(scratch.find(gather)?.map(|(at, _)| (at, mapping)))
}

fn ops<'a>(
    scratch: &Scratch<'a>,
    at: &At,
    mapping: &Mapping,
) -> Result<(&'a Map, &'a Gather), DecideError> {
    let kind = |op| scratch.plan.op(op).map(|(op, _)| &op.kind);
    match (kind(mapping.op), kind(at.op)) {
        (Some(OpKind::Map(map)), Some(OpKind::Gather(gather))) => Ok((map, gather)),
        _ => Err(DecideError::UnknownOp(at.stage.clone())),
    }
}
