//! Finds what nobody looks at: rows that are due, inbox items whose wake-up was lost, and after a
//! start of the process everything that is not over.

use crate::driver::Driver;
use crate::error::DriverError;
use lattice_journal::Head;
use lattice_model::{Guard, limits};
use lattice_ports::{Clock, Message, Performer, RunFilter, StageQueue, Store};

/// Rows that one sweep looks at.
const SWEEP_ROWS_MAX: usize = 256;

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Sends a message for everything that is due. To be called each minute. Says for how many
    /// runs it did.
    // INVARIANT: a run that is not over is found again within its due moment and a sweep
    // (Guard::SweepResends).
    pub async fn sweep(&self) -> Result<usize, DriverError> {
        if !self.settings.guards.on(Guard::SweepResends) {
            return Ok(0);
        }
        let now = self.clock.now();
        let due = self.store.due(now, SWEEP_ROWS_MAX).await?;
        let mut sent = 0;
        for head in due {
            let message = Message::new(head.run.clone(), head.seq).of(&head.tenant);
            self.queue.send(message, 0).await?;
            sent += 1;
            // The row was written when the run last changed its status, so the spacing doubles.
            let spacing = now
                .since(head.updated_at)
                .clamp(limits::SWEEP_DELAY_MS_MIN, limits::SWEEP_DELAY_MS_MAX);
            let was = head.due_at.unwrap_or(now);
            self.store
                .defer(&head.run, head.seq, was, now.plus(spacing))
                .await?;
        }
        for run in self.store.runs_with_unread(SWEEP_ROWS_MAX).await? {
            let message = Message::new(run, lattice_model::Seq::ZERO);
            self.queue.send(message, 0).await?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Sends a message for every run that is not over: what a process that owns its data does
    /// when it starts. Says for how many it did.
    pub async fn recover(&self) -> Result<usize, DriverError> {
        let open = self.unfinished().await?;
        for head in &open {
            let message = Message::new(head.run.clone(), head.seq).of(&head.tenant);
            self.queue.send(message, 0).await?;
        }
        Ok(open.len())
    }

    /// The rows of all runs that are not over, oldest first: who waited longest goes first.
    pub async fn unfinished(&self) -> Result<Vec<Head>, DriverError> {
        let mut open = Vec::new();
        let mut before = None;
        loop {
            let filter = RunFilter {
                before: before.take(),
                limit: SWEEP_ROWS_MAX,
                ..RunFilter::default()
            };
            let page = self.store.heads(filter).await?;
            let Some(last) = page.last() else {
                open.reverse();
                return Ok(open);
            };
            before = Some(last.run.clone());
            open.extend(page.into_iter().filter(|head| !head.status.is_terminal()));
        }
    }
}
