//! What the engine said before. Many states ask it the same question, so it is asked once; the answer
//! is shared, which also keeps the states small.

use crate::log::Entry;
use crate::rules::Rule;
use lattice_engine::{BlobCache, Decision, Input, RunState, decide};
use lattice_ir::Plan;
use lattice_journal::{Commit, Tail};
use lattice_model::{CommitId, Hash};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A decision, and the commit that it becomes; who puts it gives the commit its id.
#[derive(Debug)]
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// Its events, sealed. `None` if there are none.
    pub commit: Option<Arc<Commit>>,
}

/// A commit behind a log, and the first rule that the log breaks with it.
type Written = (Arc<Entry>, Option<Rule>);

/// By the tail and the question; `None` = there is no decision.
type Decisions = HashMap<(Hash, u64), Option<Arc<Decided>>>;

/// The answers so far.
#[derive(Default)]
pub struct Memo {
    decided: Mutex<Decisions>,
    written: Mutex<HashMap<(Hash, Hash), Written>>,
}

impl Memo {
    /// What the engine decides of a run at this tail; `question` stands for all the rest of the
    /// input. `None` if it has no decision, or one that no commit holds.
    pub fn decide(
        &self,
        plan: &Plan,
        (tail, state): (&Tail, &RunState),
        question: u64,
        input: impl FnOnce() -> Input,
    ) -> Option<Arc<Decided>> {
        let key = (tail.hash(), question);
        if let Some(known) = lock(&self.decided).get(&key) {
            return known.clone();
        }
        let answer = ask(plan, tail, state, &input());
        lock(&self.decided).insert(key, answer.clone());
        answer
    }

    /// What stands behind a log of this digest with this commit.
    pub fn write(&self, log: Hash, commit: &Commit, write: impl FnOnce() -> Written) -> Written {
        let key = (log, commit.hash);
        if let Some(known) = lock(&self.written).get(&key) {
            return known.clone();
        }
        let written = write();
        lock(&self.written).insert(key, written.clone());
        written
    }
}

fn ask(plan: &Plan, tail: &Tail, state: &RunState, input: &Input) -> Option<Arc<Decided>> {
    let decision = decide(plan, state, input, &BlobCache::new()).ok()?;
    let commit = match decision.events.is_empty() {
        true => None,
        false => Some(seal(tail, input, &decision)?),
    };
    Some(Arc::new(Decided { decision, commit }))
}

fn seal(tail: &Tail, input: &Input, decision: &Decision) -> Option<Arc<Commit>> {
    let (id, events) = (CommitId::new(""), decision.events.clone());
    Commit::seal(tail, id, input.at, events).ok().map(Arc::new)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
