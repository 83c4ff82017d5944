//! The ends of measured runs, as their driver sees them.

use crate::error::CliError;
use lattice_driver::Observer;
use lattice_journal::{Commit, EventBody};
use lattice_model::RunId;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Which runs are over, and the largest commit. One waits at a time.
#[derive(Default)]
pub struct Ends {
    seen: Mutex<Seen>,
    changed: Notify,
}

#[derive(Default)]
struct Seen {
    over: BTreeSet<RunId>,
    /// Why one of them did not come to its end.
    failed: Option<String>,
    bytes_max: usize,
}

impl Ends {
    fn look<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until the run is over. An error if any run failed: then the figures mean nothing.
    pub async fn over(&self, run: &RunId) -> Result<(), CliError> {
        while !self.look(|seen| seen.over.contains(run)) {
            // Who is over in between leaves a permit.
            self.changed.notified().await;
        }
        match self.look(|seen| seen.failed.take()) {
            Some(why) => Err(CliError::Task(format!("a measured run failed: {why}"))),
            None => Ok(()),
        }
    }

    /// How many runs are over, and the bytes of the largest commit.
    pub fn counts(&self) -> (usize, usize) {
        self.look(|seen| (seen.over.len(), seen.bytes_max))
    }
}

impl Observer for Ends {
    fn committed(&self, commit: &Commit) {
        let last = commit.events.last().map(|event| &event.body);
        let failed = match last {
            Some(EventBody::RunFailed(failed)) => Some(failed.failure.message.clone()),
            _ => None,
        };
        let is_over = failed.is_some() || matches!(last, Some(EventBody::RunCompleted(_)));
        self.look(|seen| {
            seen.bytes_max = seen.bytes_max.max(commit.body.len());
            seen.failed = seen.failed.take().or(failed);
            if is_over {
                seen.over.insert(commit.run.clone());
            }
        });
        if is_over {
            self.changed.notify_one();
        }
    }
}
