//! Folds events into the state. Never fails, never decides, never evaluates an expression.

use crate::mapping::{self, OwnItems};
use crate::state::{Branch, Buffered, Child, Phase, RunState, Stage};
use crate::{branches, budget, forked};
use lattice_journal::payload::{
    ChildStarted, RunQueued, SignalOutcome, SignalReceived, StageCompleted, StageFailed, StageRef,
    StageStarted,
};
use lattice_journal::{Budget, Event, EventBody, Failure, RunStatus, ValueRef};
use lattice_model::{BranchId, InboxId, Millis, NodeId, OpId, Seq, StageId, limits};
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
    budget::apply(state, at, body);
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
            state.totals.stages += 1;
            complete(state, completed);
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
            close(state, &skipped.stage);
        }
        EventBody::LlmStepStarted(_) | EventBody::TraceBreadcrumb(_) | EventBody::StageHeld(_) => {}
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
            visit(state, &wait.stage, wait.op, phase);
        }
        EventBody::TimerSet(timer) => set_timer(state, &timer.stage, Some(timer.due_at)),
        EventBody::TimerFired(timer) => set_timer(state, &timer.stage, None),
        EventBody::SignalReceived(signal) => take_signal(state, signal),
        EventBody::VariableSet(set) => {
            let branch = state.branch_of(&set.stage).cloned();
            change(state, branch.as_ref(), &set.name, set.value.clone());
        }
        EventBody::BranchStarted(started) => branches::start(state, at, started),
        EventBody::BranchEnded(ended) => branches::end(state, seq, ended),
        EventBody::MapStarted(started) => mapping::start(state, started),
        EventBody::RunForked(forked) => forked::restore(state, forked),
        EventBody::JoinFired(fired) => branches::join(state, fired),
        EventBody::ChildStarted(started) => call_child(state, at, started),
        EventBody::ChildEnded(ended) => {
            state.remember_fold(&ended.inbox);
            state.totals.usage = state.totals.usage.plus(ended.usage);
        }
    }
}

fn complete(state: &mut RunState, completed: &StageCompleted) {
    let closed = close(state, &completed.stage);
    let (branch, batch) = match closed {
        Some(Stage {
            branch,
            phase: Phase::Calling(Child { batch, .. }),
            ..
        }) => (branch, batch),
        Some(Stage { branch, .. }) => (branch, None),
        None => (None, None),
    };
    match (&completed.output, batch) {
        (Some(output), Some(batch)) => {
            mapping::keep(state, &batch.map, batch.first, output.clone());
        }
        (Some(output), None) => give(state, branch.as_ref(), &completed.node, output.clone()),
        (None, _) => {}
    }
    open(state, branch, completed.next.as_ref());
}

fn call_child(state: &mut RunState, at: Millis, started: &ChildStarted) {
    let child = Child {
        run: started.child.clone(),
        program: started.program,
        input: started.input.clone(),
        due_at: started.due_at,
        batch: started.batch.clone(),
        budget: started.reserved.map(|tokens| Budget { tokens }),
    };
    match &started.batch {
        Some(batch) => mapping::begin_batch(state, at, (&started.stage, started.op), batch, child),
        None => visit(state, &started.stage, started.op, Phase::Calling(child)),
    }
}

fn queue(state: &mut RunState, at: Millis, queued: &RunQueued) {
    state.status = RunStatus::Queued;
    state.tenant = queued.tenant.clone();
    state.program = queued.program;
    state.workflow = queued.workflow.clone();
    state.name = Arc::from(queued.name.as_str());
    state.parent = queued.parent.clone();
    if let Some(batch) = &queued.batch {
        state.outputs = batch.outputs.clone();
        state.batch = Some(OwnItems {
            op: batch.op,
            first: batch.first,
            items: batch.items.clone(),
        });
    }
    state.limit = queued.limit.clone();
    state.started_at = at;
    state.deadline = at.plus(queued.lifetime_ms);
    state.input = queued.input.clone();
    state.variables = queued.variables.clone();
    open(state, None, Some(&queued.entry));
}

