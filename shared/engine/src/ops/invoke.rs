//! Invoke: a run of another workflow, started by this one, which waits for its end.

use super::{expression_failure, map};
use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use crate::state::Phase;
use lattice_ir::{Invoke, OpKind, PlannedOp};
use lattice_journal::payload::{ChildOutcome, ChildStarted};
use lattice_journal::{Failure, FailureKind};
use lattice_model::{RunId, StageId, limits};

pub(crate) fn visit(
    scratch: &mut Scratch<'_>,
    at: &At,
    op: &Invoke,
    planned: &PlannedOp,
) -> Result<(), DecideError> {
    let PlannedOp::Invoke(input) = planned else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    let above = scratch
        .state
        .parent
        .as_ref()
        .map_or(0, |parent| parent.depth);
    if above >= limits::CHILD_DEPTH_MAX {
        let limit = limits::CHILD_DEPTH_MAX;
        let message = format!("runs stand in each other more than {limit} deep");
        let failure = Failure::new(FailureKind::Limit, message);
        return scratch.fail_stage(at, 0, failure, op.on_error);
    }
    let values = scratch.values(at, &planned.references())?;
    let input = input.render(&values.scope());
    let input = input.map_err(|error| expression_failure(&error));
    let input = match input.and_then(|input| scratch.keep(input)) {
        Ok(input) => input,
        Err(failure) => return scratch.fail_stage(at, 0, failure, op.on_error),
    };
    let Ok(reserved) = super::budget::allot(scratch, at, op.budget) else {
        return Ok(());
    };
    let now = scratch.input.at;
    scratch.push(ChildStarted {
        stage: at.stage.clone(),
        op: at.op,
        node: at.node.clone(),
        child: RunId::of_child(&scratch.input.run, &at.stage, now),
        workflow: op.workflow.clone(),
        program: op.program,
        input,
        due_at: op.timeout_ms.map(|ms| now.plus(ms)),
        batch: None,
        reserved,
    });
    scratch.child(&at.stage);
    Ok(())
}

/// The run that a stage waits for is over. What comes behind the end of the stage changes nothing.
pub(crate) fn end(
    scratch: &mut Scratch<'_>,
    stage: &StageId,
    child: &RunId,
    outcome: &ChildOutcome,
) -> Result<(), DecideError> {
    let (at, batch) = match scratch.find(stage)? {
        Some((at, Phase::Calling(called))) if called.run == *child => (at, called.batch),
        _ => return Ok(()),
    };
    scratch.resume();
    let ended = match outcome {
        ChildOutcome::Completed { output } => Ok(output.clone()),
        ChildOutcome::Failed { failure } => Err(failure.clone()),
        ChildOutcome::Cancelled => {
            let message = format!("run `{child}` was cancelled");
            Err(Failure::new(FailureKind::ChildCancelled, message))
        }
    };
    if let Some(batch) = batch {
        return map::end_batch(scratch, &at, &batch, ended);
    }
    let op = invoke(scratch, &at)?;
    match ended {
        Ok(output) => scratch.complete_stage(&at, Some(output), None, Some(op.next)),
        Err(failure) => scratch.fail_stage(&at, 0, failure, op.on_error),
    }
}

/// The time of the run that a stage waits for is up.
pub(crate) fn time_out(scratch: &mut Scratch<'_>, at: &At) -> Result<(), DecideError> {
    let op = invoke(scratch, at)?;
    scratch.resume();
    scratch.leave_child(&at.stage);
    let message = format!("the run of `{}` was not over in its time", op.workflow);
    let failure = Failure::new(FailureKind::Timeout, message);
    scratch.fail_stage(at, 0, failure, op.on_timeout.or(op.on_error))
}

fn invoke<'a>(scratch: &Scratch<'a>, at: &At) -> Result<&'a Invoke, DecideError> {
    match scratch.plan.op(at.op).map(|(op, _)| &op.kind) {
        Some(OpKind::Invoke(op)) => Ok(op),
        _ => Err(DecideError::UnknownOp(at.stage.clone())),
    }
}
