//! Folds events into the state. Never fails, never decides, never evaluates an expression.

use crate::state::{Buffered, Phase, RunState, Stage};
use lattice_journal::payload::{
    RunQueued, SignalOutcome, SignalReceived, StageFailed, StageRef, StageStarted,
};
use lattice_journal::{Event, EventBody, Failure, RunStatus, ValueRef};
use lattice_model::{Millis, Seq};
use serde_json::json;
use std::sync::Arc;

/// Folds one event in.
pub fn evolve(state: &mut RunState, event: &Event) {
    apply(state, event.seq, event.timestamp, &event.body);
}

/// Folds a whole log, or a part of it onto a state.
pub fn fold<'a>(mut state: RunState, events: impl IntoIterator<Item = &'a Event>) -> RunState {
    for event in events {
        evolve(&mut state, event);
    }
    state
}

/// What `nodes.<id>.output` becomes when a failure was caught.
pub fn failure_output(failure: &Failure) -> ValueRef {
    let (kind, message) = (failure.kind, &failure.message);
    ValueRef::Inline(Arc::new(
        json!({ "error": { "kind": kind, "message": message } }),
    ))
}

pub(crate) fn apply(state: &mut RunState, seq: Seq, at: Millis, body: &EventBody) {
    state.seq = seq;
    match body {
        EventBody::RunQueued(queued) => queue(state, at, queued),
        EventBody::RunStarted(_) | EventBody::RunResumed(_) => state.status = RunStatus::Running,
        EventBody::RunWaiting(_) => state.status = RunStatus::Waiting,
        EventBody::RunCompleted(_) => end(state, RunStatus::Completed),
        EventBody::RunFailed(_) => end(state, RunStatus::Failed),
        EventBody::RunCancelled(_) => end(state, RunStatus::Cancelled),
        EventBody::CancelRequested(cancel) => state.remember_fold(&cancel.inbox),
        EventBody::StageStarted(started) => claim(state, started),
        EventBody::StageCompleted(completed) => {
            state.stages.remove(&completed.stage);
            state.totals.stages += 1;
            if let Some(output) = &completed.output {
                state.outputs.insert(completed.node.clone(), output.clone());
            }
            open(state, completed.next.as_ref());
        }
        EventBody::StageFailed(failed) => fail_stage(state, failed),
        EventBody::StageRetrying(retrying) => {
            let (attempt, epoch, due_at) = (retrying.attempt, retrying.epoch, retrying.due_at);
            if let Some(stage) = state.stages.get_mut(&retrying.stage) {
                stage.phase = Phase::Backoff {
                    attempt,
                    epoch,
                    due_at,
                };
            }
        }
        EventBody::StageSkipped(skipped) => {
            state.stages.remove(&skipped.stage);
        }
        EventBody::LlmStepStarted(_) | EventBody::TraceBreadcrumb(_) => {}
        EventBody::LlmStepCompleted(done) => {
            state.totals.usage = state.totals.usage.plus(done.usage);
        }
        EventBody::LlmStepFailed(failed) => {
            state.totals.usage = state.totals.usage.plus(failed.usage);
        }
        EventBody::WaitOpened(wait) => {
            let (node, question) = (wait.node.clone(), wait.question.clone());
            let phase = Phase::Waiting {
                node,
                question,
                due_at: None,
            };
            state
                .stages
                .insert(wait.stage.clone(), Stage { op: wait.op, phase });
        }
        EventBody::TimerSet(timer) => set_timer(state, &timer.stage, Some(timer.due_at)),
        EventBody::TimerFired(timer) => set_timer(state, &timer.stage, None),
        EventBody::SignalReceived(signal) => take_signal(state, signal),
        EventBody::VariableSet(set) => {
            match &set.value {
                Some(value) => state.variables.insert(set.name.clone(), value.clone()),
                None => state.variables.remove(&set.name),
            };
        }
    }
}

fn queue(state: &mut RunState, at: Millis, queued: &RunQueued) {
    state.status = RunStatus::Queued;
    state.tenant = queued.tenant.clone();
    state.program = queued.program;
    state.workflow = queued.workflow.clone();
    state.name = Arc::from(queued.name.as_str());
    state.started_at = at;
    state.deadline = at.plus(queued.lifetime_ms);
    state.input = queued.input.clone();
    state.variables = queued.variables.clone();
    open(state, Some(&queued.entry));
}

fn open(state: &mut RunState, next: Option<&StageRef>) {
    if let Some(next) = next {
        let stage = Stage {
            op: next.op,
            phase: Phase::Ready,
        };
        state.stages.insert(next.stage.clone(), stage);
    }
}

fn end(state: &mut RunState, status: RunStatus) {
    state.status = status;
    state.stages.clear();
    state.buffered.clear();
}

fn claim(state: &mut RunState, started: &StageStarted) {
    state.totals.attempts += 1;
    let phase = Phase::Claimed {
        attempt: started.attempt,
        epoch: started.epoch,
        boot: started.boot.clone(),
        lease_ms: started.lease_ms,
        key: started.key,
    };
    state.stages.insert(
        started.stage.clone(),
        Stage {
            op: started.op,
            phase,
        },
    );
}

fn fail_stage(state: &mut RunState, failed: &StageFailed) {
    state.stages.remove(&failed.stage);
    if failed.next.is_some() {
        state
            .outputs
            .insert(failed.node.clone(), failure_output(&failed.failure));
    }
    open(state, failed.next.as_ref());
}

fn set_timer(state: &mut RunState, stage: &lattice_model::StageId, due: Option<Millis>) {
    if let Some(Stage {
        phase: Phase::Waiting { due_at, .. },
        ..
    }) = state.stages.get_mut(stage)
    {
        *due_at = due;
    }
}

fn take_signal(state: &mut RunState, signal: &SignalReceived) {
    state.remember_fold(&signal.inbox);
    state
        .buffered
        .retain(|buffered| buffered.inbox != signal.inbox);
    if signal.outcome == SignalOutcome::Buffered {
        state.buffered.push(Buffered {
            inbox: signal.inbox.clone(),
            node: signal.node.clone(),
            value: signal.value.clone(),
        });
    }
}
