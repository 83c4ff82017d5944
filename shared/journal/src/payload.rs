//! The fields of each event type. Stored for ever: a field is added with a default, never renamed.

pub use crate::budget::StageHeld;
use crate::budget::{Budget, is_nothing};
use crate::failure::{Failure, Usage};
pub use crate::fork::RunForked;
use crate::limit::Limit;
pub use crate::map::{Batch, BatchOf, MapStarted, Pace};
pub use crate::outcome::{BranchOutcome, ChildOutcome, SignalOutcome};
use crate::question::Question;
use crate::summary::Totals;
use crate::value::ValueRef;
use lattice_model::{
    BootId, BranchId, Hash, InboxId, Millis, NodeId, OpId, ProgramHash, RunId, Seq, StageId,
    Tenant, TriggerId, WorkflowId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

macro_rules! payloads {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            #[serde(rename_all = "camelCase")]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
        )*
    };
}

payloads! {
    /// Where the run goes next.
    StageRef {
        /// The visit.
        stage: StageId,
        /// The op it visits.
        op: OpId,
        /// Which visit of the op it is, from 1; unset where there can be only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        visit: Option<u32>,
    }
    /// A trigger that fired.
    TriggerFired {
        /// The node.
        node: NodeId,
        /// The stored trigger.
        id: TriggerId,
        /// The sender's name of the delivery, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery: Option<String>,
        /// When the sender signed it, or the moment that the schedule meant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Millis>,
    }
    /// The run that started another one and waits for it.
    Parent {
        /// The run.
        run: RunId,
        /// Its stage that waits.
        stage: StageId,
        /// The run that nobody called, above all.
        root: RunId,
        /// How many runs stand above: 1 for a run that the root called.
        depth: u32,
    }
    /// The run exists.
    RunQueued {
        /// Whose run it is.
        #[serde(default, skip_serializing_if = "Tenant::is_local")]
        tenant: Tenant,
        /// The workflow.
        workflow: WorkflowId,
        /// Its name, for people.
        name: String,
        /// The Program that the run is pinned to.
        program: ProgramHash,
        /// The trigger input, redacted.
        input: ValueRef,
        /// The workflow's variables at the start.
        variables: BTreeMap<String, ValueRef>,
        /// How long the run may live, in milliseconds.
        lifetime_ms: u64,
        /// Where it begins.
        entry: StageRef,
        /// What started it, if no person did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trigger: Option<TriggerFired>,
        /// The run that called it, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Parent>,
        /// What it is a batch of, if it is one: it does nothing but these items.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        batch: Option<Box<BatchOf>>,
        /// What it may use, if there is a bound.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<Budget>,
        /// What it waits for before it begins, if its workflow has a limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<Limit>,
    }
    /// A worker took the run up.
    RunStarted {}
    /// Nothing can be done before an answer or a timer.
    RunWaiting {}
    /// There is something to do again.
    RunResumed {}
    /// The run reached an end.
    RunCompleted {
        /// What it produced.
        output: ValueRef,
        /// Counts over the run.
        totals: Totals,
    }
    /// A failure that nothing caught ended the run.
    RunFailed {
        /// Why.
        failure: Failure,
        /// At which stage, if at one.
        stage: Option<StageId>,
        /// At which node, if at one.
        node: Option<NodeId>,
        /// Counts over the run.
        totals: Totals,
    }
    /// The run was ended on request.
    RunCancelled {
        /// Counts over the run.
        totals: Totals,
    }
    /// Somebody asked for the end.
    CancelRequested {
        /// The inbox item that asked.
        inbox: InboxId,
        /// Why, as they said.
        reason: String,
    }
    /// A claim: from here on this attempt of the effect may be performed.
    StageStarted {
        /// The visit.
        stage: StageId,
        /// The op.
        op: OpId,
        /// The node it came from.
        node: NodeId,
        /// From 1.
        attempt: u32,
        /// Rises only after a recorded failure.
        epoch: u32,
        /// For how long nobody else may claim, counted by whoever waits for it.
        lease_ms: u64,
        /// The idempotency key that the effect sends.
        key: Hash,
        /// The process that claimed.
        boot: BootId,
        /// Tokens of the run's budget that are kept for the attempt; unset without a budget.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reserved: Option<u64>,
    }
    /// A stage is done.
    StageCompleted {
        /// The visit.
        stage: StageId,
        /// The op.
        op: OpId,
        /// The node it came from.
        node: NodeId,
        /// What `nodes.<id>.output` becomes; unset leaves it as it was.
        output: Option<ValueRef>,
        /// The way that was taken, where there are several.
        port: Option<String>,
        /// Where the run goes next; unset at an end.
        next: Option<StageRef>,
    }
    /// A stage failed for good.
    StageFailed {
        /// The visit.
        stage: StageId,
        /// The op.
        op: OpId,
        /// The node it came from.
        node: NodeId,
        /// Attempts made.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// The target that catches it, if there is one.
        next: Option<StageRef>,
    }
    /// An attempt failed and another one follows.
    StageRetrying {
        /// The visit.
        stage: StageId,
        /// The attempt that failed.
        attempt: u32,
        /// The epoch of the next attempts.
        epoch: u32,
        /// Why.
        failure: Failure,
        /// Not before this moment.
        due_at: Millis,
    }
    /// A stage that was open will not be done.
    StageSkipped {
        /// The visit.
        stage: StageId,
        /// The op.
        op: OpId,
        /// The node it came from.
        node: NodeId,
        /// Why.
        reason: String,
    }
    /// A model is being asked.
    LlmStepStarted {
        /// The visit.
        stage: StageId,
        /// The attempt.
        attempt: u32,
        /// The class or name of the model that was asked for.
        model: String,
        /// The prompt as sent, secrets as references.
        prompt: ValueRef,
    }
    /// A model answered.
    LlmStepCompleted {
        /// The visit.
        stage: StageId,
        /// The attempt.
        attempt: u32,
        /// The model that answered.
        model: String,
        /// The answer as it came, redacted.
        text: ValueRef,
        /// Tokens.
        usage: Usage,
        /// Why the model stopped, in the provider's word.
        finish: String,
        /// From sending to the end of the answer.
        latency_ms: u64,
    }
    /// A model call failed.
    LlmStepFailed {
        /// The visit.
        stage: StageId,
        /// The attempt.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// Tokens used all the same.
        usage: Usage,
    }
    /// A stage waits for an answer, a timer, or either.
    WaitOpened {
        /// The visit; an answer names it.
        stage: StageId,
        /// The op.
        op: OpId,
        /// The node that asks.
        node: NodeId,
        /// What is asked, if an answer is waited for.
        question: Option<Question>,
    }
    /// A timer runs.
    TimerSet {
        /// The stage that waits for it.
        stage: StageId,
        /// When it fires.
        due_at: Millis,
    }
    /// A timer fired.
    TimerFired {
        /// The stage that waited for it.
        stage: StageId,
        /// When it was due.
        due_at: Millis,
    }
    /// An answer came.
    SignalReceived {
        /// The inbox item.
        inbox: InboxId,
        /// The node it is for.
        node: NodeId,
        /// The visit it names.
        wait: Option<StageId>,
        /// The answer.
        value: ValueRef,
        /// What became of it.
        outcome: SignalOutcome,
    }
    /// A variable changed.
    VariableSet {
        /// The stage that changed it.
        stage: StageId,
        /// Its name.
        name: String,
        /// The new value; unset = deleted.
        value: Option<ValueRef>,
    }
    /// A branch of a split began, or an item of a map.
    BranchStarted {
        /// Its name.
        branch: BranchId,
        /// The visit of the split.
        split: StageId,
        /// Its place among the branches, from 0.
        index: u32,
        /// The branch that the split itself stands in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outer: Option<BranchId>,
        /// Where it begins; the join itself, if nothing was drawn into the branch.
        entry: StageRef,
        /// The join that waits for it.
        join: StageRef,
        /// When it has to be over, if there is such a moment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Millis>,
        /// Whether it is an item of a map; `index` is its place in the whole list then, `split` the
        /// map, and `join` its gather.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        item: bool,
    }
    /// A branch came to its join, failed, or ran out of time.
    BranchEnded {
        /// Its name.
        branch: BranchId,
        /// How.
        outcome: BranchOutcome,
    }
    /// A join is decided; branches that were still open end with it.
    JoinFired {
        /// The visit of the join.
        stage: StageId,
        /// The visit of the split.
        split: StageId,
        /// The branches whose results count, in the order in which they were drawn.
        counted: Vec<u32>,
        /// The branches that were still open.
        skipped: Vec<u32>,
        /// What the variables become; `null` = deleted.
        variables: BTreeMap<String, Option<ValueRef>>,
    }
    /// A stage waits for a run of its own: from here on that run may be started.
    ChildStarted {
        /// The visit.
        stage: StageId,
        /// The op.
        op: OpId,
        /// The node it came from.
        node: NodeId,
        /// The run that is started.
        child: RunId,
        /// The workflow that it runs.
        workflow: WorkflowId,
        /// The Program that it is pinned to.
        program: ProgramHash,
        /// Its input.
        input: ValueRef,
        /// When it has to be over, if there is such a moment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Millis>,
        /// Which batch of a map it is, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        batch: Option<Batch>,
        /// Tokens of the run's budget that are kept for it; unset without a budget.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reserved: Option<u64>,
    }
    /// A run that a stage had started is over. The stage may have gone on without it.
    ChildEnded {
        /// The inbox item that said so.
        inbox: InboxId,
        /// The visit that started it.
        stage: StageId,
        /// The run.
        child: RunId,
        /// How.
        outcome: ChildOutcome,
        /// What model calls used, in it and in those that it started.
        usage: Usage,
        /// Tokens that its budget counts beside those: reserved by attempts that never reported.
        #[serde(default, skip_serializing_if = "is_nothing")]
        lost: u64,
    }
    /// Something worth knowing that changes nothing.
    TraceBreadcrumb {
        /// What it is about, such as `result.late`.
        kind: String,
        /// The visit it belongs to.
        stage: Option<StageId>,
        /// Details.
        detail: Value,
    }
}

/// The place of a late or foreign thing in a breadcrumb; kept here so that all details agree.
pub fn late_detail(attempt: u32, usage: Usage, last: Seq) -> Value {
    serde_json::json!({ "attempt": attempt, "usage": usage, "afterSeq": last })
}
