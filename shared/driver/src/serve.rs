//! What a worker does with a message: go on with the run as far as it leads.

use crate::driver::Driver;
use crate::error::DriverError;
use crate::session::{Session, Step};
use lattice_engine::{Cause, Claimed};
use lattice_model::{Guard, RunId, limits};
use lattice_ports::{Clock, Delivery, Message, Performer, StageQueue, Store};

/// What becomes of the message.
// INVARIANT: a message is deleted only when its stage, and all that it made ready, is resolved or
// handed on by a send of this very delivery (Guard::HandOnBeforeDelete).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Delete it.
    Done,
    /// Make it visible again after so many milliseconds.
    GiveBack(u64),
}

/// How long a message rests after an error, for each time it was delivered; at most a minute.
const ERROR_PAUSE_MS: u64 = 500;
const ERROR_PAUSE_MS_MAX: u64 = 60_000;

/// What is left to do when nothing can be decided.
enum Left {
    /// Decide again for this cause.
    Again(Cause),
    /// Nothing that this delivery has to do.
    Finished(Disposition),
}

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Takes messages until the queue is closed. Run as many of these as there should be workers. An
    /// error of one run is logged; only an error of the queue is returned.
    pub async fn work(&self) -> Result<(), DriverError> {
        while let Some(delivery) = self.queue.receive().await? {
            if let Some(error) = self.handle(&delivery).await? {
                let run = &delivery.message.run;
                tracing::warn!(%run, %error, "the run could not be carried on, it comes again");
            }
        }
        Ok(())
    }

    /// Serves a delivery, and deletes it or gives it back. An error of the run is given to the
    /// caller, and its message comes again; an error of the queue is this call's own.
    pub async fn handle(&self, delivery: &Delivery) -> Result<Option<DriverError>, DriverError> {
        match self.serve(&delivery.message.run).await {
            Ok(Disposition::Done) => self.queue.ack(&delivery.receipt).await?,
            Ok(Disposition::GiveBack(delay_ms)) => {
                self.queue.give_back(&delivery.receipt, delay_ms).await?;
            }
            Err(error) => {
                let pause = ERROR_PAUSE_MS.saturating_mul(u64::from(delivery.receives));
                let pause = pause.min(ERROR_PAUSE_MS_MAX);
                self.queue.give_back(&delivery.receipt, pause).await?;
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    /// Goes on with a run as far as it leads, and says what becomes of the message.
    pub async fn serve(&self, run: &RunId) -> Result<Disposition, DriverError> {
        let Some(mut session) = self.open(run).await? else {
            return Ok(Disposition::Done);
        };
        if session.state.status.is_terminal() && self.settings.guards.on(Guard::TerminalIsFinal) {
            self.forget(run);
            self.bury(run).await?;
            return Ok(Disposition::Done);
        }
        self.carry(&mut session, None).await
    }

    /// Decides, performs, and decides again, until there is nothing to do here and now.
    pub(crate) async fn carry(
        &self,
        session: &mut Session,
        mut first: Option<Step>,
    ) -> Result<Disposition, DriverError> {
        let mut cause = Cause::Wake;
        let mut performed = 0;
        loop {
            let claims = performed < self.settings.chain_stages;
            let step = match first.take() {
                Some(step) => step,
                None => self.step(session, cause, claims).await?,
            };
            cause = Cause::Wake;
            if session.state.status.is_terminal() {
                self.forget(&session.run);
                if step.leaves_items {
                    self.bury(&session.run).await?;
                }
                return Ok(Disposition::Done);
            }
            let mut calls = step.calls.into_iter();
            match (calls.next(), calls.next()) {
                (Some(call), None) => {
                    performed += 1;
                    cause = self.perform(session, call, step.begun_ms).await?;
                }
                (Some(_), Some(_)) => {
                    let reason = "two calls were claimed at once, and this build has no branches";
                    return Err(DriverError::Internal(reason.to_owned()));
                }
                (None, _) if step.more => {}
                (None, _) => match self.left(session, claims).await? {
                    Left::Again(next) => cause = next,
                    Left::Finished(disposition) => return Ok(disposition),
                },
            }
        }
    }

    /// Nothing can be decided: somebody else is at it, or it is not time yet.
    async fn left(&self, session: &Session, claims: bool) -> Result<Left, DriverError> {
        if let Some(claimed) = session.state.claims().next() {
            let left = self.left_by_claim(&session.run, &claimed);
            // Without leave to claim there is nothing to decide about a lost attempt: the next
            // delivery takes it over.
            if matches!(left, Left::Again(_)) && !claims {
                self.hand_on(session, 0).await?;
                return Ok(Left::Finished(Disposition::Done));
            }
            return Ok(left);
        }
        // This delivery has performed its share: the next stage waits for a claim.
        if !claims && session.state.has_ready() {
            self.hand_on(session, 0).await?;
            return Ok(Left::Finished(Disposition::Done));
        }
        if let Some(due_at) = session.state.due_at() {
            let delay_ms = due_at.since(self.clock.now());
            if delay_ms == 0 && claims {
                return Ok(Left::Again(Cause::Wake));
            }
            self.hand_on(session, delay_ms).await?;
        }
        Ok(Left::Finished(Disposition::Done))
    }

    /// A claim of somebody else: its lease is waited out, unless its process is known to be gone.
    // INVARIANT: a taker waits one full lease from when it first saw the claim (Guard::LeaseWait),
    // and the message goes back until then (Guard::ReturnOnLiveClaim).
    fn left_by_claim(&self, run: &RunId, claimed: &Claimed) -> Left {
        let guards = self.settings.guards;
        let dead = self.settings.exclusive && claimed.boot != self.settings.boot;
        let left_ms = match dead || !guards.on(Guard::LeaseWait) {
            true => 0,
            false => self.lease_left_ms(run, claimed),
        };
        if left_ms == 0 {
            let (stage, attempt) = (claimed.stage.clone(), claimed.attempt);
            return Left::Again(Cause::Lost { stage, attempt });
        }
        if guards.on(Guard::ReturnOnLiveClaim) {
            return Left::Finished(Disposition::GiveBack(left_ms));
        }
        Left::Finished(Disposition::Done)
    }

    /// Lets the run go on from another message; a moment that is further away than a queue can delay
    /// is the sweep's to find. Before this message is deleted the row has to lead to the run too: a
    /// worker that wrote a commit may have died before it wrote the row.
    async fn hand_on(&self, session: &Session, delay_ms: u64) -> Result<(), DriverError> {
        self.put_row(session, self.clock.now()).await?;
        let sends = self.settings.guards.on(Guard::HandOnBeforeDelete);
        if sends && delay_ms <= limits::QUEUE_DELAY_MS_MAX {
            let message = Message {
                run: session.run.clone(),
                hint: session.tail.last(),
            };
            self.queue.send(message, delay_ms).await?;
        }
        Ok(())
    }

    async fn bury(&self, run: &RunId) -> Result<(), DriverError> {
        let unread = self.store.unread(run, limits::FOLD_ITEMS_MAX).await?;
        if !unread.is_empty() {
            let ids: Vec<_> = unread.into_iter().map(|item| item.id).collect();
            self.store.bury(run, &ids).await?;
        }
        Ok(())
    }
}
