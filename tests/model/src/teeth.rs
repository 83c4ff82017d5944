//! Whether the model notices: each guard off in its turn, in the smallest space in which that shows.

use crate::configurations::{Configuration, find};
use crate::explore::{explore, goes_round};
use crate::model::Bounds;
use crate::world::Faults;
use lattice_model::{Guard, Guards};
use std::fmt;

/// Guards of what the model leaves out, and what that is.
pub const OUTSIDE: &[(Guard, &str)] = &[
    (Guard::BranchScope, "no branch writes a variable"),
    (Guard::StartKey, "the run has begun"),
    (Guard::ForwardOnly, "there are no rows and no checkpoints"),
    (
        Guard::SweepResends,
        "there is no sweep, and no message is lost",
    ),
    (Guard::CheckpointHash, "there are no checkpoints"),
    (Guard::BudgetReserved, "no run has a budget"),
    (Guard::SlotBeforeStart, "no workflow limits its open runs"),
    (Guard::SlotFreed, "no workflow limits its open runs"),
    (Guard::Lifetime, "no run reaches its lifetime"),
    (Guard::VisitIsStage, "nothing is drawn in a loop"),
    (Guard::VisitCeiling, "nothing is drawn in a loop"),
    (Guard::ItemIsStage, "there is no map"),
    (Guard::ChildEndWithCommit, "no run calls another one"),
    (Guard::ChildStartedAgain, "no run calls another one"),
    (Guard::CancelReachesChildren, "no run calls another one"),
];

/// What came of one guard.
#[derive(Debug)]
pub struct Bite {
    /// The guard.
    pub guard: Guard,
    /// Where it was looked for.
    pub space: &'static str,
    /// What was seen without it. `None` = nothing.
    pub seen: Option<String>,
}

/// Switches off every guard of what the model holds.
pub fn all() -> Result<Vec<Bite>, String> {
    let inside = |guard: &&Guard| OUTSIDE.iter().all(|(outside, _)| outside != *guard);
    Guard::ALL
        .iter()
        .filter(inside)
        .map(|it| bite(*it))
        .collect()
}

/// Switches one guard off.
pub fn bite(guard: Guard) -> Result<Bite, String> {
    let space = space(guard)?;
    let guards = Guards::ALL.without(guard);
    // A worker that remembers nothing and is told nothing waits for ever: no state of that is wrong.
    let seen = match guard {
        Guard::LeaseNote => {
            let round = goes_round(&space.model(guards)?);
            round.then(|| "the run goes round for ever".to_owned())
        }
        _ => explore(&space, guards)?.broken.map(|broken| {
            let steps = broken.way.len();
            format!("after {steps} steps: {}", broken.rule)
        }),
    };
    let space = space.name;
    Ok(Bite { guard, space, seen })
}

fn space(guard: Guard) -> Result<Configuration, String> {
    let name = match guard {
        Guard::DenseLoad => "two calls, answers lost",
        Guard::HandOnBeforeDelete => "two calls, a message for each, cancelled",
        Guard::JoinWaits | Guard::MergeInOrder => "all of two branches",
        Guard::LosersEnd | Guard::CancelFence => "any of two branches, and on",
        Guard::EarlySignalBuffer => "a question without a timer, answered and cancelled",
        Guard::InboxDedupe | Guard::Tombstones => "a question, answered early, in time or late",
        Guard::AnswerNamesWait => "a question, answered for an older visit",
        Guard::AttemptCeiling => "one call, three workers, two deaths",
        _ => "one call, everything goes wrong, cancelled",
    };
    let found = find(name)?;
    let bounds = match guard {
        // Without a cancel that would end it.
        Guard::EarlySignalBuffer => Bounds {
            asks: &[crate::model::Ask::Answer],
            ..found.bounds
        },
        // A cancel would wake somebody and end it.
        Guard::ReturnOnLiveClaim | Guard::HandOnBeforeDelete | Guard::LeaseNote => Bounds {
            faults: Faults {
                deaths: 1,
                ..Faults::default()
            },
            asks: &[],
            ..found.bounds
        },
        _ => found.bounds,
    };
    Ok(Configuration { bounds, ..*found })
}

/// One line.
impl fmt::Display for Bite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (guard, space) = (format!("{:?}", self.guard), self.space);
        match &self.seen {
            Some(seen) => write!(f, "{guard:<20} caught {seen}"),
            None => write!(f, "{guard:<20} NOT CAUGHT in `{space}`"),
        }
    }
}
