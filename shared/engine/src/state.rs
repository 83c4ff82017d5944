//! What a run is at a seq: the fold of its events.

use crate::budget::Spending;
use crate::mapping::{Mapping, OwnItems};
use lattice_journal::payload::{Batch, BranchOutcome, Parent};
use lattice_journal::{
    Budget, ForkedFrom, InboxItem, Limit, Question, RunStatus, Totals, ValueRef,
};
use lattice_model::{
    BootId, BranchId, Hash, InboxId, Millis, NodeId, OpId, ProgramHash, RunId, Seq, StageId,
};
use lattice_model::{Tenant, WorkflowId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The version of the stored form of the state (checkpoints). Another one is not believed.
pub const STATE_VERSION: u32 = 5;

/// What a run is at a seq.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunState {
    /// The last event folded in; `Seq::ZERO` before the first.
    pub seq: Seq,
    /// How the run stands.
    pub status: RunStatus,
    /// Whose run it is.
    #[serde(default, skip_serializing_if = "Tenant::is_local")]
    pub tenant: Tenant,
    /// The Program it is pinned to.
    pub program: ProgramHash,
    /// The workflow.
    pub workflow: WorkflowId,
    /// The name of the workflow.
    pub name: Arc<str>,
    /// The run that called it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// What it is a batch of, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<OwnItems>,
    /// Where it comes from, if it is a fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkedFrom>,
    /// When it was queued.
    pub started_at: Millis,
    /// When it is over in any case.
    pub deadline: Millis,
    /// The trigger input.
    pub input: ValueRef,
    /// The workflow's variables.
    pub variables: BTreeMap<String, ValueRef>,
    /// What each node gave.
    pub outputs: BTreeMap<NodeId, ValueRef>,
    /// The open stages.
    pub stages: BTreeMap<StageId, Stage>,
    /// The branches of every split whose join is not decided.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub branches: BTreeMap<BranchId, Branch>,
    /// Nodes of decided branches that asked: their questions are over.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub asked: BTreeSet<NodeId>,
    /// How often each op that stands in a loop was visited, outside of items.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub visits: BTreeMap<OpId, u32>,
    /// Answers to waits that have not been reached.
    pub buffered: Vec<Buffered>,
    /// The ids of the inbox items folded last; older ones are tombstones by now.
    pub folded: VecDeque<InboxId>,
    /// Counts.
    pub totals: Totals,
    /// How its budget stands, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spending: Option<Spending>,
    /// What it counts for, if its workflow has a limit on open runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

/// An open stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// The op it visits.
    pub op: OpId,
    /// The branch that it stands in; `None` = in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<BranchId>,
    /// How far it is.
    pub phase: Phase,
}

/// How far an open stage is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "camelCase")]
pub enum Phase {
    /// Nothing was done yet.
    Ready,
    /// An attempt may be under way.
    #[serde(rename_all = "camelCase")]
    Claimed {
        /// From 1.
        attempt: u32,
        /// Rises after a recorded failure.
        epoch: u32,
        /// Who claimed.
        boot: BootId,
        /// For how long nobody else may.
        lease_ms: u64,
        /// The idempotency key.
        key: Hash,
    },
    /// An attempt failed; the next one comes at `due_at`.
    #[serde(rename_all = "camelCase")]
    Backoff {
        /// The attempt that failed.
        attempt: u32,
        /// The epoch of the next one.
        epoch: u32,
        /// When.
        due_at: Millis,
    },
    /// Waits for an answer, a timer, or either.
    #[serde(rename_all = "camelCase")]
    Waiting {
        /// The node that asks.
        node: NodeId,
        /// What is asked.
        question: Option<Question>,
        /// When the timer fires.
        due_at: Option<Millis>,
    },
    /// A join that waits for the branches of its split.
    #[serde(rename_all = "camelCase")]
    Joining {
        /// The visit of the split.
        split: StageId,
    },
    /// A gather that waits for the items of its map.
    Mapping(Mapping),
    /// Waits for the end of a run that it started.
    Calling(Child),
}

