//! What `decide` is told and what it answers.

use crate::state::{Child, RunState};
use lattice_ir::{CallOutcome, CallRequest};
use lattice_journal::{EventBody, InboxItem};
use lattice_model::{BootId, Guards, Hash, InboxId, Millis, RunId, StageId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that is not the Program or the state.
#[derive(Debug, Clone)]
pub struct Input {
    /// The run; its id goes into idempotency keys.
    pub run: RunId,
    /// The worker's wall clock.
    pub at: Millis,
    /// The worker's process, written into claims.
    pub boot: BootId,
    /// Whether the run has a place under its limit: without it a run that has one stays queued.
    pub has_place: bool,
    /// Whether the worker can perform a call now. Without it nothing is claimed.
    pub claims: bool,
    /// Bytes of the log so far.
    pub log_bytes: u64,
    /// Unread inbox items, in order.
    pub inbox: Vec<InboxItem>,
    /// What happened, in the order in which it is taken in.
    pub causes: Vec<Cause>,
    /// The rules in force: all of them, outside the simulator.
    pub guards: Guards,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// Somebody looked.
    Wake,
    /// An attempt that was claimed has an outcome.
    Ended {
        /// The stage.
        stage: StageId,
        /// The attempt.
        attempt: u32,
        /// Its outcome, redacted.
        outcome: CallOutcome,
    },
    /// An attempt that was claimed will never report: its lease was waited out, or its process is
    /// known to be gone.
    Lost {
        /// The stage.
        stage: StageId,
        /// The attempt.
        attempt: u32,
    },
}

/// What a run does next.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// How many of the causes the events take in; the others have to be told again.
    pub taken: usize,
    /// Events to append in one commit; empty = nothing to write.
    pub events: Vec<EventBody>,
    /// The state after them.
    pub state: RunState,
    /// Calls that the events claim: to be performed once the commit is acknowledged.
    pub calls: Vec<CallRequest>,
    /// Runs that the events call: to be started once the commit is acknowledged.
    pub children: Vec<StageId>,
    /// Runs that the events called before and go on without: they are cancelled with the commit.
    pub orphans: Vec<(StageId, Child)>,
    /// Values to store before the commit.
    pub blobs: Vec<(Hash, Arc<Value>)>,
    /// Inbox items that the events fold.
    pub folds: Vec<InboxId>,
    /// Whether the commit was cut at its limits and `decide` has to be asked again at once.
    pub more: bool,
}

/// A claim that stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The stage.
    pub stage: StageId,
    /// The attempt.
    pub attempt: u32,
    /// Who claimed.
    pub boot: BootId,
    /// For how long nobody else may, in milliseconds.
    pub lease_ms: u64,
}

/// Values from the blob store that a decision may need.
pub type BlobCache = BTreeMap<Hash, Arc<Value>>;

/// Why nothing can be decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// Large values have to be fetched first; then the same question can be asked again.
    #[error("{} large values are needed first", .0.len())]
    NeedBlobs(Vec<Hash>),
    /// The state belongs to another Program.
    #[error("the run is pinned to program {pinned:?}, not to {given:?}")]
    OtherProgram {
        /// The Program of the run.
        pinned: Hash,
        /// The Program that was given.
        given: Hash,
    },
    /// The state names an op that the Program does not have.
    #[error("stage `{0}` names an op that the program does not have")]
    UnknownOp(StageId),
}

impl RunState {
    /// The claims that stand in the log.
    pub fn claims(&self) -> impl Iterator<Item = Claimed> + '_ {
        self.stages
            .iter()
            .filter_map(|(id, stage)| match &stage.phase {
                crate::state::Phase::Claimed {
                    attempt,
                    boot,
                    lease_ms,
                    ..
                } => Some(Claimed {
                    stage: id.clone(),
                    attempt: *attempt,
                    boot: boot.clone(),
                    lease_ms: *lease_ms,
                }),
                _ => None,
            })
    }
}
