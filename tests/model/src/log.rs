//! The log of the run as the store keeps it: the rule of the put, and what each commit leads to.

use crate::memo::Memo;
use crate::rules::{Rule, look_at};
use lattice_engine::{RunState, fold};
use lattice_ir::Plan;
use lattice_journal::{Commit, Event, Tail};
use lattice_model::{CommitId, Guard, Guards, Hash, RunId, Seq};
use std::hash::Hasher;
use std::sync::Arc;

/// A commit that stands, and the run behind it, whoever wrote it.
#[derive(Debug)]
pub struct Entry {
    /// The commit.
    pub commit: Arc<Commit>,
    /// The end of the log behind it.
    pub tail: Tail,
    /// The fold up to there.
    pub state: Arc<RunState>,
}

/// Every commit that was ever acknowledged, in the order in which that happened.
#[derive(Debug, Clone)]
pub struct Log {
    entries: Arc<Vec<Stored>>,
    /// Names the whole content, but not who wrote it.
    digest: Hash,
}

/// A commit under the id of its put.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The id of the put.
    pub id: CommitId,
    /// The commit.
    pub entry: Arc<Entry>,
}

/// What became of a put.
pub enum Answer {
    /// It stands; the rule that the log breaks now, if it breaks one.
    Written(Log, Option<Rule>),
    /// Another commit stands there.
    Taken(Stored),
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
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Arc<Entry>> {
        self.entries.iter().map(|stored| &stored.entry)
    }

    /// The run at the end of the log.
    pub fn head(&self) -> Option<&Arc<Entry>> {
        self.entries.last().map(|stored| &stored.entry)
    }

    /// Every event, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.entries().flat_map(|entry| &entry.commit.events)
    }

    /// The commit at a seq, as a reader finds it.
    pub fn at(&self, first: Seq) -> Option<&Stored> {
        let mut found = self.entries.iter().rev();
        found.find(|stored| stored.entry.commit.first == first)
    }

    /// Writes a commit where none stands (protocol, rule 1).
    pub fn put(
        &self,
        (plan, memo): (&Plan, &Memo),
        (id, commit): (&CommitId, &Arc<Commit>),
        guards: Guards,
    ) -> Answer {
        match self.at(commit.first) {
            Some(winner) if guards.on(Guard::ConditionalPut) => Answer::Taken(winner.clone()),
            _ => {
                let write = || self.entry(plan, commit);
                let (entry, broken) = memo.write(self.digest, commit, write);
                Answer::Written(self.with(id.clone(), entry), broken)
            }
        }
    }

    fn with(&self, id: CommitId, entry: Arc<Entry>) -> Self {
        let parts = [
            self.digest.as_bytes().as_slice(),
            entry.commit.hash.as_bytes(),
        ];
        let digest = Hash::of_parts(&parts);
        let mut entries = Vec::clone(&self.entries);
        entries.push(Stored { id, entry });
        let entries = Arc::new(entries);
        Self { entries, digest }
    }

    fn entry(&self, plan: &Plan, commit: &Arc<Commit>) -> (Arc<Entry>, Option<Rule>) {
        let last = self.head();
        let tail = last.map_or_else(|| Tail::empty(commit.run.clone()), |it| it.tail.clone());
        let state = last.map_or_else(RunState::empty, |it| RunState::clone(&it.state));
        let followed = tail.follow(commit);
        let chained = followed.is_ok();
        let entry = Arc::new(Entry {
            tail: followed.unwrap_or_else(|_| tail.follow_unchecked(commit)),
            state: Arc::new(fold(state, &commit.events)),
            commit: Arc::clone(commit),
        });
        let broken = match chained {
            true => look_at(plan, &self.with(CommitId::new(""), Arc::clone(&entry))),
            false => Some(Rule::OneCommitAtASeq),
        };
        (entry, broken)
    }

    /// The run as a strong read of everything finds it.
    pub fn load(&self) -> Option<View> {
        self.head().map(|entry| View {
            tail: entry.tail.clone(),
            state: Arc::clone(&entry.state),
        })
    }

    /// The run as a read finds it that misses the commit at this place. `None` if the loader
    /// notices (protocol, rule 2).
    pub fn load_without(&self, run: &RunId, missing: usize, guards: Guards) -> Option<View> {
        let mut view = View {
            tail: Tail::empty(run.clone()),
            state: Arc::new(RunState::empty()),
        };
        for (place, entry) in self.entries().enumerate() {
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
    /// Whether this is what the log says of the run at that seq.
    pub fn is_right(&self, log: &Log) -> bool {
        let mut entries = log.entries();
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
