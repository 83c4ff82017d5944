//! Join: judged at every end of a branch, in the commit of that end (protocol, rule 8).

use super::{map, merge};
use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use crate::state::Phase;
use lattice_ir::{Join, JoinPolicy, OpKind};
use lattice_journal::payload::{BranchEnded, BranchOutcome, JoinFired};
use lattice_journal::{Failure, FailureKind, ValueRef};
use lattice_model::{BranchId, Guard, NodeId, Seq, StageId, canonical_len, json_text_len, limits};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a branch changed; `None` = it deleted the variable.
type Changes = BTreeMap<String, Option<ValueRef>>;

/// A branch as the join sees it.
struct Seen {
    id: BranchId,
    index: u32,
    end: Option<(Seq, BranchOutcome)>,
    changes: Changes,
}

/// A branch whose result counts.
struct Counted {
    index: u32,
    output: ValueRef,
    changes: Changes,
}

/// What the ends so far come to.
enum Verdict {
    Open,
    Fired,
    Failed,
}

/// A branch came to its join: its result is what was given last in it.
pub(crate) fn complete_branch(
    scratch: &mut Scratch<'_>,
    branch: &BranchId,
) -> Result<(), DecideError> {
    if let Some(output) = map::item_result(scratch, branch)? {
        return end_branch(scratch, branch, BranchOutcome::Completed { output });
    }
    let last = scratch.state.branches.get(branch);
    let last = last.and_then(|branch| branch.last.clone());
    let output = last.unwrap_or_else(|| ValueRef::Inline(Arc::default()));
    end_branch(scratch, branch, BranchOutcome::Completed { output })
}

/// The time of a branch is up.
pub(crate) fn time_out(scratch: &mut Scratch<'_>, branch: &BranchId) -> Result<(), DecideError> {
    scratch.resume();
    scratch.skip_inside(branch, "the time of its branch is up");
    let failure = Failure::new(FailureKind::Timeout, "the branch was not over in its time");
    let node = None;
    end_branch(scratch, branch, BranchOutcome::Failed { failure, node })
}

/// Ends a branch and judges its join.
pub(crate) fn end_branch(
    scratch: &mut Scratch<'_>,
    branch: &BranchId,
    outcome: BranchOutcome,
) -> Result<(), DecideError> {
    let Some(ending) = scratch.state.branches.get(branch) else {
        return Ok(());
    };
    let (split, branch) = (ending.split.clone(), branch.clone());
    if ending.item {
        return map::end_item(scratch, branch, outcome);
    }
    scratch.push(BranchEnded { branch, outcome });
    let Some((at, join)) = joining(scratch, &split)? else {
        return Ok(());
    };
    let branches: Vec<Seen> = scratch
        .state
        .branches_of(&split)
        .into_iter()
        .map(|(id, branch)| Seen {
            id: id.clone(),
            index: branch.index,
            end: branch.end.clone(),
            changes: branch.variables.clone(),
        })
        .collect();
    match verdict(scratch, join.policy, &branches) {
        Verdict::Open => Ok(()),
        Verdict::Fired => fire(scratch, &at, join, branches),
        Verdict::Failed => {
            let failure = cause(join.policy, &branches);
            fail(scratch, &at, join, &branches, failure)
        }
    }
}

/// The join of a split, if it still waits.
fn joining<'a>(
    scratch: &Scratch<'a>,
    split: &StageId,
) -> Result<Option<(At, &'a Join)>, DecideError> {
    let is_it = |phase: &Phase| matches!(phase, Phase::Joining { split: of } if of == split);
    let mut stages = scratch.state.stages.iter();
    let Some((stage, _)) = stages.find(|(_, stage)| is_it(&stage.phase)) else {
        return Ok(None);
    };
    let Some((at, _)) = scratch.find(stage)? else {
        return Ok(None);
    };
    match scratch.plan.op(at.op).map(|(op, _)| &op.kind) {
        Some(OpKind::Join(join)) => Ok(Some((at, join))),
        _ => Err(DecideError::UnknownOp(at.stage)),
    }
}