/// A run that a stage started and waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Child {
    /// The run.
    pub run: RunId,
    /// What it runs.
    pub program: ProgramHash,
    /// Its input.
    pub input: ValueRef,
    /// When the stage goes on without it.
    pub due_at: Option<Millis>,
    /// Which batch of a map it is, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Batch>,
    /// What it may use, if there is a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// A branch of a split whose join is not decided, or an item of a map that is not over. What it
/// writes stays here until then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Branch {
    /// The visit of the split.
    pub split: StageId,
    /// Its place among the branches of the split.
    pub index: u32,
    /// The branch that the split stands in.
    pub outer: Option<BranchId>,
    /// When it has to be over.
    pub due_at: Option<Millis>,
    /// The variables that it changed; `None` = deleted.
    pub variables: BTreeMap<String, Option<ValueRef>>,
    /// What its nodes gave.
    pub outputs: BTreeMap<NodeId, ValueRef>,
    /// What was given last.
    pub last: Option<ValueRef>,
    /// How it ended, and with which event.
    pub end: Option<(Seq, BranchOutcome)>,
    /// Whether it is an item of a map.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub item: bool,
    /// How often each op that stands in a loop was visited, if it is an item.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub visits: BTreeMap<OpId, u32>,
}

/// An answer that came before its question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Buffered {
    /// The inbox item.
    pub inbox: InboxId,
    /// The node it is for.
    pub node: NodeId,
    /// The answer.
    pub value: ValueRef,
}

impl RunState {
    /// Before the first event.
    pub fn empty() -> Self {
        Self {
            seq: Seq::ZERO,
            status: RunStatus::Queued,
            tenant: Tenant::local(),
            program: Hash::ZERO,
            workflow: WorkflowId::new(""),
            name: Arc::from(""),
            parent: None,
            batch: None,
            forked_from: None,
            started_at: Millis::new(0),
            deadline: Millis::new(u64::MAX),
            input: ValueRef::Inline(Arc::default()),
            variables: BTreeMap::new(),
            outputs: BTreeMap::new(),
            stages: BTreeMap::new(),
            branches: BTreeMap::new(),
            asked: BTreeSet::new(),
            visits: BTreeMap::new(),
            buffered: Vec::new(),
            folded: VecDeque::new(),
            totals: Totals::default(),
            spending: None,
            limit: None,
        }
    }

    /// Whether the item was folded already, as far as the state remembers.
    pub fn has_folded(&self, item: &InboxItem) -> bool {
        self.folded.contains(&item.id)
    }

    /// The next moment at which something is due by itself: a timer, a retry, or the deadline.
    /// `None` once the run is over.
    pub fn due_at(&self) -> Option<Millis> {
        let retries = self
            .stages
            .iter()
            .filter_map(|(id, stage)| match &stage.phase {
                Phase::Backoff { due_at, .. } if !self.is_held(id) => Some(*due_at),
                _ => None,
            });
        retries.chain(self.timer_due_at()).min()
    }

    /// As `due_at`, without the retries, which need a worker that may claim.
    pub fn timer_due_at(&self) -> Option<Millis> {
        if self.status.is_terminal() {
            return None;
        }
        let timers = self.stages.values().filter_map(|stage| match &stage.phase {
            Phase::Waiting { due_at, .. } | Phase::Calling(Child { due_at, .. }) => *due_at,
            _ => None,
        });
        let branches = self.open_branches().filter_map(|(_, branch)| branch.due_at);
        let pauses = self
            .mappings()
            .filter_map(|(_, map)| self.pause_ends_at(map));
        let timers = timers.chain(branches).chain(pauses);
        timers.chain([self.deadline]).min()
    }

    /// The branches that have not ended.
    pub fn open_branches(&self) -> impl Iterator<Item = (&BranchId, &Branch)> {
        let branches = self.branches.iter();
        branches.filter(|(_, branch)| branch.end.is_none())
    }

    /// The branches of one visit of a split, in the order in which they were drawn.
    pub fn branches_of(&self, split: &StageId) -> Vec<(&BranchId, &Branch)> {
        let all = self.branches.iter();
        let mut found: Vec<_> = all.filter(|(_, branch)| branch.split == *split).collect();
        found.sort_by_key(|(_, branch)| branch.index);
        found
    }

