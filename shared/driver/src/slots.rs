//! Places under a limit on open runs: asked for before a run begins, given back when it is over, and
//! looked after where a worker died in between (protocol, rule 19).

use crate::driver::Driver;
use crate::error::DriverError;
use crate::session::Session;
use lattice_journal::Limit;
use lattice_model::{Guard, Millis, RunId, Seq, limits};
use lattice_ports::{Asker, Clock, Performer, Slot, SlotKey, StageQueue, Store};

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Whether the run may begin: it has a place now, or needs none. One that has to wait stands in line
    /// from here on. Nobody holds a place for a run whose log is not there yet, so a place whose run is
    /// not found belongs to one that was over long ago.
    pub(crate) async fn ask_for_place(&self, session: &Session) -> Result<bool, DriverError> {
        let Some(limit) = session.state.waits_for_place() else {
            return Ok(true);
        };
        let (key, asker, max) = (key_of(session, limit), asker(session), limit.max_runs);
        let slot = self.patiently(session, || self.store.acquire(&key, &asker, max));
        if slot.await? == Slot::Held {
            return Ok(true);
        }
        if self.clock.now().since(asker.since) >= limits::SLOT_LOOK_MS {
            self.look_after(session, &key, max).await?;
        }
        Ok(false)
    }

    /// Gives the place of a run that is over back, or takes it out of the line, and wakes those who may
    /// come now. Whoever ends a run does so, and whoever finds that one is over: the one who ended it
    /// may have died before.
    // INVARIANT: no place is lost with its run (Guard::SlotFreed).
    pub(crate) async fn leave_place(&self, session: &Session) -> Result<(), DriverError> {
        match &session.state.limit {
            Some(limit) if self.settings.guards.on(Guard::SlotFreed) => {
                let key = key_of(session, limit);
                self.free(session, &key, &asker(session), limit.max_runs)
                    .await
            }
            _ => Ok(()),
        }
    }

    /// The same, for whoever saw the last commit of a run and cannot know whether it was done.
    pub async fn has_left(&self, run: &RunId) -> Result<(), DriverError> {
        match self.open(run).await? {
            Some(session) if session.state.status.is_terminal() => self.leave_place(&session).await,
            _ => Ok(()),
        }
    }

    /// Whether a queued run would begin if a worker looked at it, or has begun already.
    pub async fn would_begin(&self, run: &RunId) -> Result<bool, DriverError> {
        let Some(session) = self.open(run).await? else {
            return Ok(false);
        };
        let Some(limit) = session.state.waits_for_place() else {
            return Ok(true);
        };
        let (key, max) = (key_of(&session, limit), limit.max_runs as usize);
        // In this order: who leaves the line in between has a place then.
        let line = self.store.line(&key, max).await?;
        let holders = self.store.holders(&key).await?;
        let mut next = line.iter().take(max.saturating_sub(holders.len()));
        Ok(holders.contains(run) || next.any(|asker| asker.run == *run))
    }

    async fn free(
        &self,
        session: &Session,
        key: &SlotKey,
        asker: &Asker,
        max: u32,
    ) -> Result<(), DriverError> {
        let next = self.patiently(session, || self.store.release(key, asker, max));
        for run in next.await? {
            self.wake(session, &run).await?;
        }
        Ok(())
    }

    /// Looks at some of those who have a place, at others each time, and at the front of the line: frees
    /// what runs that are over left behind, and wakes who could come if it asked.
    async fn look_after(
        &self,
        session: &Session,
        key: &SlotKey,
        max: u32,
    ) -> Result<(), DriverError> {
        if !self.settings.guards.on(Guard::SlotFreed) {
            return Ok(());
        }
        let line = || self.store.line(key, limits::SLOT_LOOKS_MAX);
        let line = self.patiently(session, line).await?;
        let holders = self.patiently(session, || self.store.holders(key)).await?;
        let free = (max as usize).saturating_sub(holders.len());
        for asker in line.iter().take(free) {
            self.wake(session, &asker.run).await?;
        }
        let some = some_of(&holders, self.clock.now()).map(|run| Asker {
            since: Millis::new(0),
            run: run.clone(),
        });
        for asker in line.into_iter().chain(some) {
            if asker.run != session.run && self.is_over(session, &asker.run).await? {
                self.free(session, key, &asker, max).await?;
            }
        }
        Ok(())
    }

    /// Whether a run is over, or gone. The row of one that is over says so: it is written with the end.
    async fn is_over(&self, session: &Session, run: &RunId) -> Result<bool, DriverError> {
        let head = self.patiently(session, || self.store.head(run)).await?;
        if let Some(head) = head {
            return Ok(head.status.is_terminal());
        }
        let first = || self.store.page(run, Seq::ZERO, 1);
        Ok(self.patiently(session, first).await?.is_empty())
    }
}

/// A few of them: the next ones each `SLOT_LOOK_MS`, so that everybody is looked at in turn.
fn some_of(holders: &[RunId], now: Millis) -> impl Iterator<Item = &RunId> {
    let count = holders.len().min(limits::SLOT_LOOKS_MAX);
    let turn = usize::try_from(now.get() / limits::SLOT_LOOK_MS).unwrap_or(0);
    let first = turn.wrapping_mul(limits::SLOT_LOOKS_MAX) % holders.len().max(1);
    holders.iter().cycle().skip(first).take(count)
}

fn key_of(session: &Session, limit: &Limit) -> SlotKey {
    SlotKey {
        tenant: session.state.tenant.clone(),
        workflow: session.state.workflow.clone(),
        key: limit.key.clone(),
    }
}

fn asker(session: &Session) -> Asker {
    Asker {
        since: session.state.started_at,
        run: session.run.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::some_of;
    use lattice_model::limits::{SLOT_LOOK_MS, SLOT_LOOKS_MAX};
    use lattice_model::{Millis, RunId};
    use std::collections::BTreeSet;

    #[test]
    fn everybody_is_looked_at_in_turn() {
        let run = |nth: usize| RunId::from_parts(Millis::new(nth as u64), [7; 10]);
        for count in [0, 1, SLOT_LOOKS_MAX, SLOT_LOOKS_MAX + 1, 1_000] {
            let holders: Vec<RunId> = (0..count).map(run).collect();
            let mut seen = BTreeSet::new();
            for turn in 0..count.div_ceil(SLOT_LOOKS_MAX) as u64 {
                let looked: Vec<_> = some_of(&holders, Millis::new(turn * SLOT_LOOK_MS)).collect();
                assert_eq!(looked.len(), count.min(SLOT_LOOKS_MAX));
                seen.extend(looked);
            }
            assert_eq!(seen.len(), count);
        }
    }
}
