//! The decision: apply what happened, fold the inbox, fire what is due, then go as far as the
//! Program leads without an effect.

use crate::fold_inbox::fold_inbox;
use crate::input::{BlobCache, Cause, DecideError, Decision, Input};
use crate::limit;
use crate::mapping::MapStep;
use crate::ops;
use crate::scratch::Scratch;
use crate::state::{Branch, Buffered, Phase, RunState};
use lattice_ir::{OpKind, Plan};
use lattice_journal::payload::RunStarted;
use lattice_journal::{Failure, FailureKind, RunStatus};
use lattice_model::{BranchId, Guard, Millis, StageId, limits};

/// Events kept free below the limit of a run, so that its end still fits.
const END_EVENTS_RESERVED: u64 = 64;
/// Bytes kept free below the limit of a run.
const END_BYTES_RESERVED: u64 = 2 * limits::COMMIT_BYTES_MAX as u64;

/// Decides what the run does next.
///
/// The same arguments give the same decision. After a conflict the winner's events are folded into
/// the state and the same input is decided again (protocol, rule 3). An empty list of events means
/// that there is nothing to write.
pub fn decide(
    plan: &Plan,
    state: &RunState,
    input: &Input,
    blobs: &BlobCache,
) -> Result<Decision, DecideError> {
    let mut scratch = Scratch::new(plan, state, input, blobs);
    // INVARIANT: nothing follows a terminal event (Guard::TerminalIsFinal).
    if state.status.is_terminal() && input.guards.on(Guard::TerminalIsFinal) {
        return Ok(scratch.done(input.causes.len(), false));
    }
    if state.program != plan.hash() {
        let (pinned, given) = (state.program, plan.hash());
        return Err(DecideError::OtherProgram { pinned, given });
    }
    if state.status == RunStatus::Queued {
        // INVARIANT: a run under a limit begins only with a place (Guard::SlotBeforeStart).
        let guarded = input.guards.on(Guard::SlotBeforeStart);
        if state.limit.is_some() && !input.has_place && guarded {
            let more = limit::stand_by(&mut scratch)?;
            return Ok(scratch.done(input.causes.len(), more));
        }
        scratch.push(RunStarted {});
        if let Some(failure) = limit::keyless(&scratch)? {
            scratch.fail_run(failure, None);
            return Ok(scratch.done(input.causes.len(), false));
        }
    }
    // What was over when it began comes before all that happened since: a commit may have been cut,
    // or its worker may have died, between a split and the end of its empty branches.
    while let Some(branch) = empty_branch(&scratch) {
        if scratch.is_full() {
            return Ok(scratch.done(0, true));
        }
        ops::join::complete_branch(&mut scratch, &branch)?;
    }
    let taken = apply_causes(&mut scratch)?;
    fold_inbox(&mut scratch)?;
    let more = advance(&mut scratch)? || taken < input.causes.len();
    if !more {
        scratch.rest();
    }
    Ok(scratch.done(taken, more))
}

/// Takes the causes in, as many as the commit takes.
fn apply_causes(scratch: &mut Scratch<'_>) -> Result<usize, DecideError> {
    let causes = &scratch.input.causes;
    for (taken, cause) in causes.iter().enumerate() {
        if taken > 0 && scratch.is_full() {
            return Ok(taken);
        }
        // What comes behind the end of the run changes nothing any more.
        if scratch.has_events() && scratch.state.status.is_terminal() {
            break;
        }
        apply_cause(scratch, cause)?;
    }
    Ok(causes.len())
}

/// Goes on until nothing is ready or the commit is full; says whether something is left.
fn advance(scratch: &mut Scratch<'_>) -> Result<bool, DecideError> {
    loop {
        if scratch.state.status.is_terminal() {
            return Ok(false);
        }
        if let Some(failure) = limit_reached(scratch) {
            scratch.fail_run(failure, None);
            return Ok(false);
        }
        let Some(ready) = next_ready(scratch) else {
            return Ok(has_unfolded(scratch));
        };
        if scratch.is_full() || !fits(scratch, &ready) {
            return Ok(true);
        }
        match ready {
            Ready::Empty(branch) => ops::join::complete_branch(scratch, &branch)?,
            Ready::Late(branch) => ops::join::time_out(scratch, &branch)?,
            Ready::Stage(stage) => step(scratch, &stage)?,
        }
    }
}

