//! What is written with a commit: the run's row, and at the end its summary.

use crate::driver::Driver;
use crate::error::DriverError;
use crate::session::Session;
use lattice_engine::{Decision, RunState};
use lattice_journal::{Commit, EventBody, ForkPoint, Head, InboxItem, RunStatus, RunSummary};
use lattice_model::{Millis, RunId, Seq, limits};
use lattice_ports::{Clock, Performer, Put, StageQueue, Store};
use std::sync::Arc;

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Writes the row of the run as the session knows it; one that is further on stays.
    pub(crate) async fn put_row(&self, session: &Session, at: Millis) -> Result<(), DriverError> {
        let head = head_of(&session.run, &session.state, at);
        self.patiently(session, || self.store.put_head(head.clone()))
            .await?;
        Ok(())
    }
}

/// The commit, and what is written with it or not at all.
pub(crate) fn put(
    session: &Session,
    decision: &Decision,
    commit: Commit,
    at: Millis,
    start_key: Option<String>,
    notices: Vec<InboxItem>,
) -> Put {
    let state = &decision.state;
    let last = commit.events.last();
    let terminal = state.status.is_terminal();
    let bookend = terminal || session.tail.last() == Seq::ZERO;
    let summary = last.filter(|_| terminal).map(|event| {
        let (output, failure, node) = match &event.body {
            EventBody::RunCompleted(done) => (Some(done.output.clone()), None, None),
            EventBody::RunFailed(failed) => {
                (None, Some(failed.failure.clone()), failed.node.clone())
            }
            _ => (None, None, None),
        };
        RunSummary {
            tenant: state.tenant.clone(),
            run: session.run.clone(),
            workflow: state.workflow.clone(),
            status: state.status,
            started_at: state.started_at,
            ended_at: at,
            seq: event.seq,
            totals: state.totals,
            output,
            failure,
            node,
        }
    });
    let folds = decision.folds.clone();
    let head = bookend.then(|| match terminal || decision.children.is_empty() {
        true => head_of(&session.run, state, at),
        // The row may not say that the run waits before the runs that it calls have begun.
        false => Head {
            seq: session.tail.last().next(),
            status: RunStatus::Running,
            due_at: Some(at.plus(limits::SWEEP_DELAY_MS_MIN)),
            ..head_of(&session.run, state, at)
        },
    });
    Put {
        commit: Arc::new(commit),
        start_key,
        folds,
        notices,
        head,
        summary,
    }
}

/// The row of a run: due at its next timer; while it is busy, when the sweep should first look.
pub(crate) fn head_of(run: &RunId, state: &RunState, at: Millis) -> Head {
    let busy = !matches!(state.status, RunStatus::Waiting);
    let look = at.plus(limits::SWEEP_DELAY_MS_MIN);
    let due_at = state
        .due_at()
        .map(|due| if busy { due.min(look) } else { due });
    Head {
        tenant: state.tenant.clone(),
        run: run.clone(),
        workflow: state.workflow.clone(),
        name: state.name.to_string(),
        program: state.program,
        seq: state.seq,
        status: state.status,
        started_at: state.started_at,
        updated_at: at,
        due_at,
        forked_from: state.forked_from.as_ref().map(|from| ForkPoint {
            run: from.run.clone(),
            seq: from.seq,
        }),
    }
}
