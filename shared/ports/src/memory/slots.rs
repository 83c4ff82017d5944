//! Places and lines in memory.

use super::store::MemoryStore;
use crate::{Asker, PortError, Slot, SlotKey, Slots};
use lattice_model::RunId;
use std::collections::{BTreeMap, BTreeSet};

/// The places and the line of each key.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<SlotKey, Place>);

#[derive(Debug, Default)]
struct Place {
    holders: BTreeSet<RunId>,
    line: BTreeSet<Asker>,
}

impl Place {
    fn free(&self, max: u32) -> usize {
        (max as usize).saturating_sub(self.holders.len())
    }
}

impl Slots for MemoryStore {
    async fn acquire(&self, key: &SlotKey, asker: &Asker, max: u32) -> Result<Slot, PortError> {
        let mut state = self.lock();
        let place = state.places.0.entry(key.clone()).or_default();
        if place.holders.contains(&asker.run) {
            return Ok(Slot::Held);
        }
        place.line.insert(asker.clone());
        let ahead = place.line.iter().take_while(|it| *it != asker).count();
        if ahead >= place.free(max) {
            return Ok(Slot::Waits);
        }
        place.line.remove(asker);
        place.holders.insert(asker.run.clone());
        Ok(Slot::Held)
    }

    async fn release(
        &self,
        key: &SlotKey,
        asker: &Asker,
        max: u32,
    ) -> Result<Vec<RunId>, PortError> {
        let mut state = self.lock();
        let Some(place) = state.places.0.get_mut(key) else {
            return Ok(Vec::new());
        };
        place.holders.remove(&asker.run);
        place.line.remove(asker);
        let next = place.line.iter().take(place.free(max));
        let next = next.map(|asker| asker.run.clone()).collect();
        if place.holders.is_empty() && place.line.is_empty() {
            state.places.0.remove(key);
        }
        Ok(next)
    }

    async fn holders(&self, key: &SlotKey) -> Result<Vec<RunId>, PortError> {
        let state = self.lock();
        let place = state.places.0.get(key);
        Ok(place.map_or_else(Vec::new, |it| it.holders.iter().cloned().collect()))
    }

    async fn line(&self, key: &SlotKey, limit: usize) -> Result<Vec<Asker>, PortError> {
        let state = self.lock();
        let place = state.places.0.get(key);
        Ok(place.map_or_else(Vec::new, |it| it.line.iter().take(limit).cloned().collect()))
    }
}
