//! Folds what outside writers handed in: each item at once, wait or no wait (protocol, rule 9).

use crate::input::DecideError;
use crate::ops;
use crate::scratch::{At, Scratch};
use crate::state::Phase;
use lattice_ir::{OpKind, QuestionTemplate};
use lattice_journal::payload::{
    CancelRequested, ChildEnded, RunCancelled, SignalOutcome, SignalReceived,
};
use lattice_journal::{InboxBody, InboxItem, Question, ValueRef};
use lattice_model::{Guard, InboxId, Millis, NodeId, StageId, limits};
use serde_json::Value;

/// An answer that somebody gave.
#[derive(Clone, Copy)]
pub(crate) struct Arrived<'a> {
    pub inbox: &'a InboxId,
    pub node: &'a NodeId,
    /// The visit that it names.
    pub wait: Option<&'a StageId>,
    pub value: &'a ValueRef,
}

/// Folds the unread items, as many as the commit takes.
pub(crate) fn fold_inbox(scratch: &mut Scratch<'_>) -> Result<(), DecideError> {
    let input = scratch.input;
    for item in &input.inbox {
        let full = scratch.is_full() || scratch.fold_count() == limits::FOLD_ITEMS_MAX;
        if full || scratch.state.status.is_terminal() {
            return Ok(());
        }
        // A worker that lost a race may still hold items that the winner folded.
        if scratch.state.has_folded(item) && input.guards.on(Guard::InboxDedupe) {
            continue;
        }
        fold_item(scratch, item)?;
        scratch.folded(&item.id);
    }
    Ok(())
}

fn fold_item(scratch: &mut Scratch<'_>, item: &InboxItem) -> Result<(), DecideError> {
    match &item.body {
        InboxBody::Cancel { reason } => {
            cancel(scratch, &item.id, reason);
            Ok(())
        }
        InboxBody::Signal { node, wait, value } => {
            let names_wait = scratch.input.guards.on(Guard::AnswerNamesWait);
            let wait = wait.as_ref().filter(|_| names_wait);
            let inbox = &item.id;
            let signal = Arrived {
                inbox,
                node,
                wait,
                value,
            };
            signal_at(scratch, &signal, item.at)
        }
        InboxBody::ChildEnded {
            stage,
            child,
            outcome,
            usage,
            lost,
        } => {
            scratch.push(ChildEnded {
                inbox: item.id.clone(),
                stage: stage.clone(),
                child: child.clone(),
                outcome: outcome.clone(),
                usage: *usage,
                lost: *lost,
            });
            ops::invoke::end(scratch, stage, child, outcome)
        }
    }
}

/// Both events stand in one commit, so that no worker sees a request without its end (rule 11).
fn cancel(scratch: &mut Scratch<'_>, inbox: &InboxId, reason: &str) {
    let (inbox, reason) = (inbox.clone(), reason.to_owned());
    scratch.push(CancelRequested { inbox, reason });
    scratch.skip_open("the run was cancelled");
    scratch.push(RunCancelled {
        totals: scratch.state.totals,
    });
}

fn signal_at(
    scratch: &mut Scratch<'_>,
    signal: &Arrived<'_>,
    at: Millis,
) -> Result<(), DecideError> {
    let answer = match scratch.value(signal.value) {
        Ok(answer) => answer,
        Err(hash) => return Err(DecideError::NeedBlobs(vec![hash])),
    };
    match open_wait(scratch, signal) {
        // The timer has the first word, also when nobody was there to hear it.
        Some((_, Some(due_at))) if due_at <= at => {
            let reason = format!("the time to answer node `{}` is up", signal.node);
            receive(scratch, signal, SignalOutcome::Refused { reason });
            Ok(())
        }
        Some((stage, _)) => accept(scratch, &stage, signal, &answer).map(|_| ()),
        None => {
            let outcome = match refusal(scratch, signal, &answer) {
                Some(reason) => SignalOutcome::Refused { reason },
                None => SignalOutcome::Buffered,
            };
            receive(scratch, signal, outcome);
            Ok(())
        }
    }
}