// INVARIANT: a join fires when its policy is met and not before (Guard::JoinWaits).
fn verdict(scratch: &Scratch<'_>, policy: JoinPolicy, branches: &[Seen]) -> Verdict {
    let (mut done, mut failed, mut open) = (0, 0, 0);
    for branch in branches {
        match &branch.end {
            Some((_, BranchOutcome::Completed { .. })) => done += 1,
            Some((_, BranchOutcome::Failed { .. })) => failed += 1,
            None => open += 1,
        }
    }
    if !scratch.input.guards.on(Guard::JoinWaits) {
        return Verdict::Fired;
    }
    match policy {
        JoinPolicy::FailFast if failed > 0 => Verdict::Failed,
        JoinPolicy::All | JoinPolicy::FailFast if open > 0 => Verdict::Open,
        JoinPolicy::All if failed > 0 => Verdict::Failed,
        JoinPolicy::All | JoinPolicy::FailFast => Verdict::Fired,
        JoinPolicy::Quorum { needed } if done >= needed => Verdict::Fired,
        JoinPolicy::Quorum { needed } if done + open < needed => Verdict::Failed,
        JoinPolicy::Quorum { .. } => Verdict::Open,
    }
}

/// The failure of the first branch that failed, in the order in which they were drawn.
fn cause(policy: JoinPolicy, branches: &[Seen]) -> Failure {
    let failed = branches.iter().find_map(|branch| match &branch.end {
        Some((_, BranchOutcome::Failed { failure, node })) => Some((branch.index, failure, node)),
        _ => None,
    });
    let Some((index, failure, node)) = failed else {
        return Failure::new(FailureKind::Unknown, "a join failed and no branch did");
    };
    let at = |node: &NodeId| format!(" at node `{node}`");
    let place = node.as_ref().map(at).unwrap_or_default();
    let short = match policy {
        JoinPolicy::Quorum { needed } => {
            let count = branches.len();
            format!("{needed} of {count} branches cannot succeed any more: ")
        }
        JoinPolicy::All | JoinPolicy::FailFast => String::new(),
    };
    let message = &failure.message;
    Failure::new(
        failure.kind,
        format!("{short}branch {index} failed{place}: {message}"),
    )
}

/// Merges what counts, and goes on.
fn fire(
    scratch: &mut Scratch<'_>,
    at: &At,
    join: &Join,
    branches: Vec<Seen>,
) -> Result<(), DecideError> {
    let mut ended: Vec<(Seq, Counted)> = Vec::new();
    for branch in &branches {
        if let Some((seq, BranchOutcome::Completed { output })) = &branch.end {
            let counted = Counted {
                index: branch.index,
                output: output.clone(),
                changes: branch.changes.clone(),
            };
            ended.push((*seq, counted));
        }
    }
    // INVARIANT: the order in which branches end never reaches a result (Guard::MergeInOrder).
    if !scratch.input.guards.on(Guard::MergeInOrder) {
        ended.sort_by_key(|(seq, _)| *seq);
    }
    let counted: Vec<Counted> = ended.into_iter().map(|(_, counted)| counted).collect();
    let outputs: Vec<&ValueRef> = counted.iter().map(|branch| &branch.output).collect();
    let values = scratch.all_values(&outputs)?;
    let places: Vec<_> = counted.iter().map(|branch| branch.index).collect();
    let output = merge::outputs(join.merge, branches.len(), &places, &values);
    let merged = match output.and_then(|output| scratch.keep(output)) {
        Ok(output) => variables(scratch, join, &counted)?.map(|variables| (output, variables)),
        Err(failure) => Err(failure),
    };
    let (output, variables) = match merged {
        Ok(merged) => merged,
        Err(failure) => return fail(scratch, at, join, &branches, failure),
    };
    decide(scratch, at, &branches, (places, variables))?;
    scratch.complete_stage(at, Some(output), None, Some(join.next))
}

fn fail(
    scratch: &mut Scratch<'_>,
    at: &At,
    join: &Join,
    branches: &[Seen],
    failure: Failure,
) -> Result<(), DecideError> {
    decide(scratch, at, branches, (Vec::new(), Changes::new()))?;
    let target = match failure.kind {
        FailureKind::Timeout => join.on_timeout.or(join.on_error),
        _ => join.on_error,
    };
    scratch.fail_stage(at, 0, failure, target)
}

