//! Follows runs of this process by what its workers tell: each acknowledged commit, folded in order.

use lattice_driver::{DriverError, Observer, Started};
use lattice_engine::{Phase, RunState, fold};
use lattice_journal::{Commit, Event, RunStatus};
use lattice_model::limits::ANSWER_WAIT_MS;
use lattice_model::{Millis, RunId, Seq, StageId};
use lattice_ports::PortError;
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::mpsc::UnboundedSender;

/// What the workers tell.
#[derive(Debug)]
pub enum Seen {
    /// A start was stored, or could not be.
    Started(Result<Started, DriverError>),
    /// A commit was acknowledged.
    Committed(Commit),
    /// All that can be done for a run here and now is done.
    Served(RunId),
    /// A run could not be carried on; it is tried again.
    Trouble(RunId, DriverError),
    /// A task of this process broke.
    Broken(String),
}

/// Tells of commits.
#[derive(Debug, Clone)]
pub struct Teller(pub UnboundedSender<Seen>);

impl Observer for Teller {
    fn committed(&self, commit: &Commit) {
        self.tell(Seen::Committed(commit.clone()));
    }
}

impl Teller {
    /// Tells, if anybody still listens.
    pub fn tell(&self, seen: Seen) {
        let _ = self.0.send(seen);
    }
}

/// How bad an error of a worker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Trying again may help.
    Passing,
    /// This run cannot go on.
    OfTheRun,
    /// Nothing can go on.
    OfTheStore,
}

/// How bad the error is.
pub fn weigh(error: &DriverError) -> Weight {
    match error {
        DriverError::Port(
            PortError::Full { .. } | PortError::ReadOnly { .. } | PortError::Broken { .. },
        ) => Weight::OfTheStore,
        DriverError::Port(PortError::Unavailable { .. }) | DriverError::Contended { .. } => {
            Weight::Passing
        }
        _ => Weight::OfTheRun,
    }
}

/// One run that is followed.
#[derive(Debug)]
pub struct Watched {
    /// The fold of what was told.
    pub state: RunState,
    /// Commits that were told before the one they follow.
    ahead: BTreeMap<Seq, Commit>,
    /// Whether a worker has looked at the run since this process began.
    pub served: bool,
    /// Questions whose answer is on its way.
    pub answered: BTreeSet<StageId>,
    /// Errors in a row.
    pub errors: u32,
}

impl Watched {
    /// A run at a state.
    pub fn at(state: RunState) -> Self {
        Self {
            state,
            ahead: BTreeMap::new(),
            served: false,
            answered: BTreeSet::new(),
            errors: 0,
        }
    }

    /// Takes a commit, and gives the events that follow what was told before.
    pub fn take(&mut self, commit: Commit) -> Vec<Event> {
        if commit.first > self.state.seq {
            self.ahead.insert(commit.first, commit);
        }
        let mut events = Vec::new();
        while let Some(commit) = self.ahead.remove(&self.state.seq.next()) {
            self.state = fold(
                std::mem::replace(&mut self.state, RunState::empty()),
                &commit.events,
            );
            events.extend(commit.events);
        }
        self.errors = 0;
        events
    }

    /// Whether nothing more can be done for the run at this moment: it is over, stands in line for a
    /// place, or waits for people whose time is not over soon.
    pub fn is_settled(&self, now: Millis) -> bool {
        let rests = self.is_in_line() || self.waits_for_people(now);
        self.state.status.is_terminal() || (self.served && rests)
    }

    /// Whether it stands in line for a place.
    pub fn is_in_line(&self) -> bool {
        self.state.waits_for_place().is_some()
    }

    /// Whether it is over and had a place.
    pub fn had_place(&self) -> bool {
        self.state.status.is_terminal() && self.state.limit.is_some()
    }

