//! Wait: for an answer, a timer, or either.

use super::expression_failure;
use crate::fold_inbox::{Arrived, accept};
use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use crate::state::Buffered;
use crate::weight::question_bytes;
use lattice_ir::{OpKind, PlannedOp, Timer, Wait};
use lattice_journal::payload::{TimerFired, TimerSet, WaitOpened};
use lattice_journal::{Failure, FailureKind, Question};
use lattice_model::{Millis, limits};
use serde_json::{Value, json};

pub(crate) fn visit(
    scratch: &mut Scratch<'_>,
    at: &At,
    op: &Wait,
    planned: &PlannedOp,
) -> Result<(), DecideError> {
    let values = scratch.values(at, &planned.references())?;
    let opened = question(op, planned, &values)
        .and_then(|question| Ok((question, due_at(op, planned, &values, scratch.input.at)?)));
    let (question, due_at) = match opened {
        Ok(opened) => opened,
        Err(failure) => return scratch.fail_stage(at, 0, failure, op.on_error),
    };
    scratch.push(WaitOpened {
        stage: at.stage.clone(),
        op: at.op,
        node: at.node.clone(),
        question,
    });
    if let Some(due_at) = due_at {
        scratch.push(TimerSet {
            stage: at.stage.clone(),
            due_at,
        });
    }
    Ok(())
}

/// The timer of a wait fired.
pub(crate) fn fire(
    scratch: &mut Scratch<'_>,
    at: &At,
    due_at: Option<Millis>,
) -> Result<(), DecideError> {
    let Some((op, _)) = scratch.plan.op(at.op) else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    let (OpKind::Wait(wait), Some(due_at)) = (&op.kind, due_at) else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    let on_timer = wait
        .on_timer
        .ok_or_else(|| DecideError::UnknownOp(at.stage.clone()))?;
    let asked = wait.question.is_some();
    scratch.resume();
    scratch.push(TimerFired {
        stage: at.stage.clone(),
        due_at,
    });
    let output = if asked {
        json!({ "timedOut": true })
    } else {
        json!({ "waitedUntil": due_at })
    };
    complete(scratch, at, output, asked.then_some("timeout"), on_timer)
}

/// Ends a wait.
pub(crate) fn complete(
    scratch: &mut Scratch<'_>,
    at: &At,
    output: Value,
    port: Option<&str>,
    to: lattice_model::OpId,
) -> Result<(), DecideError> {
    let output = match scratch.keep(output) {
        Ok(output) => output,
        Err(failure) => return scratch.fail_stage(at, 0, failure, None),
    };
    scratch.complete_stage(at, Some(output), port.map(str::to_owned), Some(to))
}

/// Gives the wait the oldest answer that came before its question.
pub(crate) fn take_early(
    scratch: &mut Scratch<'_>,
    at: &At,
    early: &Buffered,
) -> Result<(), DecideError> {
    let value = match scratch.value(&early.value) {
        Ok(value) => value,
        Err(hash) => return Err(DecideError::NeedBlobs(vec![hash])),
    };
    let signal = Arrived {
        inbox: &early.inbox,
        node: &early.node,
        wait: None,
        value: &early.value,
    };
    accept(scratch, &at.stage, &signal, &value).map(|_| ())
}

fn question(
    op: &Wait,
    planned: &PlannedOp,
    values: &crate::scope::Values,
) -> Result<Option<Question>, Failure> {
    let (
        Some(asked),
        PlannedOp::Wait {
            question: Some(text),
            ..
        },
    ) = (&op.question, planned)
    else {
        return Ok(None);
    };
    let text = text
        .render(&values.scope())
        .map_err(|error| expression_failure(&error))?;
    let question = asked.ask(text.to_display());
    let bytes = question_bytes(&question);
    if bytes > limits::QUESTION_BYTES_MAX {
        let limit = limits::QUESTION_BYTES_MAX;
        let message = format!("a question of {bytes} bytes is over the limit of {limit}");
        return Err(Failure::new(FailureKind::Limit, message));
    }
    Ok(Some(question))
}

fn due_at(
    op: &Wait,
    planned: &PlannedOp,
    values: &crate::scope::Values,
    now: Millis,
) -> Result<Option<Millis>, Failure> {
    match (&op.timer, planned) {
        (Some(Timer::After(ms)), _) => Ok(Some(now.plus(*ms))),
        (
            Some(Timer::Until(_)),
            PlannedOp::Wait {
                until: Some(until), ..
            },
        ) => {
            let rendered = until.render(&values.scope());
            let text = rendered
                .map_err(|error| expression_failure(&error))?
                .to_display();
            let moment = Millis::from_rfc3339(text.trim()).ok_or_else(|| {
                let expected = "expected RFC 3339 in UTC, such as `2026-01-31T08:00:00Z`";
                let message = format!("`{text}` is not a moment; {expected}");
                Failure::new(FailureKind::Expression, message)
            })?;
            Ok(Some(moment))
        }
        _ => Ok(None),
    }
}
