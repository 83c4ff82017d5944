//! A decision being made: each event is folded in at once, so that the next step sees it.

pub(crate) use crate::at::At;
use crate::at::visit;
use crate::evolve::apply;
use crate::input::{BlobCache, DecideError, Decision, Input};
use crate::ops;
use crate::scope;
use crate::state::{Child, Phase, RunState};
use crate::weight::weight;
use lattice_ir::{CallRequest, OpKind, Plan};
use lattice_journal::payload::{
    BranchOutcome, RunFailed, RunResumed, RunWaiting, StageCompleted, StageFailed, StageRef,
    StageSkipped,
};
use lattice_journal::{EventBody, Failure, FailureKind, RunStatus, ValueRef};
use lattice_model::{BranchId, Guard, Hash, InboxId, NodeId, OpId, StageId, limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events that one step of `decide` adds at most, and the one that queued the run.
const STEP_EVENTS_MAX: usize = 8;
/// Events of one join that is decided, beside the stages that it ends: a branch ended, the join
/// fired, its stage is over.
const JOIN_EVENTS: usize = 3;
/// Bytes of those events: an output of the branch, the join's own, and the variables.
const JOIN_BYTES: usize = 2 * limits::INLINE_VALUE_BYTES_MAX + 2 * limits::JOIN_INLINE_BYTES_MAX;
pub(crate) struct Scratch<'a> {
    pub plan: &'a Plan,
    pub input: &'a Input,
    pub state: RunState,
    blobs: &'a BlobCache,
    events: Vec<EventBody>,
    calls: Vec<CallRequest>,
    children: Vec<StageId>,
    orphans: Vec<(StageId, Child)>,
    new_blobs: BTreeMap<Hash, Arc<Value>>,
    folds: Vec<InboxId>,
    bytes: usize,
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
            children: Vec::new(),
            orphans: Vec::new(),
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

    /// Notes that the last events call a run.
    pub fn child(&mut self, stage: &StageId) {
        self.children.push(stage.clone());
    }

    /// Notes that the events go on without the run that a stage called.
    // INVARIANT: no run goes on that nobody waits for any more (Guard::CancelReachesChildren).
    pub fn leave_child(&mut self, stage: &StageId) {
        // Called and left by one decision: nobody begins that run, as the events that call it may
        // never be written.
        if let Some(place) = self.children.iter().position(|called| called == stage) {
            self.children.remove(place);
            return;
        }
        if let Some(Phase::Calling(child)) = self.state.stages.get(stage).map(|it| &it.phase)
            && self.input.guards.on(Guard::CancelReachesChildren)
        {
            self.orphans.push((stage.clone(), child.clone()));
        }
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
        // Where there are branches, one step may end all that is open and several joins at once.
        let (events, cut) = match self.state.branches.is_empty() {
            true => (STEP_EVENTS_MAX, limits::COMMIT_BYTES_CUT),
            false => (
                STEP_EVENTS_MAX + self.state.stages.len() + JOIN_EVENTS * limits::SPLIT_DEPTH_MAX,
                limits::COMMIT_BYTES_CUT - JOIN_BYTES * limits::SPLIT_DEPTH_MAX,
            ),
        };
        !self.has_room(events) || self.bytes > cut
    }

    /// Whether anything was decided.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether the commit takes so many more events.
    pub fn has_room(&self, events: usize) -> bool {
        self.events.len() + events <= limits::COMMIT_EVENTS_MAX
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
        at: &At,
        references: &[&lattice_expr::Reference],
    ) -> Result<scope::Values, DecideError> {
        scope::Values::gather(self, at.branch.as_ref(), references)
    }

    /// The values behind several references; asks for every blob that is missing at once.
    pub fn all_values(&self, references: &[&ValueRef]) -> Result<Vec<Arc<Value>>, DecideError> {
        let (mut values, mut missing) = (Vec::new(), Vec::new());
        for reference in references {
            match self.value(reference) {
                Ok(value) => values.push(value),
                Err(hash) => missing.push(hash),
            }
        }
        match missing.is_empty() {
            true => Ok(values),
            false => Err(DecideError::NeedBlobs(missing)),
        }
    }

    /// Keeps a value in the blob store, however small it is.
    pub fn keep_aside(&mut self, value: Arc<Value>) -> ValueRef {
        let (reference, (hash, value)) = ValueRef::aside(value);
        self.new_blobs.insert(hash, value);
        reference
    }

    /// The next visit of an op.
    pub fn way(&self, at: &At, op: OpId) -> Result<StageRef, DecideError> {
        let before = self.state.visits_of(at.branch.as_ref(), op).unwrap_or(0);
        let item = self.state.item_around(at.branch.as_ref());
        let item = self.item_name(item.map(|item| item.index));
        let way = visit(self.plan, op, before, item);
        // INVARIANT: no visit is taken for an earlier one (Guard::VisitIsStage).
        let way = match self.input.guards.on(Guard::VisitIsStage) {
            true => way,
            false => way
                .zip(visit(self.plan, op, 0, item))
                .map(|(way, first)| StageRef {
                    stage: first.stage,
                    ..way
                }),
        };
        way.ok_or_else(|| DecideError::UnknownOp(at.stage.clone()))
    }

    /// What tells the stages of an item from those of the others.
    // INVARIANT: no stage of one item is taken for that of another one (Guard::ItemIsStage).
    pub fn item_name(&self, item: Option<u32>) -> Option<u32> {
        item.filter(|_| self.input.guards.on(Guard::ItemIsStage))
    }

    /// A stage that stands open, and how far it is.
    pub fn find(&self, stage: &StageId) -> Result<Option<(At, Phase)>, DecideError> {
        let Some(found) = self.state.stages.get(stage) else {
            return Ok(None);
        };
        let unknown = || DecideError::UnknownOp(stage.clone());
        let (op, _) = self.plan.op(found.op).ok_or_else(unknown)?;
        let at = At {
            stage: stage.clone(),
            op: found.op,
            node: op.node.clone(),
            branch: found.branch.clone(),
        };
        Ok(Some((at, found.phase.clone())))
    }

    /// Says that there is something to do again, if the run was waiting.
    pub fn resume(&mut self) {
        if self.state.status == RunStatus::Waiting {
            self.push(RunResumed {});
        }
    }

    /// Says that there is nothing to do, if that is so.
    pub fn rest(&mut self) {
        let waits = |(id, stage): (&StageId, &crate::Stage)| {
            self.state.is_held(id)
                || matches!(
                    stage.phase,
                    Phase::Waiting { .. }
                        | Phase::Joining { .. }
                        | Phase::Mapping(_)
                        | Phase::Calling(_)
                )
        };
        let idle = !self.state.stages.is_empty() && self.state.stages.iter().all(waits);
        if idle && self.state.status == RunStatus::Running {
            self.push(RunWaiting {});
        }
    }

    /// Ends a stage with success; it goes on at `to`.
    pub fn complete_stage(
        &mut self,
        at: &At,
        output: Option<ValueRef>,
        port: Option<String>,
        to: Option<OpId>,
    ) -> Result<(), DecideError> {
        let next = to.map(|op| self.way(at, op)).transpose()?;
        self.push(StageCompleted {
            stage: at.stage.clone(),
            op: at.op,
            node: at.node.clone(),
            output,
            port,
            next,
        });
        self.arrive(at, to)
    }

    /// Ends a stage with a failure: it goes on at `target`, or what it stands in fails.
    pub fn fail_stage(
        &mut self,
        at: &At,
        attempt: u32,
        failure: Failure,
        target: Option<OpId>,
    ) -> Result<(), DecideError> {
        let next = target.map(|op| self.way(at, op)).transpose()?;
        self.push(StageFailed {
            stage: at.stage.clone(),
            op: at.op,
            node: at.node.clone(),
            attempt,
            failure: failure.clone(),
            next,
        });
        match (target, &at.branch) {
            (Some(_), _) => self.arrive(at, target),
            (None, Some(branch)) => {
                let node = Some(at.node.clone());
                let outcome = BranchOutcome::Failed { failure, node };
                ops::join::end_branch(self, branch, outcome)
            }
            (None, None) => {
                self.fail_run(failure, Some(at));
                Ok(())
            }
        }
    }

    /// A way that leads to a join ends its branch.
    fn arrive(&mut self, at: &At, to: Option<OpId>) -> Result<(), DecideError> {
        let kind = to
            .and_then(|op| self.plan.op(op))
            .map(|(planned, _)| &planned.kind);
        match (kind, &at.branch) {
            (Some(OpKind::Join(_) | OpKind::Gather(_)), Some(branch)) => {
                ops::join::complete_branch(self, branch)
            }
            _ => Ok(()),
        }
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
        self.skip(reason, |_, _, _| true);
    }

    /// Records the open stages of a branch, and of those inside it, as skipped.
    pub fn skip_inside(&mut self, branch: &BranchId, reason: &str) {
        self.skip(reason, |state, _, stage| {
            state.is_inside(stage.branch.as_ref(), branch)
        });
    }

    /// Records the batches of a map, which are runs of their own, as skipped.
    pub fn skip_batches(&mut self, map: &StageId, reason: &str) {
        let batches: Vec<StageId> = self.state.open_batches(map).cloned().collect();
        self.skip(reason, |_, id, _| batches.contains(id));
    }

    fn skip(
        &mut self,
        reason: &str,
        is_meant: impl Fn(&RunState, &StageId, &crate::Stage) -> bool,
    ) {
        let open: Vec<_> = self
            .state
            .stages
            .iter()
            .filter(|(id, stage)| is_meant(&self.state, id, stage))
            .map(|(id, stage)| (id.clone(), stage.op))
            .collect();
        for (stage, op) in open {
            self.leave_child(&stage);
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
    pub fn done(self, taken: usize, more: bool) -> Decision {
        Decision {
            taken,
            events: self.events,
            state: self.state,
            calls: self.calls,
            children: self.children,
            orphans: self.orphans,
            blobs: self.new_blobs.into_iter().collect(),
            folds: self.folds,
            more,
        }
    }
}