/// Ends the branches that are open and says what counts.
// INVARIANT: nothing goes on in a branch whose join is decided (Guard::LosersEnd).
fn decide(
    scratch: &mut Scratch<'_>,
    at: &At,
    branches: &[Seen],
    (counted, variables): (Vec<u32>, Changes),
) -> Result<(), DecideError> {
    let open: Vec<&Seen> = branches.iter().filter(|it| it.end.is_none()).collect();
    if scratch.input.guards.on(Guard::LosersEnd) {
        for branch in &open {
            scratch.skip_inside(&branch.id, "the join went on without its branch");
        }
    }
    let unknown = || DecideError::UnknownOp(at.stage.clone());
    let stage = scratch.state.stages.get(&at.stage);
    let split = match stage.map(|stage| &stage.phase) {
        Some(Phase::Joining { split }) => split.clone(),
        _ => return Err(unknown()),
    };
    scratch.push(JoinFired {
        stage: at.stage.clone(),
        split,
        counted,
        skipped: open.iter().map(|branch| branch.index).collect(),
        variables,
    });
    Ok(())
}

/// What becomes of the variables that the branches changed.
fn variables(
    scratch: &mut Scratch<'_>,
    join: &Join,
    counted: &[Counted],
) -> Result<Result<Changes, Failure>, DecideError> {
    let mut changed: BTreeMap<&String, Vec<&Option<ValueRef>>> = BTreeMap::new();
    for (name, change) in counted.iter().flat_map(|branch| &branch.changes) {
        changed.entry(name).or_default().push(change);
    }
    let names: usize = changed.keys().map(|name| json_text_len(name)).sum();
    if changed.len() > limits::JOIN_VARIABLES_MAX || names > limits::JOIN_INLINE_BYTES_MAX {
        let (count, limit) = (changed.len(), limits::JOIN_VARIABLES_MAX);
        let message = format!("the branches changed {count} variables, the limit is {limit}");
        return Ok(Err(Failure::new(FailureKind::Limit, message)));
    }
    // Large values that are only passed on are not fetched.
    let shared = changed.values().filter(|changes| changes.len() > 1);
    let shared = shared.flat_map(|changes| changes.iter().filter_map(|it| it.as_ref()));
    scratch.all_values(&shared.collect::<Vec<_>>())?;
    let (mut merged, mut inline) = (Changes::new(), 0);
    for (name, changes) in changed {
        let change = match changes.as_slice() {
            [one] => (*one).clone(),
            several => match merged_change(scratch, join, name, several)? {
                Ok(change) => change,
                Err(failure) => return Ok(Err(failure)),
            },
        };
        merged.insert(name.clone(), thrifty(scratch, change, &mut inline));
    }
    Ok(Ok(merged))
}

fn merged_change(
    scratch: &mut Scratch<'_>,
    join: &Join,
    name: &str,
    changes: &[&Option<ValueRef>],
) -> Result<Result<Option<ValueRef>, Failure>, DecideError> {
    let mut values = Vec::new();
    for change in changes {
        values.push(match change {
            Some(reference) => Some(scratch.all_values(&[reference])?.remove(0)),
            None => None,
        });
    }
    let merged = match merge::changes(join.merge, name, &values) {
        Ok(Some(value)) => scratch.keep(value).map(Some),
        Ok(None) => Ok(None),
        Err(failure) => Err(failure),
    };
    Ok(merged)
}

/// Keeps the variables in one event small: behind the first few kilobytes they are kept aside.
fn thrifty(
    scratch: &mut Scratch<'_>,
    change: Option<ValueRef>,
    inline: &mut usize,
) -> Option<ValueRef> {
    let Some(ValueRef::Inline(value)) = &change else {
        return change;
    };
    *inline += canonical_len(value);
    match *inline > limits::JOIN_INLINE_BYTES_MAX {
        true => Some(scratch.keep_aside(Arc::clone(value))),
        false => change,
    }
}
