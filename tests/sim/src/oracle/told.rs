//! What a log says of the branches of its run that only time decides: which of them were quick
//! enough, and how far the others came. The interpreter takes nothing else from a log, and refuses
//! what cannot be.

use lattice_model::{BranchId, Millis};
use std::collections::BTreeMap;

/// What a log says of all branches that began.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// By the branch's name.
    pub branches: BTreeMap<BranchId, Said>,
    /// Whether the clocks of all workers were right, so that a branch which has to wait beyond its
    /// time cannot have come to its join.
    pub clocks_are_right: bool,
}

/// What a log says of one branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// How it ended.
    pub end: SaidEnd,
    /// How many stages that stand in it directly had ended.
    pub ended: usize,
    /// How many outcomes were recorded of the call at which it was ended by something else.
    pub recorded: u32,
    /// When it had to be over, if there was such a moment.
    pub due_at: Option<Millis>,
}

/// How a branch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidEnd {
    /// It came to its join.
    Completed,
    /// A failure that nothing caught ended it.
    Failed,
    /// Its time was up.
    TimedOut,
    /// Something around it ended while it was open: the join was decided, or a branch around it ran
    /// out of time.
    Cut,
    /// Not at all: the run waits, and the branch with it.
    Open,
}

/// Why a log cannot be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Whether something that could go on stands still.
    pub is_stuck: bool,
    /// What does not fit.
    pub text: String,
}

impl Refused {
    pub(super) fn new(text: impl Into<String>) -> Self {
        let (is_stuck, text) = (false, text.into());
        Self { is_stuck, text }
    }
}

/// Where a branch was ended by something else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// So many stages that stand in it directly had ended.
    pub ended: usize,
    /// So many outcomes were recorded of the next one.
    pub recorded: u32,
}

impl Said {
    pub(super) fn stop(&self) -> Option<Stop> {
        let Self {
            ended, recorded, ..
        } = *self;
        let is_stopped = matches!(self.end, SaidEnd::Cut | SaidEnd::TimedOut);
        is_stopped.then_some(Stop { ended, recorded })
    }
}