/// Whether the inbox may hold more than this commit folds: what did not fit, or what the page that
/// was read did not reach.
pub(crate) fn has_unfolded(scratch: &Scratch<'_>) -> bool {
    let inbox = &scratch.input.inbox;
    let page_folded = scratch.fold_count() > 0 && inbox.len() >= limits::FOLD_ITEMS_MAX;
    page_folded || (scratch.is_full() && inbox.iter().any(|item| !scratch.state.has_folded(item)))
}

/// The lifetime and the limits of a log, as a failure of the run.
pub(crate) fn limit_reached(scratch: &Scratch<'_>) -> Option<Failure> {
    let (state, input) = (&scratch.state, scratch.input);
    if input.at >= state.deadline && input.guards.on(Guard::Lifetime) {
        let hours = state.deadline.since(state.started_at) / 3_600_000;
        let message = format!("the run reached its lifetime of {hours} h");
        return Some(Failure::new(FailureKind::Lifetime, message));
    }
    if state.seq.get() + END_EVENTS_RESERVED > limits::RUN_EVENTS_MAX {
        let limit = limits::RUN_EVENTS_MAX;
        let message = format!("the run reached the limit of {limit} events");
        return Some(Failure::new(FailureKind::Limit, message));
    }
    (input.log_bytes + END_BYTES_RESERVED > limits::RUN_BYTES_MAX).then(|| {
        let limit = limits::RUN_BYTES_MAX;
        Failure::new(
            FailureKind::Limit,
            format!("the run reached the limit of {limit} bytes"),
        )
    })
}

/// What can be done now.
enum Ready {
    /// A branch in which nothing was drawn is over.
    Empty(BranchId),
    /// The time of a branch is up.
    Late(BranchId),
    /// Something can be done at a stage.
    Stage(StageId),
}

/// The first thing that can be done now.
fn next_ready(scratch: &Scratch<'_>) -> Option<Ready> {
    let branch = ready_branch(scratch);
    branch.or_else(|| ready_stage(scratch).map(Ready::Stage))
}

/// A split begins all its branches in one commit.
fn fits(scratch: &Scratch<'_>, ready: &Ready) -> bool {
    let Ready::Stage(stage) = ready else {
        return true;
    };
    let op = scratch.state.stages.get(stage).map(|stage| stage.op);
    let kind = op
        .and_then(|op| scratch.plan.op(op))
        .map(|(op, _)| &op.kind);
    !matches!(kind, Some(OpKind::Split(_))) || scratch.has_room(ops::split::EVENTS_MAX)
}

fn ready_branch(scratch: &Scratch<'_>) -> Option<Ready> {
    let now = scratch.input.at;
    let is_late = |branch: &Branch| branch.due_at.is_some_and(|due_at| due_at <= now);
    let late = || {
        let mut open = scratch.state.open_branches();
        open.find(|(_, branch)| is_late(branch))
            .map(|(id, _)| Ready::Late(id.clone()))
    };
    empty_branch(scratch).map(Ready::Empty).or_else(late)
}

/// The first open branch in which no stage stands.
fn empty_branch(scratch: &Scratch<'_>) -> Option<BranchId> {
    let state = &scratch.state;
    let holds = |id: &BranchId| {
        let mut stages = state.stages.values();
        stages.any(|stage| state.is_inside(stage.branch.as_ref(), id))
    };
    let mut open = state.open_branches();
    open.find(|(id, _)| !holds(id)).map(|(id, _)| id.clone())
}