/// Opens the next visit. A join is open already: coming to it opens nothing.
pub(crate) fn open(state: &mut RunState, branch: Option<BranchId>, next: Option<&StageRef>) {
    if let Some(next) = next {
        if let Some(visit) = next.visit {
            count(state, branch.as_ref(), next.op, visit);
        }
        let stage = Stage {
            op: next.op,
            branch,
            phase: Phase::Ready,
        };
        state.stages.entry(next.stage.clone()).or_insert(stage);
    }
}

/// Counts a visit of an op, in the item whose stage it is.
fn count(state: &mut RunState, branch: Option<&BranchId>, op: OpId, visit: u32) {
    let is_item = |(id, branch): (&BranchId, &Branch)| branch.item.then(|| id.clone());
    let item = state.around(branch).find_map(is_item);
    let visits = match item.and_then(|item| state.branches.get_mut(&item)) {
        Some(item) => &mut item.visits,
        None => &mut state.visits,
    };
    visits.insert(op, visit);
}

/// Ends a visit; says what it was.
fn close(state: &mut RunState, stage: &StageId) -> Option<Stage> {
    let closed = state.stages.remove(stage)?;
    if let (
        Some(_),
        Phase::Waiting {
            node,
            question: Some(_),
            ..
        },
    ) = (&closed.branch, &closed.phase)
    {
        state.asked.insert(node.clone());
    }
    if let Phase::Mapping(mapping) = &closed.phase {
        branches::forget_items(state, &mapping.map);
    }
    Some(closed)
}

/// Moves an open visit on.
fn visit(state: &mut RunState, stage: &StageId, op: OpId, phase: Phase) {
    let branch = state.branch_of(stage).cloned();
    let visit = Stage { op, branch, phase };
    state.stages.insert(stage.clone(), visit);
}

/// Keeps what a node gave, in the branch that the node stands in.
fn give(state: &mut RunState, branch: Option<&BranchId>, node: &NodeId, output: ValueRef) {
    match branch {
        None => {
            state.outputs.insert(node.clone(), output);
        }
        Some(id) => {
            if let Some(branch) = state.branches.get_mut(id) {
                branch.last = Some(output.clone());
                branch.outputs.insert(node.clone(), output);
            }
        }
    }
}

/// Changes a variable, in the branch whose stage wrote it.
pub(crate) fn change(
    state: &mut RunState,
    branch: Option<&BranchId>,
    name: &str,
    value: Option<ValueRef>,
) {
    match branch.and_then(|id| state.branches.get_mut(id)) {
        Some(branch) => {
            branch.variables.insert(name.to_owned(), value);
        }
        None => {
            match value {
                Some(value) => state.variables.insert(name.to_owned(), value),
                None => state.variables.remove(name),
            };
        }
    }
}

fn end(state: &mut RunState, status: RunStatus) {
    state.status = status;
    state.stages.clear();
    state.branches.clear();
    state.asked.clear();
    state.visits.clear();
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
    visit(state, &started.stage, started.op, phase);
}

fn fail_stage(state: &mut RunState, failed: &StageFailed) {
    let branch = close(state, &failed.stage).and_then(|stage| stage.branch);
    if failed.next.is_some() {
        let output = failure_output(&failed.failure);
        give(state, branch.as_ref(), &failed.node, output);
    }
    open(state, branch, failed.next.as_ref());
}

fn set_timer(state: &mut RunState, stage: &StageId, due: Option<Millis>) {
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

/// How many folded ids a state remembers: more than two commits can fold.
const FOLDED_KEPT_MAX: usize = 2 * limits::FOLD_ITEMS_MAX;

impl RunState {
    fn remember_fold(&mut self, inbox: &InboxId) {
        if self.folded.contains(inbox) {
            return;
        }
        if self.folded.len() == FOLDED_KEPT_MAX {
            self.folded.pop_front();
        }
        self.folded.push_back(inbox.clone());
    }
}
