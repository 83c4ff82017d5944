//! What a simulation came to.

use crate::fate::{Fate, Kind};
use crate::oracle::Outcome;
use lattice_journal::RunStatus;
use lattice_model::Hash;
use std::fmt;

/// What sort of promise was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BreachKind {
    /// Something that was written is not there any more.
    Lost,
    /// Something counts or happens twice.
    Duplicated,
    /// The log has a hole.
    Gap,
    /// The run neither ended nor waits for something that can come.
    Stuck,
    /// Anything else, such as another output than the oracle's.
    Wrong,
}

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// What sort.
    pub kind: BreachKind,
    /// What was seen, and when.
    pub text: String,
}

impl Breach {
    /// A broken promise of this sort.
    pub fn of(kind: BreachKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }
}

impl From<String> for Breach {
    fn from(text: String) -> Self {
        Self::of(BreachKind::Wrong, text)
    }
}

impl From<&str> for Breach {
    fn from(text: &str) -> Self {
        Self::of(BreachKind::Wrong, text)
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.text)
    }
}

/// What a simulation came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// Everything that must not be and was.
    pub breaches: Vec<Breach>,
    /// Which calls were let go, in order.
    pub calls: Vec<Kind>,
    /// Events of the run that was started.
    pub events: u64,
    /// The faults that befell them: the number of the call from 1, the call, and its fate.
    pub faults: Vec<(u64, Kind, Fate)>,
    /// How the run stood in the end; `None` = it never began.
    pub status: Option<RunStatus>,
    /// What the run came to; `None` if it never began, or if that cannot be read.
    pub outcome: Option<Outcome>,
    /// When the last thing happened, in virtual milliseconds.
    pub ended_ms: u64,
    /// How many attempts of effects were sent.
    pub effects: usize,
    /// How many of them under a key that their receiver knew already.
    pub repeated: u32,
    /// All calls, one a line: number, process, call, fate, virtual milliseconds.
    pub lines: String,
    /// A hash of these.
    pub trace: Hash,
    /// A hash of all commits.
    pub log: Hash,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.breaches.is_empty()
    }

    /// Whether a promise of this sort was broken.
    pub fn has(&self, kind: BreachKind) -> bool {
        self.breaches.iter().any(|breach| breach.kind == kind)
    }
}