    /// A variable as a stage in the branch sees it.
    pub(crate) fn variable(&self, branch: Option<&BranchId>, name: &str) -> Option<&ValueRef> {
        let mut changes = self
            .around(branch)
            .filter_map(|(_, around)| around.variables.get(name));
        match changes.next() {
            Some(changed) => changed.as_ref(),
            None => self.variables.get(name),
        }
    }

    /// What a node gave, as a stage in the branch sees it.
    pub(crate) fn output(&self, branch: Option<&BranchId>, node: &NodeId) -> Option<&ValueRef> {
        let mut given = self
            .around(branch)
            .filter_map(|(_, around)| around.outputs.get(node));
        given.next().or_else(|| self.outputs.get(node))
    }

    /// Every variable that a stage in the branch sees.
    pub(crate) fn variables_seen(&self, branch: Option<&BranchId>) -> BTreeMap<&String, &ValueRef> {
        let mut seen: BTreeMap<_, _> = self.variables.iter().collect();
        let around: Vec<_> = self.around(branch).collect();
        for (_, branch) in around.into_iter().rev() {
            for (name, change) in &branch.variables {
                match change {
                    Some(value) => seen.insert(name, value),
                    None => seen.remove(name),
                };
            }
        }
        seen
    }

    /// Every output that a stage in the branch sees.
    pub(crate) fn outputs_seen(&self, branch: Option<&BranchId>) -> BTreeMap<&NodeId, &ValueRef> {
        let around = self.around(branch).flat_map(|(_, around)| &around.outputs);
        self.outputs.iter().chain(around).collect()
    }

    /// Every output that there is, those inside open branches too.
    pub fn all_outputs(&self) -> impl Iterator<Item = (&NodeId, &ValueRef)> {
        let inside = self.branches.values().flat_map(|branch| &branch.outputs);
        self.outputs.iter().chain(inside)
    }

    /// Whether the question of a node is over.
    pub fn has_asked(&self, node: &NodeId) -> bool {
        let mut branches = self.branches.values();
        self.outputs.contains_key(node)
            || self.asked.contains(node)
            || branches.any(|branch| branch.outputs.contains_key(node))
    }

    /// Whether `inner` is the branch or stands in it.
    pub fn is_inside(&self, inner: Option<&BranchId>, branch: &BranchId) -> bool {
        self.around(inner).any(|(id, _)| id == branch)
    }

    /// The branch and those around it, the innermost first.
    pub fn around(&self, branch: Option<&BranchId>) -> impl Iterator<Item = (&BranchId, &Branch)> {
        let entry = |id: &BranchId| self.branches.get_key_value(id);
        let first = branch.and_then(entry);
        std::iter::successors(first, move |(_, inner)| {
            inner.outer.as_ref().and_then(entry)
        })
    }

    /// The branch that an open stage stands in.
    pub fn branch_of(&self, stage: &StageId) -> Option<&BranchId> {
        self.stages.get(stage)?.branch.as_ref()
    }

    /// The runs that are waited for, and the stages that wait.
    pub fn children(&self) -> impl Iterator<Item = (&StageId, &Child)> {
        self.stages
            .iter()
            .filter_map(|(id, stage)| match &stage.phase {
                Phase::Calling(child) => Some((id, child)),
                _ => None,
            })
    }

    /// Whether a stage waits for nothing but a worker that may claim.
    pub fn has_ready(&self) -> bool {
        let mut stages = self.stages.iter();
        stages.any(|(id, stage)| stage.phase == Phase::Ready && !self.is_held(id))
    }

    /// The open questions: stage, node, question, and when it is too late to answer.
    pub fn questions(
        &self,
    ) -> impl Iterator<Item = (&StageId, &NodeId, &Question, Option<Millis>)> {
        self.stages
            .iter()
            .filter_map(|(id, stage)| match &stage.phase {
                Phase::Waiting {
                    node,
                    question: Some(question),
                    due_at,
                } => Some((id, node, question, *due_at)),
                _ => None,
            })
    }
}
