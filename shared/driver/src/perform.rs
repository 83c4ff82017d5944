//! Carries a claimed call out, inside its lease and with an eye on the run's tail.

use crate::driver::Driver;
use crate::error::DriverError;
use crate::observe::{Observer, TextSoFar};
use crate::session::Session;
use futures::future::{Either, select};
use lattice_engine::Cause;
use lattice_ir::{CallOutcome, CallRequest};
use lattice_journal::{Commit, Failure, FailureKind, InboxBody, InboxItem, Usage};
use lattice_model::{Guard, RunId, StageId, limits};
use lattice_ports::{Clock, LiveText, Performer, StageQueue, Store, Unwatched};
use std::pin::pin;

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Performs the call; `begun_ms` is the monotonic moment before its claim was sent. What comes
    /// back is the cause of the next decision.
    pub(crate) async fn perform(
        &self,
        session: &mut Session,
        call: CallRequest,
        begun_ms: u64,
    ) -> Result<Cause, DriverError> {
        let (stage, attempt) = (call.stage.clone(), call.attempt);
        if let Some(failure) = self.too_late(&call, begun_ms) {
            let outcome = Err((failure, Usage::default()));
            return Ok(Cause::Ended {
                stage,
                attempt,
                outcome,
            });
        }
        let finished = {
            let live = Live {
                observer: &*self.observer,
                run: &session.run,
                stage: &stage,
                attempt,
            };
            let effect = pin!(self.within_deadline(call, &live));
            let fenced = pin!(self.fenced(session, &stage, attempt));
            match select(effect, fenced).await {
                Either::Left((outcome, _)) => Ok(outcome),
                Either::Right((commits, _)) => Err(commits),
            }
        };
        match finished {
            Ok(outcome) => Ok(Cause::Ended {
                stage,
                attempt,
                outcome,
            }),
            Err(commits) => {
                for commit in &commits {
                    self.rebase(session, commit)?;
                }
                Ok(Cause::Wake)
            }
        }
    }

    /// With the guard off, effects go out before their claim stands in the log.
    pub(crate) async fn perform_unclaimed(&self, calls: &[CallRequest]) {
        if !self.settings.guards.on(Guard::ClaimBeforeEffect) {
            for call in calls {
                let _ = self.performer.perform(call.clone(), &Unwatched).await;
            }
        }
    }

    // INVARIANT: an effect's deadline ends before its lease does, also when the claim took long to
    // be stored (Guard::DeadlineInsideLease).
    fn too_late(&self, call: &CallRequest, begun_ms: u64) -> Option<Failure> {
        let spent = self.clock.monotonic_ms().saturating_sub(begun_ms);
        let slack = call.lease_ms.saturating_sub(call.timeout_ms);
        let late = spent >= slack && self.settings.guards.on(Guard::DeadlineInsideLease);
        late.then(|| {
            let message = format!("storing the claim took {spent} ms, so nothing was sent");
            Failure::new(FailureKind::Timeout, message)
        })
    }

    async fn within_deadline(&self, call: CallRequest, live: &Live<'_>) -> CallOutcome {
        let timeout_ms = call.timeout_ms;
        let effect = pin!(self.performer.perform(call, live));
        if !self.settings.guards.on(Guard::DeadlineInsideLease) {
            return effect.await;
        }
        match select(effect, pin!(self.clock.sleep(timeout_ms))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => {
                let message = format!("no complete answer within {timeout_ms} ms");
                Err((
                    Failure::new(FailureKind::Timeout, message),
                    Usage::default(),
                ))
            }
        }
    }

    /// Ends when the attempt does not count any more: a cancel, or a claim that took over (protocol,
    /// rule 11). Gives the commits of other workers. A cancel that nobody has folded yet counts too:
    /// there may be no other worker, or this one holds the run's only message.
    async fn fenced(&self, session: &Session, stage: &StageId, attempt: u32) -> Vec<Commit> {
        if !self.settings.guards.on(Guard::CancelFence) {
            return futures::future::pending().await;
        }
        loop {
            self.clock.sleep(self.settings.cancel_poll_ms).await;
            let next = session.tail.last().next();
            let Ok(commits) = self.store.load(&session.run, next).await else {
                continue;
            };
            let events = commits.iter().flat_map(|commit| &commit.events);
            let state = lattice_engine::fold(session.state.clone(), events);
            let ours =
                |claim: lattice_engine::Claimed| claim.stage == *stage && claim.attempt == attempt;
            if !state.claims().any(ours) {
                return commits;
            }
            let unread = self
                .store
                .unread(&session.run, limits::FOLD_ITEMS_MAX)
                .await;
            let asks = |item: &InboxItem| matches!(item.body, InboxBody::Cancel { .. });
            if unread.is_ok_and(|items| items.iter().any(asks)) {
                return commits;
            }
        }
    }
}

/// Passes a model's words on to whoever watches the run.
struct Live<'a> {
    observer: &'a dyn Observer,
    run: &'a RunId,
    stage: &'a StageId,
    attempt: u32,
}

impl LiveText for Live<'_> {
    fn is_watched(&self) -> bool {
        self.observer.is_watched(self.run)
    }

    fn so_far(&self, text: &str) {
        let (stage, attempt) = (self.stage, self.attempt);
        let text = TextSoFar {
            stage,
            attempt,
            text,
        };
        self.observer.text(self.run, text);
    }
}
