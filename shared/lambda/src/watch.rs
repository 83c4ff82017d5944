//! Tells the log what was committed: run, seq and stage of what costs something or went wrong.

use lattice_driver::Observer;
use lattice_journal::{Commit, EventBody};

/// Tells the log what was committed.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommitLog;

impl Observer for CommitLog {
    fn committed(&self, commit: &Commit) {
        for event in &commit.events {
            let (run, seq) = (&event.run, event.seq.get());
            match &event.body {
                EventBody::StageStarted(claim) => {
                    let (stage, attempt) = (&claim.stage, claim.attempt);
                    tracing::debug!(%run, seq, %stage, attempt, "a stage begins");
                }
                EventBody::StageCompleted(done) => {
                    let stage = &done.stage;
                    tracing::info!(%run, seq, %stage, "a stage is completed");
                }
                EventBody::StageFailed(failed) => {
                    let stage = &failed.stage;
                    tracing::warn!(%run, seq, %stage, "a stage failed");
                }
                EventBody::StageRetrying(again) => {
                    let stage = &again.stage;
                    tracing::info!(%run, seq, %stage, "a stage is tried again");
                }
                _ => {}
            }
        }
    }
}
