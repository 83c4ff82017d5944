//! The log of the run as the store keeps it: the rule of the put, and what each commit leads to.

use crate::rules::{Rule, look_at};
use lattice_engine::{RunState, fold};
use lattice_ir::Plan;
use lattice_journal::{Commit, Event, Tail};
use lattice_model::{Guard, Guards, Hash, RunId, Seq};
use std::hash::Hasher;
use std::sync::Arc;

/// A commit that stands, and the run behind it.
#[derive(Debug)]
pub struct Entry {
    /// The commit.
    pub commit: Commit,
    /// The end of the log behind it.
    pub tail: Tail,
    /// The fold up to there.
    pub state: Arc<RunState>,
}

/// Every commit that was ever acknowledged, in the order in which that happened.
#[derive(Debug, Clone)]
pub struct Log {
    entries: Arc<Vec<Arc<Entry>>>,
    /// Names the whole content, but not who wrote it.
    digest: Hash,
}

/// What became of a put.
pub enum Answer {
    /// It stands; the rule that the log breaks now, if it breaks one.
    Written(Log, Option<Rule>),
    /// Another commit stands there.
    Taken(Arc<Entry>),
}

/// A run as a worker believes it to be.
#[derive(Debug, Clone)]
pub struct View {
    /// The end of the log, as far as it is known.
    pub tail: Tail,
    /// The run at that end.
    pub state: Arc<RunState>,
}

impl Log {
    /// A log without a commit.
    pub fn empty() -> Self {
        Self {
            entries: Arc::default(),
            digest: Hash::ZERO,
        }
    }

    /// The commits.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The run at the end of the log.
    pub fn head(&self) -> Option<&Arc<Entry>> {
        self.entries.last()
    }

    /// Every event, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        let commits = self.entries.iter().map(|entry| &entry.commit);
        commits.flat_map(|commit| &commit.events)
    }

    /// The commit at a seq, as a reader finds it.
    pub fn at(&self, first: Seq) -> Option<&Arc<Entry>> {
        let mut found = self.entries.iter().rev();
        found.find(|entry| entry.commit.first == first)
    }

    /// Writes a commit where none stands (protocol, rule 1).
    pub fn put(&self, plan: &Plan, commit: &Commit, guards: Guards) -> Answer {
        match self.at(commit.first) {
            Some(winner) if guards.on(Guard::ConditionalPut) => Answer::Taken(Arc::clone(winner)),
            _ => {
                let (log, broken) = self.push(plan, commit.clone());
                Answer::Written(log, broken)
            }
        }
    }

    fn push(&self, plan: &Plan, commit: Commit) -> (Self, Option<Rule>) {
        let last = self.head();
        let tail = last.map_or_else(|| Tail::empty(commit.run.clone()), |it| it.tail.clone());
        let state = last.map_or_else(RunState::empty, |it| RunState::clone(&it.state));
        let followed = tail.follow(&commit);
        let chained = followed.is_ok();
        let parts = [self.digest.as_bytes().as_slice(), commit.hash.as_bytes()];
        let digest = Hash::of_parts(&parts);
        let entry = Entry {
            tail: followed.unwrap_or_else(|_| tail.follow_unchecked(&commit)),
            state: Arc::new(fold(state, &commit.events)),
            commit,
        };
        let mut entries = Vec::clone(&self.entries);
        entries.push(Arc::new(entry));
        let entries = Arc::new(entries);
        let log = Self { entries, digest };
        let broken = match chained {
            true => look_at(plan, &log),
            false => Some(Rule::OneCommitAtASeq),
        };
        (log, broken)
    }

    /// The run as a strong read of everything finds it.
    pub fn load(&self) -> Option<View> {
        self.head().map(|entry| View::of(entry))
    }

    /// The run as a read finds it that misses the commit at this place. `None` if the loader
    /// notices (protocol, rule 2).
    pub fn load_without(&self, run: &RunId, missing: usize, guards: Guards) -> Option<View> {
        let mut view = View {
            tail: Tail::empty(run.clone()),
            state: Arc::new(RunState::empty()),
        };
        for (place, entry) in self.entries.iter().enumerate() {
            if place == missing {
                continue;
            }
            view.tail = match guards.on(Guard::DenseLoad) {
                true => view.tail.follow(&entry.commit).ok()?,
                false => view.tail.follow_unchecked(&entry.commit),
            };
            let state = RunState::clone(&view.state);
            view.state = Arc::new(fold(state, &entry.commit.events));
        }
        Some(view)
    }
}

impl View {
    /// The run at a commit that stands.
    pub fn of(entry: &Entry) -> Self {
        Self {
            tail: entry.tail.clone(),
            state: Arc::clone(&entry.state),
        }
    }

    /// Whether this is what the log says of the run at that seq.
    pub fn is_right(&self, log: &Log) -> bool {
        let mut entries = log.entries.iter();
        let found = entries.find(|entry| entry.tail.last() == self.tail.last());
        found.is_some_and(|entry| {
            entry.tail == self.tail
                && (Arc::ptr_eq(&entry.state, &self.state) || entry.state == self.state)
        })
    }
}

/// By content: the digest covers every byte of every commit.
impl std::hash::Hash for Log {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

/// By its tail: what else is believed at that tail breaks a rule, and nothing is explored from there.
impl std::hash::Hash for View {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tail.hash().hash(state);
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.tail == other.tail
    }
}
