//! Folds what outside writers handed in: each item at once, wait or no wait (protocol, rule 9).

use crate::input::DecideError;
use crate::ops;
use crate::scratch::{At, Scratch};
use crate::state::Phase;
use lattice_ir::OpKind;
use lattice_journal::payload::{CancelRequested, RunCancelled, SignalOutcome, SignalReceived};
use lattice_journal::{InboxBody, InboxItem, Question, ValueRef};
use lattice_model::{Guard, InboxId, NodeId, StageId, limits};
use serde_json::Value;

/// Folds the unread items, as many as the commit takes.
pub(crate) fn fold_inbox(scratch: &mut Scratch<'_>) -> Result<(), DecideError> {
    for item in &scratch.input.inbox {
        let full = scratch.is_full() || scratch.fold_count() == limits::FOLD_ITEMS_MAX;
        if full || scratch.state.status.is_terminal() {
            return Ok(());
        }
        // A worker that lost a race may still hold items that the winner folded.
        if scratch.state.has_folded(item) && scratch.input.guards.on(Guard::InboxDedupe) {
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
            signal(scratch, &item.id, node, wait.as_ref(), value)
        }
    }
}

/// Both events stand in one commit, so that no worker sees a request without its end (rule 11).
fn cancel(scratch: &mut Scratch<'_>, inbox: &InboxId, reason: &str) {
    scratch.push(CancelRequested {
        inbox: inbox.clone(),
        reason: reason.to_owned(),
    });
    scratch.skip_open("the run was cancelled");
    scratch.push(RunCancelled {
        totals: scratch.state.totals,
    });
}

fn signal(
    scratch: &mut Scratch<'_>,
    inbox: &InboxId,
    node: &NodeId,
    wait: Option<&StageId>,
    value: &ValueRef,
) -> Result<(), DecideError> {
    let names_wait = scratch.input.guards.on(Guard::AnswerNamesWait);
    let wait = wait.filter(|_| names_wait);
    if let Some(stage) = open_wait(scratch, node, wait) {
        let answer = match scratch.value(value) {
            Ok(answer) => answer,
            Err(hash) => return Err(DecideError::NeedBlobs(vec![hash])),
        };
        accept(scratch, &stage, inbox, node, wait, value, &answer)?;
        return Ok(());
    }
    let outcome = match refusal(scratch, node, wait) {
        Some(reason) => SignalOutcome::Refused { reason },
        None => SignalOutcome::Buffered,
    };
    receive(scratch, inbox, node, wait, value, outcome);
    Ok(())
}

/// Gives an answer to an open wait; says whether the wait took it.
pub(crate) fn accept(
    scratch: &mut Scratch<'_>,
    stage: &StageId,
    inbox: &InboxId,
    node: &NodeId,
    wait: Option<&StageId>,
    value: &ValueRef,
    answer: &Value,
) -> Result<bool, DecideError> {
    let Some((at, question)) = waiting(scratch, stage) else {
        return Ok(false);
    };
    let output = match question.accept(answer) {
        Ok(output) => output,
        Err(reason) => {
            let outcome = SignalOutcome::Refused { reason };
            receive(scratch, inbox, node, wait, value, outcome);
            return Ok(false);
        }
    };
    receive(scratch, inbox, node, wait, value, SignalOutcome::Accepted);
    scratch.resume();
    let unknown = || DecideError::UnknownOp(stage.clone());
    let on_answer = match scratch.plan.op(at.op).map(|(op, _)| &op.kind) {
        Some(OpKind::Wait(wait)) => wait.on_answer.ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    ops::wait::complete(scratch, &at, output, None, on_answer)?;
    Ok(true)
}

fn receive(
    scratch: &mut Scratch<'_>,
    inbox: &InboxId,
    node: &NodeId,
    wait: Option<&StageId>,
    value: &ValueRef,
    outcome: SignalOutcome,
) {
    scratch.push(SignalReceived {
        inbox: inbox.clone(),
        node: node.clone(),
        wait: wait.cloned(),
        value: value.clone(),
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
            let at = At {
                stage: stage.clone(),
                op: open.op,
                node: node.clone(),
            };
            Some((at, question.clone()))
        }
        _ => None,
    }
}

fn open_wait(scratch: &Scratch<'_>, node: &NodeId, wait: Option<&StageId>) -> Option<StageId> {
    let mut open = scratch.state.questions();
    let found =
        open.find(|(stage, asks, _, _)| *asks == node && wait.is_none_or(|wait| wait == *stage));
    found.map(|(stage, ..)| stage.clone())
}

/// Why an answer that no open wait takes is not kept for a later one either.
fn refusal(scratch: &Scratch<'_>, node: &NodeId, wait: Option<&StageId>) -> Option<String> {
    let asks = |op: &lattice_ir::Op| {
        op.node == *node && matches!(&op.kind, OpKind::Wait(wait) if wait.question.is_some())
    };
    if !scratch.plan.program().ops.iter().any(asks) {
        return Some(format!("node `{node}` asks nothing"));
    }
    if let Some(wait) = wait {
        return Some(format!(
            "`{wait}` does not wait for an answer, or not any more"
        ));
    }
    if scratch.state.outputs.contains_key(node) {
        return Some(format!("the question of node `{node}` is over"));
    }
    if !scratch.input.guards.on(Guard::EarlySignalBuffer) {
        return Some("nothing waits for it".to_owned());
    }
    let limit = limits::BUFFERED_SIGNALS_MAX;
    (scratch.state.buffered.len() >= limit)
        .then(|| format!("{limit} early answers are kept already"))
}
