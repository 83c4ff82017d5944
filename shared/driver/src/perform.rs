//! Carries a claimed call out, inside its lease.

use crate::driver::Driver;
use crate::observe::{Observer, TextSoFar};
use futures::future::{Either, select};
use lattice_ir::{CallOutcome, CallRequest};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_model::{Guard, RunId, StageId};
use lattice_ports::{Clock, LiveText, Performer, StageQueue, Store, Unwatched};
use std::pin::pin;

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Performs the call; `begun_ms` is the monotonic moment before its claim was sent.
    pub(crate) async fn perform(
        &self,
        run: RunId,
        call: CallRequest,
        begun_ms: u64,
    ) -> CallOutcome {
        if let Some(failure) = self.too_late(&call, begun_ms) {
            return Err((failure, Usage::default()));
        }
        let (stage, attempt) = (call.stage.clone(), call.attempt);
        let live = Live {
            observer: &*self.observer,
            run: &run,
            stage: &stage,
            attempt,
        };
        self.within_deadline(call, &live).await
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
