//! The rules of the protocol, one name each, so that the simulator can switch one off and show
//! that the suite notices. Outside the simulator every guard is on.

/// A rule whose absence must be caught by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Guard {
    /// A commit is put only where none is (rule 1).
    ConditionalPut,
    /// Only the same commit id means that an answer was lost (rule 1).
    CommitIdentity,
    /// A loader checks that seq is dense and the hash chain unbroken (rule 2).
    DenseLoad,
    /// After a conflict the same input is decided again; old decisions are not re-keyed (rule 3).
    RedecideOnRebase,
    /// A result counts only while its stage is running at that attempt (rule 3).
    AttemptFence,
    /// A costly effect is claimed before it is performed (rule 5).
    ClaimBeforeEffect,
    /// A taker waits one full lease from when it first saw the claim (rule 5).
    LeaseWait,
    /// The idempotency key is stable over crashes (rule 5).
    StableKey,
    /// The effect's deadline ends before its lease does (rule 5).
    DeadlineInsideLease,
    /// Attempts have a ceiling that is kept in the log (rule 5).
    AttemptCeiling,
    /// A message that finds a live claim comes again when its lease is over (rule 6).
    ReturnOnLiveClaim,
    /// It says then what it waited for, to a worker that has never seen the claim (rule 5).
    LeaseNote,
    /// A message is deleted only when what it made ready is done or handed on (rule 6).
    HandOnBeforeDelete,
    /// A join waits for what its policy asks for (rule 8).
    JoinWaits,
    /// What a branch writes stays in it until the join (rule 8).
    BranchScope,
    /// Branches are merged in the order in which they were drawn, not in which they ended (rule 8).
    MergeInOrder,
    /// A join that is decided ends the branches that are still open (rule 8).
    LosersEnd,
    /// Each visit of an op in a loop is a stage of its own, with keys of its own (rule 5).
    VisitIsStage,
    /// Visits of a loop have a ceiling (rule 5).
    VisitCeiling,
    /// An inbox item is folded at once, wait or no wait (rule 9).
    EarlySignalBuffer,
    /// A folded inbox item becomes a tombstone in the fold's own commit (rule 9).
    Tombstones,
    /// An inbox id that was seen is never taken again (rule 9).
    InboxDedupe,
    /// An answer names a wait; one for another wait is refused (rule 9).
    AnswerNamesWait,
    /// A start key gives one run (rule 10).
    StartKey,
    /// The place of an item is part of what names its stages (rule 14).
    ItemIsStage,
    /// A child's end reaches its parent with the commit that ends it, or not at all (rule 10).
    ChildEndWithCommit,
    /// A child is started again by whoever finds that its parent waits for it (rules 6 and 10).
    ChildStartedAgain,
    /// What ends a stage that waits for a child cancels the child, in the same commit (rule 11).
    CancelReachesChildren,
    /// A cancel fences every worker that is still busy (rule 11).
    CancelFence,
    /// Head and checkpoint move only forward (rule 12).
    ForwardOnly,
    /// The sweep resends what is due (rule 12).
    SweepResends,
    /// A checkpoint is believed only if its hash is right (rule 13).
    CheckpointHash,
    /// What a call may use is reserved of the budget with its claim (rule 5).
    BudgetReserved,
    /// A run whose workflow has a limit begins only with a place (rule 19).
    SlotBeforeStart,
    /// The place of a run that is over is given back, by whoever ended it or finds it (rule 19).
    SlotFreed,
    /// A run ends at its lifetime (rule 16).
    Lifetime,
    /// Nothing follows a terminal event.
    TerminalIsFinal,
}

impl Guard {
    /// Every guard, in the order of the rules.
    pub const ALL: &[Self] = &[
        Self::ConditionalPut,
        Self::CommitIdentity,
        Self::DenseLoad,
        Self::RedecideOnRebase,
        Self::AttemptFence,
        Self::ClaimBeforeEffect,
        Self::LeaseWait,
        Self::StableKey,
        Self::DeadlineInsideLease,
        Self::AttemptCeiling,
        Self::ReturnOnLiveClaim,
        Self::LeaseNote,
        Self::HandOnBeforeDelete,
        Self::JoinWaits,
        Self::BranchScope,
        Self::MergeInOrder,
        Self::LosersEnd,
        Self::VisitIsStage,
        Self::VisitCeiling,
        Self::EarlySignalBuffer,
        Self::Tombstones,
        Self::InboxDedupe,
        Self::AnswerNamesWait,
        Self::StartKey,
        Self::ItemIsStage,
        Self::ChildEndWithCommit,
        Self::ChildStartedAgain,
        Self::CancelReachesChildren,
        Self::CancelFence,
        Self::ForwardOnly,
        Self::SweepResends,
        Self::CheckpointHash,
        Self::BudgetReserved,
        Self::SlotBeforeStart,
        Self::SlotFreed,
        Self::Lifetime,
        Self::TerminalIsFinal,
    ];
}

/// Which guards are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards(u64);

impl Guards {
    /// All of them: the only value outside the simulator.
    pub const ALL: Self = Self(u64::MAX);

    /// The same set with one guard off.
    #[must_use]
    pub const fn without(self, guard: Guard) -> Self {
        Self(self.0 & !(1 << guard as u8))
    }

    /// Whether the guard is on.
    #[must_use]
    pub const fn on(self, guard: Guard) -> bool {
        self.0 & (1 << guard as u8) != 0
    }
}

impl Default for Guards {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::{Guard, Guards};

    #[test]
    fn one_guard_is_switched_off_alone() {
        for off in Guard::ALL {
            let guards = Guards::ALL.without(*off);
            for guard in Guard::ALL {
                assert_eq!(guards.on(*guard), guard != off);
            }
        }
    }
}