fn ready_stage(scratch: &Scratch<'_>) -> Option<StageId> {
    let now = scratch.input.at;
    let due = |moment: &Millis| *moment <= now;
    let ready = |op, phase: &Phase| match phase {
        Phase::Ready => scratch.input.claims || !is_call(scratch, op),
        Phase::Backoff { due_at, .. } => scratch.input.claims && due(due_at),
        Phase::Waiting { due_at, .. } => {
            early_answer(scratch, phase).is_some() || due_at.as_ref().is_some_and(due)
        }
        Phase::Calling(child) => child.due_at.as_ref().is_some_and(due),
        Phase::Mapping(mapping) => match scratch.state.map_step(mapping) {
            MapStep::Begin | MapStep::Over => true,
            MapStep::Pause(until) => due(&until),
            MapStep::Full => false,
        },
        Phase::Claimed { .. } | Phase::Joining { .. } => false,
    };
    let mut stages = scratch.state.stages.iter();
    stages
        .find(|(id, stage)| ready(stage.op, &stage.phase) && !scratch.state.is_held(id))
        .map(|(id, _)| id.clone())
}

/// The oldest answer that was kept for the question that a stage asks.
fn early_answer<'a>(scratch: &'a Scratch<'_>, phase: &Phase) -> Option<&'a Buffered> {
    match phase {
        Phase::Waiting {
            node,
            question: Some(_),
            ..
        } => scratch
            .state
            .buffered
            .iter()
            .find(|early| early.node == *node),
        _ => None,
    }
}

fn is_call(scratch: &Scratch<'_>, op: lattice_model::OpId) -> bool {
    scratch
        .plan
        .op(op)
        .is_some_and(|(op, _)| matches!(op.kind, OpKind::Call(_)))
}

/// Does one thing at one stage.
fn step(scratch: &mut Scratch<'_>, stage: &StageId) -> Result<(), DecideError> {
    let Some((at, phase)) = scratch.find(stage)? else {
        return Ok(());
    };
    if let Some(early) = early_answer(scratch, &phase).cloned() {
        return ops::wait::take_early(scratch, &at, &early);
    }
    match phase {
        Phase::Ready => ops::visit(scratch, &at),
        Phase::Backoff { attempt, epoch, .. } => ops::call::claim(scratch, &at, attempt, epoch),
        Phase::Waiting { due_at, .. } => ops::wait::fire(scratch, &at, due_at),
        Phase::Calling(_) => ops::invoke::time_out(scratch, &at),
        Phase::Mapping(mapping) => ops::map::step(scratch, &at, &mapping),
        Phase::Claimed { .. } | Phase::Joining { .. } => Ok(()),
    }
}

fn apply_cause(scratch: &mut Scratch<'_>, cause: &Cause) -> Result<(), DecideError> {
    match cause {
        Cause::Wake => Ok(()),
        Cause::Ended {
            stage,
            attempt,
            outcome,
        } => {
            let fenced = scratch.input.guards.on(Guard::AttemptFence);
            match scratch.find(stage)? {
                Some((
                    at,
                    Phase::Claimed {
                        attempt: claimed,
                        epoch,
                        ..
                    },
                )) if claimed == *attempt || !fenced => {
                    ops::call::end(scratch, &at, claimed, epoch, outcome)
                }
                Some((at, _)) if !fenced => ops::call::end(scratch, &at, *attempt, 0, outcome),
                // INVARIANT: a result counts only while its stage runs at that attempt
                // (Guard::AttemptFence); what it used is recorded all the same.
                _ => {
                    ops::call::note_late(scratch, stage, *attempt, outcome);
                    Ok(())
                }
            }
        }
        Cause::Lost { stage, attempt } => match scratch.find(stage)? {
            Some((
                at,
                Phase::Claimed {
                    attempt: claimed,
                    epoch,
                    ..
                },
            )) if claimed == *attempt => ops::call::lose(scratch, &at, claimed, epoch),
            _ => Ok(()),
        },
    }
}