    fn waits_for_people(&self, now: Millis) -> bool {
        let soon = now.plus(ANSWER_WAIT_MS);
        let by_a_person = |(id, stage): (&StageId, &lattice_engine::Stage)| match &stage.phase {
            Phase::Waiting {
                question: Some(_),
                due_at,
                ..
            } => !self.answered.contains(id) && due_at.is_none_or(|due| due > soon),
            // It goes on with the last of its branches.
            Phase::Joining { .. } => true,
            // It goes on with an item, or when the pause between two batches is over.
            Phase::Mapping(map) => self.state.pause_ends_at(map).is_none_or(|due| due > soon),
            // So it does with the run that it calls, which is followed too.
            Phase::Calling(child) => child.due_at.is_none_or(|due| due > soon),
            _ => false,
        };
        let mut branches = self.state.open_branches();
        self.state.status == RunStatus::Waiting
            && self.state.stages.iter().all(by_a_person)
            && branches.all(|(_, branch)| branch.due_at.is_none_or(|due| due > soon))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use lattice_journal::payload::{
        BranchStarted, RunCancelled, RunStarted, RunWaiting, StageRef, WaitOpened,
    };
    use lattice_journal::{Choice, EventBody, Question, Tail, Totals};
    use lattice_model::{BranchId, CommitId, NodeId, OpId};

    fn commits(bodies: Vec<Vec<EventBody>>) -> Vec<Commit> {
        let mut tail = Tail::empty(RunId::from_parts(Millis::new(1), [0; 10]));
        let mut seal = |bodies| {
            let commit = Commit::seal(&tail, CommitId::new("c"), Millis::new(2), bodies).unwrap();
            tail = tail.follow(&commit).unwrap();
            commit
        };
        bodies.into_iter().map(&mut seal).collect()
    }

    fn asks() -> EventBody {
        let question = Question {
            text: "?".to_owned(),
            options: vec![],
            choice: Choice::Text,
        };
        EventBody::from(WaitOpened {
            stage: StageId::new("ask"),
            op: OpId(0),
            node: NodeId::new("ask"),
            question: Some(question),
        })
    }

    #[test]
    fn commits_are_folded_in_order_however_they_come() {
        let told = commits(vec![
            vec![RunStarted {}.into()],
            vec![asks(), RunWaiting {}.into()],
            vec![
                RunCancelled {
                    totals: Totals::default(),
                }
                .into(),
            ],
        ]);
        let mut watched = Watched::at(RunState::empty());
        assert_eq!(watched.take(told[2].clone()).len(), 0);
        assert_eq!(watched.take(told[0].clone()).len(), 1);
        assert_eq!(watched.take(told[1].clone()).len(), 3);
        assert_eq!(watched.take(told[1].clone()).len(), 0);
        assert_eq!(watched.state.status, RunStatus::Cancelled);
        assert!(watched.is_settled(Millis::new(3)));
    }

    #[test]
    fn a_question_in_a_branch_settles_a_run_unless_the_time_of_the_branch_is_soon_up() {
        let visit = |stage: &str, op| StageRef {
            stage: StageId::new(stage),
            op: OpId(op),
            visit: None,
        };
        let settles = |due_at: Option<u64>| {
            let branch = BranchStarted {
                branch: BranchId::of(&StageId::new("p"), 0),
                split: StageId::new("p"),
                index: 0,
                outer: None,
                entry: visit("ask", 0),
                join: visit("p.join", 1),
                due_at: due_at.map(Millis::new),
                item: false,
            };
            let told = commits(vec![vec![
                RunStarted {}.into(),
                branch.into(),
                asks(),
                RunWaiting {}.into(),
            ]]);
            let mut watched = Watched::at(RunState::empty());
            watched.take(told[0].clone());
            watched.served = true;
            watched.is_settled(Millis::new(3))
        };
        assert!(settles(None));
        assert!(settles(Some(u64::MAX)));
        assert!(!settles(Some(4)));
    }

    #[test]
    fn a_question_settles_a_run_once_a_worker_has_looked_and_no_answer_is_on_its_way() {
        let told = commits(vec![vec![
            RunStarted {}.into(),
            asks(),
            RunWaiting {}.into(),
        ]]);
        let mut watched = Watched::at(RunState::empty());
        watched.take(told[0].clone());
        assert!(!watched.is_settled(Millis::new(3)));
        watched.served = true;
        assert!(watched.is_settled(Millis::new(3)));
        watched.answered.insert(StageId::new("ask"));
        assert!(!watched.is_settled(Millis::new(3)));
    }
}
