//! A decision being made: each event is folded in at once, so that the next step sees it.

use crate::evolve::apply;
use crate::input::{BlobCache, DecideError, Decision, Input};
use crate::scope;
use crate::state::RunState;
use crate::weight::weight;
use lattice_ir::{CallRequest, Plan};
use lattice_journal::payload::{
    RunFailed, RunResumed, RunWaiting, StageCompleted, StageFailed, StageRef, StageSkipped,
};
use lattice_journal::{EventBody, Failure, FailureKind, RunStatus, ValueRef};
use lattice_model::{Hash, InboxId, NodeId, OpId, StageId, limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events that one step of `decide` adds at most, and the one that queued the run.
const STEP_EVENTS_MAX: usize = 8;
pub(crate) struct Scratch<'a> {
    pub plan: &'a Plan,
    pub input: &'a Input,
    pub state: RunState,
    blobs: &'a BlobCache,
    events: Vec<EventBody>,
    calls: Vec<CallRequest>,
    new_blobs: BTreeMap<Hash, Arc<Value>>,
    folds: Vec<InboxId>,
    bytes: usize,
}

/// Where a stage stands: its identity, its op, its node.
#[derive(Clone)]
pub(crate) struct At {
    pub stage: StageId,
    pub op: OpId,
    pub node: NodeId,
}

impl<'a> Scratch<'a> {
    pub fn new(plan: &'a Plan, state: &RunState, input: &'a Input, blobs: &'a BlobCache) -> Self {
        Self {
            plan,
            input,
            state: state.clone(),
            blobs,
            events: Vec::new(),
            calls: Vec::new(),
            new_blobs: BTreeMap::new(),
            folds: Vec::new(),
            bytes: 0,
        }
    }

    /// Adds an event and folds it in.
    pub fn push(&mut self, body: impl Into<EventBody>) {
        let body = body.into();
        self.bytes += weight(&body);
        let seq = self.state.seq.next();
        apply(&mut self.state, seq, self.input.at, &body);
        self.events.push(body);
    }

    /// Adds a call that the last events claimed.
    pub fn call(&mut self, request: CallRequest) {
        self.calls.push(request);
    }

    /// Notes that the events fold an inbox item.
    pub fn folded(&mut self, inbox: &InboxId) {
        self.folds.push(inbox.clone());
    }

    /// How many inbox items the events fold.
    pub fn fold_count(&self) -> usize {
        self.folds.len()
    }

    /// Whether the commit has no room for another step. What is left is decided next time: every
    /// prefix of a decision is a legal state.
    pub fn is_full(&self) -> bool {
        self.events.len() + STEP_EVENTS_MAX > limits::COMMIT_EVENTS_MAX
            || self.bytes > limits::COMMIT_BYTES_CUT
    }

    /// Refers to a value from an event; a large one goes to the blob store.
    pub fn keep(&mut self, value: Value) -> Result<ValueRef, Failure> {
        let bytes = lattice_model::canonical_len(&value);
        if bytes > limits::VALUE_BYTES_MAX {
            let limit = limits::VALUE_BYTES_MAX;
            let message = format!("a value of {bytes} bytes is over the limit of {limit}");
            return Err(Failure::new(FailureKind::Limit, message));
        }
        // A stored value has to be readable inside a commit, where it is nested a little deeper.
        if lattice_model::json_depth(&value) > limits::JSON_DEPTH_MAX {
            let limit = limits::JSON_DEPTH_MAX;
            let message = format!("a value is nested deeper than the limit of {limit}");
            return Err(Failure::new(FailureKind::Limit, message));
        }
        let (reference, blob) = ValueRef::of(value);
        self.new_blobs.extend(blob);
        Ok(reference)
    }

    /// The value behind a reference; `Err` names a blob that has to be fetched first.
    pub fn value(&self, reference: &ValueRef) -> Result<Arc<Value>, Hash> {
        match reference {
            ValueRef::Inline(value) => Ok(Arc::clone(value)),
            ValueRef::Blob { hash, .. } => {
                let found = self.new_blobs.get(hash).or_else(|| self.blobs.get(hash));
                found.cloned().ok_or(*hash)
            }
        }
    }

    /// The values that an op's expressions refer to.
    pub fn values(
        &self,
        references: &[&lattice_expr::Reference],
    ) -> Result<scope::Values, DecideError> {
        scope::Values::gather(self, references)
    }

    /// The first visit of an op: without loops, maps and branches its name is its identity.
    pub fn visit(&self, op: OpId) -> Option<StageRef> {
        let stage = StageId::new(self.plan.name(op)?);
        Some(StageRef { stage, op })
    }

    /// Where a stage goes next.
    pub fn way(&self, at: &At, op: OpId) -> Result<Option<StageRef>, DecideError> {
        self.visit(op)
            .map(Some)
            .ok_or_else(|| DecideError::UnknownOp(at.stage.clone()))
    }

    /// Says that there is something to do again, if the run was waiting.
    pub fn resume(&mut self) {
        if self.state.status == RunStatus::Waiting {
            self.push(RunResumed {});
        }
    }

    /// Says that there is nothing to do, if that is so.
    pub fn rest(&mut self) {
        let waits = |stage: &crate::Stage| matches!(stage.phase, crate::Phase::Waiting { .. });
        let idle = !self.state.stages.is_empty() && self.state.stages.values().all(waits);
        if idle && self.state.status == RunStatus::Running {
            self.push(RunWaiting {});
        }
    }

    /// Ends a stage with success.
    pub fn complete_stage(
        &mut self,
        at: &At,
        output: Option<ValueRef>,
        port: Option<String>,
        next: Option<StageRef>,
    ) {
        self.push(StageCompleted {
            stage: at.stage.clone(),
            op: at.op,
            node: at.node.clone(),
            output,
            port,
            next,
        });
    }

    /// Ends a stage with a failure: it goes on at `target`, or the run fails.
    pub fn fail_stage(
        &mut self,
        at: &At,
        attempt: u32,
        failure: Failure,
        target: Option<OpId>,
    ) -> Result<(), DecideError> {
        let next = match target {
            Some(op) => self.way(at, op)?,
            None => None,
        };
        let uncaught = next.is_none();
        self.push(StageFailed {
            stage: at.stage.clone(),
            op: at.op,
            node: at.node.clone(),
            attempt,
            failure: failure.clone(),
            next,
        });
        if uncaught {
            self.fail_run(failure, Some(at));
        }
        Ok(())
    }

    /// Ends the run with a failure.
    pub fn fail_run(&mut self, failure: Failure, at: Option<&At>) {
        self.skip_open("the run failed");
        self.push(RunFailed {
            failure,
            stage: at.map(|at| at.stage.clone()),
            node: at.map(|at| at.node.clone()),
            totals: self.state.totals,
        });
    }

    /// Records the open stages as skipped.
    pub fn skip_open(&mut self, reason: &str) {
        let open: Vec<_> = self
            .state
            .stages
            .iter()
            .map(|(id, stage)| (id.clone(), stage.op))
            .collect();
        for (stage, op) in open {
            let node = self.plan.op(op).map(|(op, _)| op.node.clone());
            let node = node.unwrap_or_else(|| NodeId::new(stage.as_str()));
            let reason = reason.to_owned();
            self.push(StageSkipped {
                stage,
                op,
                node,
                reason,
            });
        }
    }

    /// The decision.
    pub fn done(self, more: bool) -> Decision {
        Decision {
            events: self.events,
            state: self.state,
            calls: self.calls,
            blobs: self.new_blobs.into_iter().collect(),
            folds: self.folds,
            more,
        }
    }
}
