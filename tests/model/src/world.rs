//! One state of the explored space: the store, the queue, the workers, and what may still go wrong.
//!
//! Time is abstract: a lease is over or not, a timer fires or not. Workers differ in nothing but what
//! they are doing, so states that differ only in who does it are one.

use crate::log::{Log, View};
use crate::memo::Decided;
use crate::rules::Rule;
use lattice_journal::{Commit, InboxItem};
use lattice_model::{CommitId, Millis, StageId};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The store, the queue, and everybody who uses them.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct World {
    /// The commits.
    pub log: Log,
    /// Messages that nobody holds.
    pub messages: Vec<Message>,
    /// Who carries the run on.
    pub workers: Vec<Worker>,
    /// The inbox, in the order of what may be asked for.
    pub inbox: Vec<Item>,
    /// What every wall clock says.
    pub now: Millis,
    /// What may still go wrong.
    pub left: Faults,
    /// The first rule that was broken; nothing is explored behind it.
    pub broken: Option<Rule>,
}

/// How often something may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Faults {
    /// Workers die, in the middle of whatever they do.
    pub deaths: u8,
    /// A message is delivered once more.
    pub copies: u8,
    /// The answer of a put is lost.
    pub lost_answers: u8,
    /// An effect fails for good.
    pub refusals: u8,
}

/// One attempt of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt {
    /// The stage.
    pub stage: StageId,
    /// The attempt.
    pub attempt: u32,
}

/// A nudge to look at the run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Message {
    /// When it can be received.
    pub delay: Delay,
    /// Claims whose leases are over once it is received.
    pub saw: Vec<Attempt>,
}

/// When a message can be received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Delay {
    /// At once.
    Over,
    /// When the leases that it names are over.
    Lease,
    /// When the clock says so.
    Until(Millis),
}

/// An item that somebody may put into the inbox.
#[derive(Debug, Clone)]
pub enum Item {
    /// Nobody has put it yet.
    Unsaid,
    /// Nobody has read it yet.
    Unread(Arc<InboxItem>),
    /// A tombstone.
    Folded,
}

/// Somebody who carries the run on, and remembers nothing from one message to the next.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Worker {
    /// Names its puts.
    pub name: Name,
    /// What it is doing.
    pub job: Option<Job>,
}

/// A worker and its life. Names make commit ids differ; no two states differ by them alone.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    /// Which worker.
    pub worker: u8,
    /// Which of its lives.
    pub life: u8,
}

/// A message that is being served.
#[derive(Debug, Clone, PartialEq, Hash)]
pub struct Job {
    /// What was received; it comes again if the worker dies.
    pub message: Message,
    /// The run as the worker knows it.
    pub view: View,
    /// Effects that it has claimed, as far as that matters.
    pub claimed: usize,
    /// Effects under way.
    pub flight: Vec<Attempt>,
    /// What happened and does not stand in the log yet.
    pub causes: Vec<Happened>,
    /// Whether there is something to decide although nothing happened.
    pub wakes: bool,
    /// A decision that is being put.
    pub pending: Option<Pending>,
}

/// What happened to an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Happened {
    /// The attempt.
    pub what: Attempt,
    /// How it ended.
    pub how: How,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum How {
    /// With an answer.
    Done,
    /// With a failure that is not tried again.
    Refused,
    /// At its deadline.
    TimedOut,
    /// Nobody will ever say.
    Lost,
}

/// A put whose answer has not come.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The id of this put.
    pub id: CommitId,
    /// What is put.
    pub commit: Arc<Commit>,
    /// What it was made of.
    pub decided: Arc<Decided>,
    /// How many unread items the decision was told of.
    pub told: usize,
    /// Claims in it whose leases were over before its answer came.
    pub late: Vec<Attempt>,
    /// Whether it stands, and the answer was lost.
    pub stood: bool,
}

impl World {
    /// The same state, written in the one way in which it is compared.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.messages.sort();
        self.workers.sort_by_cached_key(|worker| {
            let mut hasher = DefaultHasher::new();
            worker.hash(&mut hasher);
            hasher.finish()
        });
        self
    }

    /// Every effect under way, and whose it is.
    pub fn flights(&self) -> impl Iterator<Item = (&Job, &Attempt)> {
        let jobs = self.workers.iter().filter_map(|worker| worker.job.as_ref());
        jobs.flat_map(|job| job.flight.iter().map(move |attempt| (job, attempt)))
    }

    /// The items that nobody has read.
    pub fn unread(&self) -> impl Iterator<Item = &Arc<InboxItem>> {
        self.inbox.iter().filter_map(|item| match item {
            Item::Unread(item) => Some(item),
            Item::Unsaid | Item::Folded => None,
        })
    }
}

impl Message {
    /// A message that can be received at once.
    pub fn now() -> Self {
        Self {
            delay: Delay::Over,
            saw: Vec::new(),
        }
    }

    /// Whether it can be received.
    pub fn is_there(&self, now: Millis) -> bool {
        match self.delay {
            Delay::Over => true,
            Delay::Lease => false,
            Delay::Until(at) => at <= now,
        }
    }
}

impl Job {
    /// Whether the worker would decide now.
    pub fn decides(&self) -> bool {
        self.pending.is_none() && (self.wakes || !self.causes.is_empty())
    }

    /// Whether the worker does nothing but wait for its effects.
    pub fn flies(&self) -> bool {
        self.pending.is_none() && !self.decides() && !self.flight.is_empty()
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl PartialEq for Name {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// By what makes two puts differ: the bytes, and what became of them.
impl Hash for Pending {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.commit.hash.hash(state);
        (self.told, &self.late, self.stood).hash(state);
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        let same = (self.told, &self.late, self.stood) == (other.told, &other.late, other.stood);
        same && self.commit.hash == other.commit.hash
    }
}

/// By all that differs between two items of one place: when it was put, and for which visit.
impl Hash for Item {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        if let Self::Unread(item) = self {
            item.at.hash(state);
            if let lattice_journal::InboxBody::Signal { wait, .. } = &item.body {
                wait.hash(state);
            }
        }
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Unread(one), Self::Unread(two)) => one == two,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}
