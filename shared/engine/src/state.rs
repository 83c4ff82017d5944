//! What a run is at a seq: the fold of its events.

use lattice_journal::{InboxItem, Question, RunStatus, Totals, ValueRef};
use lattice_model::{BootId, Hash, InboxId, Millis, NodeId, OpId, ProgramHash, Seq, StageId};
use lattice_model::{Tenant, WorkflowId, limits};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The version of the stored form of the state (checkpoints). Another one is not believed.
pub const STATE_VERSION: u32 = 1;

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
    /// Answers to waits that have not been reached.
    pub buffered: Vec<Buffered>,
    /// The ids of the inbox items folded last; older ones are tombstones by now.
    pub folded: VecDeque<InboxId>,
    /// Counts.
    pub totals: Totals,
}

/// An open stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// The op it visits.
    pub op: OpId,
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

/// How many folded ids a state remembers: more than two commits can fold.
const FOLDED_KEPT_MAX: usize = 2 * limits::FOLD_ITEMS_MAX;

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
            started_at: Millis::new(0),
            deadline: Millis::new(u64::MAX),
            input: ValueRef::Inline(Arc::default()),
            variables: BTreeMap::new(),
            outputs: BTreeMap::new(),
            stages: BTreeMap::new(),
            buffered: Vec::new(),
            folded: VecDeque::new(),
            totals: Totals::default(),
        }
    }

    /// Whether the item was folded already, as far as the state remembers.
    pub fn has_folded(&self, item: &InboxItem) -> bool {
        self.folded.contains(&item.id)
    }

    /// The next moment at which something is due by itself: a timer, a retry, or the deadline.
    /// `None` once the run is over.
    pub fn due_at(&self) -> Option<Millis> {
        if self.status.is_terminal() {
            return None;
        }
        let dues = self.stages.values().filter_map(|stage| match &stage.phase {
            Phase::Backoff { due_at, .. } => Some(*due_at),
            Phase::Waiting { due_at, .. } => *due_at,
            Phase::Ready | Phase::Claimed { .. } => None,
        });
        dues.chain([self.deadline]).min()
    }

    /// Whether a stage waits for nothing but a worker that may claim.
    pub fn has_ready(&self) -> bool {
        self.stages
            .values()
            .any(|stage| stage.phase == Phase::Ready)
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

    pub(crate) fn remember_fold(&mut self, inbox: &InboxId) {
        if self.folded.contains(inbox) {
            return;
        }
        if self.folded.len() == FOLDED_KEPT_MAX {
            self.folded.pop_front();
        }
        self.folded.push_back(inbox.clone());
    }
}
