//! Triggers in memory, and a clock that only remembers what it was told.

use super::lock;
use super::store::MemoryStore;
use crate::{FiringNote, Pause, PortError, Schedules, TriggerRow, Triggers};
use lattice_model::{Tenant, TriggerId, WorkflowId};
use std::collections::BTreeMap;
use std::sync::Mutex;

impl Triggers for MemoryStore {
    async fn put_trigger(&self, row: TriggerRow) -> Result<(), PortError> {
        let mut state = self.lock();
        let (pause, note) = match state.triggers.get(&row.id) {
            Some(stands) => (stands.pause, stands.note.clone()),
            None => (None, FiringNote::default()),
        };
        let row = TriggerRow { pause, note, ..row };
        state.triggers.insert(row.id.clone(), row);
        Ok(())
    }

    async fn pause_trigger(&self, id: &TriggerId, pause: Pause) -> Result<bool, PortError> {
        let mut state = self.lock();
        let row = state.triggers.get_mut(id);
        Ok(row.map(|row| row.pause = Some(pause)).is_some())
    }

    async fn note_firing(&self, id: &TriggerId, note: FiringNote) -> Result<bool, PortError> {
        let mut state = self.lock();
        let row = state.triggers.get_mut(id);
        let row = row.filter(|row| row.note.revision + 1 == note.revision);
        Ok(row.map(|row| row.note = note).is_some())
    }

    async fn open_firings(&self, limit: usize) -> Result<Vec<TriggerRow>, PortError> {
        let state = self.lock();
        let open = state.triggers.values().filter(|row| row.note.is_open());
        Ok(open.take(limit).cloned().collect())
    }

    async fn delete_trigger(&self, id: &TriggerId) -> Result<(), PortError> {
        self.lock().triggers.remove(id);
        Ok(())
    }

    async fn trigger(&self, id: &TriggerId) -> Result<Option<TriggerRow>, PortError> {
        Ok(self.lock().triggers.get(id).cloned())
    }

    async fn triggers(
        &self,
        tenant: Option<&Tenant>,
        workflow: Option<&WorkflowId>,
        after: Option<&TriggerId>,
        limit: usize,
    ) -> Result<Vec<TriggerRow>, PortError> {
        let state = self.lock();
        let asked = |row: &&TriggerRow| {
            tenant.is_none_or(|tenant| row.tenant == *tenant)
                && workflow.is_none_or(|workflow| row.workflow == *workflow)
                && after.is_none_or(|after| row.id > *after)
        };
        let rows = state.triggers.values().filter(asked);
        Ok(rows.take(limit).cloned().collect())
    }
}

/// What is armed, for a test to look at: nothing fires.
#[derive(Debug, Default)]
pub struct MemorySchedules(Mutex<BTreeMap<TriggerId, TriggerRow>>);

impl MemorySchedules {
    /// What is armed.
    pub fn armed(&self) -> Vec<TriggerRow> {
        lock(&self.0).values().cloned().collect()
    }
}

impl Schedules for MemorySchedules {
    async fn arm(&self, row: &TriggerRow) -> Result<(), PortError> {
        lock(&self.0).insert(row.id.clone(), row.clone());
        Ok(())
    }

    async fn disarm(&self, id: &TriggerId) -> Result<(), PortError> {
        lock(&self.0).remove(id);
        Ok(())
    }
}
