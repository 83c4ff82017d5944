//! Who watches: told of a commit once it is durable, never before; of a model's words while they come.

use crate::session::Session;
use lattice_journal::{Commit, EventBody};
use lattice_model::{RunId, StageId};
use std::sync::Arc;

/// Watches the runs of this process. Must not block.
pub trait Observer: Send + Sync + 'static {
    /// A commit was acknowledged. Called in the order of each run.
    fn committed(&self, commit: &Commit);

    /// An append met another worker's commit.
    fn conflict(&self, _run: &RunId) {}

    /// Whether somebody looks at the run at this moment.
    fn is_watched(&self, _run: &RunId) -> bool {
        false
    }

    /// What a model has said so far, redacted. It is told only while somebody looks, and is never
    /// stored: the whole answer comes with a commit.
    fn text(&self, _run: &RunId, _text: TextSoFar<'_>) {}
}

/// What a model has said so far.
#[derive(Debug, Clone, Copy)]
pub struct TextSoFar<'a> {
    /// The visit that asks.
    pub stage: &'a StageId,
    /// The attempt; a new one begins anew.
    pub attempt: u32,
    /// The text. Each one of an attempt begins with the one before.
    pub text: &'a str,
}

/// Several that watch.
impl<T: Observer + ?Sized> Observer for Vec<Arc<T>> {
    fn committed(&self, commit: &Commit) {
        self.iter().for_each(|one| one.committed(commit));
    }

    fn conflict(&self, run: &RunId) {
        self.iter().for_each(|one| one.conflict(run));
    }

    fn is_watched(&self, run: &RunId) -> bool {
        self.iter().any(|one| one.is_watched(run))
    }

    fn text(&self, run: &RunId, text: TextSoFar<'_>) {
        self.iter().for_each(|one| one.text(run, text));
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn committed(&self, _commit: &Commit) {}
}

/// Says how a run stands now, and why it failed if it did.
pub(crate) fn log_status(commit: &Commit, session: &Session) {
    let (run, seq, status) = (&session.run, session.state.seq.get(), session.state.status);
    let last = commit.events.last().map(|event| &event.body);
    match last {
        Some(EventBody::RunFailed(failed)) => {
            let node = failed.node.as_ref().map(ToString::to_string);
            let failure = &failed.failure;
            tracing::warn!(%run, seq, %status, node, %failure, "the run failed");
        }
        _ => tracing::info!(%run, seq, %status, "the run is {status}"),
    }
}
