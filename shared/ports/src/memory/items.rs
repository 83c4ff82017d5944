//! The inbox in memory.

use super::store::MemoryStore;
use crate::{Inbox, InboxPut, PortError};
use lattice_journal::InboxItem;
use lattice_model::{Guard, Guards, Hash, InboxId, RunId};
use std::collections::BTreeMap;

/// The items of all runs, in the order they were put; none is ever removed.
#[derive(Debug, Default)]
pub(super) struct Items {
    by_run: BTreeMap<RunId, Vec<Stored>>,
    puts: u64,
}

#[derive(Debug)]
struct Stored {
    place: u64,
    item: InboxItem,
    read: bool,
}

impl Items {
    /// Puts an item; says whether it was new.
    pub(super) fn put(&mut self, item: InboxItem, guards: Guards) -> bool {
        self.puts += 1;
        let place = self.puts;
        let stored = self.by_run.entry(item.run.clone()).or_default();
        let known = stored.iter().any(|stored| stored.item.id == item.id);
        if known && guards.on(Guard::InboxDedupe) {
            return false;
        }
        let read = false;
        stored.push(Stored { place, item, read });
        true
    }

    /// Turns the items into tombstones, or none of them and says why. A commit that folds an item
    /// twice, or one that nobody put, can only come from a bug: commits of a run are serial.
    pub(super) fn fold(&mut self, run: &RunId, ids: &[InboxId]) -> Result<(), String> {
        if ids.is_empty() {
            return Ok(());
        }
        let items = self.by_run.entry(run.clone()).or_default();
        let mut places = Vec::with_capacity(ids.len());
        for id in ids {
            let mut numbered = items.iter().enumerate();
            let found = numbered.find(|(place, stored)| {
                stored.item.id == *id && !stored.read && !places.contains(place)
            });
            let Some((place, _)) = found else {
                return Err(format!(
                    "inbox item `{id}` of `{run}` is not there to be folded"
                ));
            };
            places.push(place);
        }
        for place in places {
            if let Some(stored) = items.get_mut(place) {
                stored.read = true;
            }
        }
        Ok(())
    }
}

impl Inbox for MemoryStore {
    async fn put_item(&self, item: InboxItem) -> Result<InboxPut, PortError> {
        Ok(match self.lock().items.put(item, self.guards()) {
            true => InboxPut::Stored,
            false => InboxPut::Known,
        })
    }

    async fn fingerprint(&self, run: &RunId, id: &InboxId) -> Result<Option<Hash>, PortError> {
        let state = self.lock();
        let mut items = state.items.by_run.get(run).into_iter().flatten();
        let known = items.find(|stored| stored.item.id == *id);
        let known = known.filter(|_| self.guards().on(Guard::InboxDedupe));
        Ok(known.map(|stored| stored.item.body.fingerprint()))
    }

    async fn unread(&self, run: &RunId, limit: usize) -> Result<Vec<InboxItem>, PortError> {
        let state = self.lock();
        let items = state.items.by_run.get(run).into_iter().flatten();
        let unread = items.filter(|stored| !stored.read).take(limit);
        Ok(unread.map(|stored| stored.item.clone()).collect())
    }

    async fn bury(&self, run: &RunId, ids: &[InboxId]) -> Result<(), PortError> {
        let mut state = self.lock();
        let items = state.items.by_run.get_mut(run).into_iter().flatten();
        for stored in items.filter(|stored| ids.contains(&stored.item.id)) {
            stored.read |= self.guards().on(Guard::Tombstones);
        }
        Ok(())
    }

    async fn runs_with_unread(&self, limit: usize) -> Result<Vec<RunId>, PortError> {
        let state = self.lock();
        let mut runs: Vec<(u64, &RunId)> = Vec::new();
        for (run, items) in &state.items.by_run {
            runs.extend(
                items
                    .iter()
                    .find(|stored| !stored.read)
                    .map(|first| (first.place, run)),
            );
        }
        runs.sort();
        Ok(runs
            .into_iter()
            .take(limit)
            .map(|(_, run)| run.clone())
            .collect())
    }
}
