//! The rows of runs in memory.

use super::store::MemoryStore;
use crate::{PortError, RunFilter, RunIndex};
use lattice_journal::Head;
use lattice_model::{Guard, Guards, Millis, RunId, Seq};
use std::collections::BTreeMap;

/// The rows, by run.
#[derive(Debug, Default)]
pub(super) struct Rows {
    heads: BTreeMap<RunId, Head>,
}

impl Rows {
    /// Writes the row if it moves forward; says whether it did.
    pub(super) fn put(&mut self, head: Head, guards: Guards) -> bool {
        let forward = self
            .heads
            .get(&head.run)
            .is_none_or(|stored| head.seq > stored.seq);
        if !forward && guards.on(Guard::ForwardOnly) {
            return false;
        }
        self.heads.insert(head.run.clone(), head);
        true
    }
}

fn fits(head: &Head, filter: &RunFilter) -> bool {
    let tenant = filter.tenant.as_ref();
    let workflow = filter.workflow.as_ref();
    tenant.is_none_or(|tenant| *tenant == head.tenant)
        && workflow.is_none_or(|id| *id == head.workflow)
        && filter.status.is_none_or(|status| status == head.status)
        && filter.since.is_none_or(|since| head.started_at >= since)
        && filter.until.is_none_or(|until| head.started_at < until)
        && filter.before.as_ref().is_none_or(|run| head.run < *run)
}

impl RunIndex for MemoryStore {
    async fn put_head(&self, head: Head) -> Result<bool, PortError> {
        Ok(self.lock().rows.put(head, self.guards()))
    }

    async fn head(&self, run: &RunId) -> Result<Option<Head>, PortError> {
        Ok(self.lock().rows.heads.get(run).cloned())
    }

    async fn heads(&self, filter: RunFilter) -> Result<Vec<Head>, PortError> {
        let state = self.lock();
        let newest_first = state.rows.heads.values().rev();
        let listed = newest_first.filter(|head| fits(head, &filter));
        Ok(listed.take(filter.limit).cloned().collect())
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<Head>, PortError> {
        let state = self.lock();
        let is_due = |head: &&Head| head.due_at.is_some_and(|due| due <= now);
        let mut due: Vec<&Head> = state.rows.heads.values().filter(is_due).collect();
        due.sort_by_key(|head| head.due_at);
        Ok(due.into_iter().take(limit).cloned().collect())
    }

    async fn defer(
        &self,
        run: &RunId,
        seq: Seq,
        was: Millis,
        until: Millis,
    ) -> Result<bool, PortError> {
        let mut state = self.lock();
        let Some(head) = state.rows.heads.get_mut(run) else {
            return Ok(false);
        };
        let unchanged = head.seq == seq && head.due_at == Some(was);
        if unchanged {
            head.due_at = Some(until);
        }
        Ok(unchanged)
    }
}