/// Gives an answer to an open wait; says whether the wait took it.
pub(crate) fn accept(
    scratch: &mut Scratch<'_>,
    stage: &StageId,
    signal: &Arrived<'_>,
    answer: &Value,
) -> Result<bool, DecideError> {
    let Some((at, question)) = waiting(scratch, stage) else {
        return Ok(false);
    };
    let output = match question.accept(answer) {
        Ok(output) => output,
        Err(reason) => {
            receive(scratch, signal, SignalOutcome::Refused { reason });
            return Ok(false);
        }
    };
    receive(scratch, signal, SignalOutcome::Accepted);
    scratch.resume();
    let unknown = || DecideError::UnknownOp(stage.clone());
    let on_answer = match scratch.plan.op(at.op).map(|(op, _)| &op.kind) {
        Some(OpKind::Wait(wait)) => wait.on_answer.ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    ops::wait::complete(scratch, &at, output, None, on_answer)?;
    Ok(true)
}

fn receive(scratch: &mut Scratch<'_>, signal: &Arrived<'_>, outcome: SignalOutcome) {
    scratch.push(SignalReceived {
        inbox: signal.inbox.clone(),
        node: signal.node.clone(),
        wait: signal.wait.cloned(),
        value: signal.value.clone(),
        outcome,
    });
}

fn waiting(scratch: &Scratch<'_>, stage: &StageId) -> Option<(At, Question)> {
    let open = scratch.state.stages.get(stage)?;
    match &open.phase {
        Phase::Waiting {
            node,
            question: Some(question),
            ..
        } => {
            let (stage, node) = (stage.clone(), node.clone());
            let at = At {
                stage,
                op: open.op,
                node,
                branch: open.branch.clone(),
            };
            Some((at, question.clone()))
        }
        _ => None,
    }
}

fn open_wait(scratch: &Scratch<'_>, signal: &Arrived<'_>) -> Option<(StageId, Option<Millis>)> {
    let open = scratch.state.questions();
    let mut found = open.filter(|(stage, asks, ..)| {
        *asks == signal.node && signal.wait.is_none_or(|wait| wait == *stage)
    });
    let (stage, _, _, due_at) = found.next()?;
    // Which item an answer is for is not guessed.
    match found.next() {
        Some(_) if scratch.plan.is_in_body(signal.node) => None,
        _ => Some((stage.clone(), due_at)),
    }
}

/// Why an answer that no open wait takes is not kept for a later one either.
fn refusal(scratch: &Scratch<'_>, signal: &Arrived<'_>, answer: &Value) -> Option<String> {
    let node = signal.node;
    let Some(question) = asked_by(scratch, node) else {
        return Some(format!("node `{node}` asks nothing"));
    };
    if signal.wait.is_none() && scratch.plan.is_in_body(node) {
        return Some(format!(
            "node `{node}` asks for each item; the answer has to name the visit, such as `{node}[0]`"
        ));
    }
    if let Some(wait) = signal.wait {
        return Some(format!(
            "`{wait}` does not wait for an answer, or not any more"
        ));
    }
    if scratch.state.has_asked(node) {
        return Some(format!("the question of node `{node}` is over"));
    }
    if let Err(reason) = question.check(answer) {
        return Some(reason);
    }
    if !scratch.input.guards.on(Guard::EarlySignalBuffer) {
        return Some("nothing waits for it".to_owned());
    }
    let limit = limits::BUFFERED_SIGNALS_MAX;
    (scratch.state.buffered.len() >= limit)
        .then(|| format!("{limit} early answers are kept already"))
}

/// The question that a node will ask.
fn asked_by<'a>(scratch: &Scratch<'a>, node: &NodeId) -> Option<&'a QuestionTemplate> {
    let ops = scratch
        .plan
        .program()
        .ops
        .iter()
        .filter(|op| op.node == *node);
    let mut questions = ops.filter_map(|op| match &op.kind {
        OpKind::Wait(wait) => wait.question.as_ref(),
        _ => None,
    });
    questions.next()
}
