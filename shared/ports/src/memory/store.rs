//! Everything durable, in maps. This file: the log, checkpoints, summaries and start keys.

use super::items::Items;
use super::lock;
use super::rows::Rows;
use super::shelves::Shelves;
use super::slots::Places;
use crate::{Appended, Checkpoint, Keys, LogPage, PortError, Put, RunLog, TriggerRow};
use lattice_journal::{Commit, RunSummary};
use lattice_model::limits::FOLD_ITEMS_MAX;
use lattice_model::{Guard, Guards, RunId, Seq, TriggerId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// Everything durable, in maps. Clones are the same store. A guard that is off is not checked, so
/// that the simulator can show who notices.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    guards: Guards,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    commits: BTreeMap<RunId, BTreeMap<Seq, Commit>>,
    checkpoints: BTreeMap<RunId, Checkpoint>,
    summaries: BTreeMap<RunId, RunSummary>,
    keys: BTreeMap<String, RunId>,
    pub(super) rows: Rows,
    pub(super) items: Items,
    pub(super) shelves: Shelves,
    pub(super) places: Places,
    pub(super) triggers: BTreeMap<TriggerId, TriggerRow>,
}

impl MemoryStore {
    /// An empty store that keeps every rule.
    pub fn new() -> Self {
        Self::with_guards(Guards::ALL)
    }

    /// An empty store that keeps the rules whose guards are on.
    pub fn with_guards(guards: Guards) -> Self {
        Self {
            guards,
            state: Arc::default(),
        }
    }

    /// The guards it was made with.
    pub fn guards(&self) -> Guards {
        self.guards
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// Everything that may refuse the put comes before the first change.
    fn append(&mut self, put: Put, guards: Guards) -> Result<Appended, PortError> {
        let (run, first) = (put.commit.run.clone(), put.commit.first);
        let winner = self
            .commits
            .get(&run)
            .and_then(|commits| commits.get(&first));
        if let Some(winner) = winner.filter(|_| guards.on(Guard::ConditionalPut)) {
            return Ok(Appended::Taken(winner.clone()));
        }
        let owner = put.start_key.as_ref().and_then(|key| self.keys.get(key));
        if let Some(owner) = owner.filter(|_| guards.on(Guard::StartKey)) {
            return Ok(Appended::KeyTaken(owner.clone()));
        }
        if put.folds.len() > FOLD_ITEMS_MAX {
            return Err(corrupt(format!(
                "a put folds {} inbox items, over the limit of {FOLD_ITEMS_MAX}",
                put.folds.len()
            )));
        }
        if guards.on(Guard::Tombstones) {
            self.items.fold(&run, &put.folds).map_err(corrupt)?;
        }
        for item in put.notices {
            self.items.put(item, guards);
        }
        self.commits
            .entry(run.clone())
            .or_default()
            .insert(first, Arc::unwrap_or_clone(put.commit));
        if let Some(key) = put.start_key {
            self.keys.insert(key, run.clone());
        }
        if let Some(head) = put.head {
            self.rows.put(head, guards);
        }
        if let Some(summary) = put.summary {
            self.summaries.insert(run, summary);
        }
        Ok(Appended::Written)
    }
}

/// Opened from the bytes as every adapter does, so that the simulator decodes events too.
fn opened(stored: Vec<Commit>) -> Result<Vec<Commit>, PortError> {
    let open = |c: Commit| Commit::open(c.run, c.first, c.id, c.prev, c.hash, &c.body);
    Ok(stored.into_iter().map(open).collect::<Result<_, _>>()?)
}

fn corrupt(reason: String) -> PortError {
    PortError::Corrupt {
        port: "memory store",
        reason,
    }
}

impl RunLog for MemoryStore {
    async fn append(&self, put: Put) -> Result<Appended, PortError> {
        self.lock().append(put, self.guards)
    }

    async fn load(&self, run: &RunId, from: Seq) -> Result<Vec<Commit>, PortError> {
        let stored: Vec<Commit> = match self.lock().commits.get(run) {
            Some(commits) => commits
                .range(from..)
                .map(|(_, commit)| commit.clone())
                .collect(),
            None => Vec::new(),
        };
        opened(stored)
    }

    async fn page(&self, run: &RunId, after: Seq, events: usize) -> Result<Vec<Commit>, PortError> {
        let mut page = LogPage::new(after, events);
        if let Some(commits) = self.lock().commits.get(run) {
            // The commit that holds the event behind `after` is the last that begins so early.
            let wanted = Seq::from_stored(after.get().saturating_add(1));
            let from = commits.range(..=wanted).next_back();
            let from = from.map_or(Seq::ZERO, |(first, _)| *first);
            let mut stored = commits.range(from..).map(|(_, commit)| commit.clone());
            while page.is_open()
                && let Some(commit) = stored.next()
            {
                page.push(commit);
            }
        }
        opened(page.into_commits())
    }

    async fn put_checkpoint(&self, checkpoint: Checkpoint) -> Result<bool, PortError> {
        let mut state = self.lock();
        let stored = state.checkpoints.get(&checkpoint.run);
        let forward = stored.is_none_or(|stored| checkpoint.seq > stored.seq);
        if !forward && self.guards.on(Guard::ForwardOnly) {
            return Ok(false);
        }
        state.checkpoints.insert(checkpoint.run.clone(), checkpoint);
        Ok(true)
    }

    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, PortError> {
        Ok(self.lock().checkpoints.get(run).cloned())
    }

    async fn summary(&self, run: &RunId) -> Result<Option<RunSummary>, PortError> {
        Ok(self.lock().summaries.get(run).cloned())
    }
}

impl Keys for MemoryStore {
    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, PortError> {
        Ok(self.lock().keys.get(key).cloned())
    }
}
