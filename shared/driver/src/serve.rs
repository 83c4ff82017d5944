//! What a worker does with a message: go on with the run as far as it leads.

use crate::driver::Driver;
use crate::error::DriverError;
use crate::flight::Flight;
use crate::session::{Session, Step};
use crate::turns::Turn;
use lattice_engine::{Cause, Claimed};
use lattice_model::{Guard, RunId, limits};
use lattice_ports::{Clock, Delivery, Message, Performer, Saw, StageQueue, Store};

/// A nudge to look at the run that the session holds.
pub(crate) fn message(session: &Session) -> Message {
    let message = Message::new(session.run.clone(), session.tail.last());
    message.of(&session.state.tenant)
}

/// How long a message rests after an error, for each time it was delivered; at most a minute.
const ERROR_PAUSE_MS: u64 = 500;
const ERROR_PAUSE_MS_MAX: u64 = 60_000;

/// What is left to do when nothing can be decided.
enum Left {
    /// Decide again, for these causes.
    Again(Vec<Cause>),
    /// Nothing that this delivery has to do.
    Finished,
}

/// What a delivery brings: the rules by which its worker goes on.
pub(crate) struct Errand<'d> {
    /// The worker's turn, if others of this process leave the run to it.
    turn: Option<Turn<'d>>,
    /// The monotonic moment at which this worker has to be done.
    until_ms: Option<u64>,
}

impl<'d> Errand<'d> {
    pub fn of(turn: Option<Turn<'d>>, until_ms: Option<u64>) -> Self {
        Self { turn, until_ms }
    }

    /// See `Turn`: without one there is never news, and it is over at any time.
    pub fn mark(&self) -> u64 {
        self.turn.as_ref().map_or(0, Turn::mark)
    }

    pub fn looked(&mut self, mark: u64) {
        if let Some(turn) = &mut self.turn {
            turn.looked(mark);
        }
    }

    pub fn has_news(&self) -> bool {
        self.turn.as_ref().is_some_and(Turn::has_news)
    }

    pub async fn news(&mut self) {
        match &mut self.turn {
            Some(turn) => turn.news().await,
            None => std::future::pending().await,
        }
    }

    fn end(&mut self) -> bool {
        self.turn.as_mut().is_none_or(Turn::end)
    }
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
        match self.serve(&delivery.message, None).await {
            Ok(()) => self.queue.ack(&delivery.receipt).await?,
            Err(error) => {
                let pause = error_pause_ms(delivery.receives);
                self.queue.give_back(&delivery.receipt, pause).await?;
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    /// Goes on with a run as far as it leads. Afterwards the message may be deleted; after an error
    /// it has to come again. With `until_ms`, a moment of the monotonic clock, no further effect is
    /// claimed that could not end before it: the run then goes on from another message. The first
    /// effect is claimed all the same, so that every delivery gets somewhere.
    // INVARIANT: a message is deleted only when its stage, and all that it made ready, is resolved
    // or handed on by a send of this very delivery (Guard::HandOnBeforeDelete).
    pub async fn serve(&self, message: &Message, until_ms: Option<u64>) -> Result<(), DriverError> {
        let run = &message.run;
        let Some(turn) = Turn::begin(&self.turns, run, &message.saw) else {
            return Ok(());
        };
        let mut errand = Errand::of(Some(turn), until_ms);
        let Some(mut session) = self.open(run).await? else {
            return Ok(());
        };
        if session.state.status.is_terminal() && self.settings.guards.on(Guard::TerminalIsFinal) {
            self.forget(run);
            // Whoever wrote the end may have died before it woke the run above.
            if let Some(parent) = &session.state.parent {
                self.wake(&session, &parent.run).await?;
            }
            self.leave_place(&session).await?;
            return self.end_turn(run, true, &mut errand).await;
        }
        self.call_again(&session).await?;
        self.carry(&mut session, None, &mut errand).await
    }

    /// Decides, performs, and decides again, until there is nothing to do here and now. Effects of
    /// several branches are under way at once; every decision and commit about them is made here, one
    /// after the other (protocol, rule 8).
    pub(crate) async fn carry(
        &self,
        session: &mut Session,
        mut first: Option<Step>,
        errand: &mut Errand<'_>,
    ) -> Result<(), DriverError> {
        let (mut causes, mut performed) = (Vec::new(), 0);
        let mut flight = Flight::default();
        let longest_ms = session.plan.longest_call_ms();
        loop {
            if first.is_none() && session.state.waits_for_place().is_some() {
                session.has_place = self.ask_for_place(session).await?;
            }
            let claims = performed == 0
                || (performed < self.settings.chain_stages && self.has_time(errand, longest_ms));
            session.patient_until_ms = flight.counts_until();
            let step = match first.take() {
                Some(step) => step,
                None => flight.beside(self.step(session, &causes, claims)).await?,
            };
            session.patient_until_ms = 0;
            if step.wrote {
                flight.knows_tail(self.clock.monotonic_ms());
            }
            if session.state.status.is_terminal() {
                self.forget(&session.run);
                return self.end_turn(&session.run, step.leaves_items, errand).await;
            }
            if session.state.waits_for_place().is_some() && !step.more {
                // It stands in line: who gives a place back wakes it, and its row leads to it too.
                if errand.end() {
                    return Ok(());
                }
                self.catch_up(session, errand).await?;
                continue;
            }
            session.patient_until_ms = flight.counts_until();
            flight
                .beside(self.call_children(session, &step.children))
                .await?;
            if !step.children.is_empty() {
                let written = self.put_row(session, self.clock.now());
                flight.beside(written).await?;
            }
            session.patient_until_ms = 0;
            causes.drain(..step.taken.min(causes.len()));
            performed += step.calls.len();
            for call in step.calls {
                flight.launch(self, &session.run, call, step.begun_ms);
            }
            flight.fence(&session.state, self.settings.guards);
            if step.more || !causes.is_empty() {
                continue;
            }
            if !flight.is_empty() {
                causes = self
                    .land(session, &mut flight, errand, (claims, step.wrote))
                    .await?;
                continue;
            }
            match self.left(session, claims, errand).await? {
                Left::Again(next) => causes = next,
                Left::Finished => return Ok(()),
            }
        }
    }

    /// Folds in what others wrote, since a message came that leaves it to this worker.
    async fn catch_up(
        &self,
        session: &mut Session,
        errand: &mut Errand<'_>,
    ) -> Result<(), DriverError> {
        let mark = errand.mark();
        let next = session.tail.last().next();
        for commit in self.store.load(&session.run, next).await? {
            self.rebase(session, &commit)?;
        }
        errand.looked(mark);
        Ok(())
    }

    /// Takes what came too late out of the inbox of a run that is over.
    async fn end_turn(
        &self,
        run: &RunId,
        leaves_items: bool,
        errand: &mut Errand<'_>,
    ) -> Result<(), DriverError> {
        if leaves_items {
            self.bury(run).await?;
        }
        while !errand.end() {
            let mark = errand.mark();
            self.bury(run).await?;
            errand.looked(mark);
        }
        Ok(())
    }

    /// Whether an effect of this length, begun now, ends in time.
    fn has_time(&self, errand: &Errand<'_>, longest_ms: u64) -> bool {
        let needed_ms = longest_ms + limits::LEASE_MARGIN_MS;
        let now = self.clock.monotonic_ms();
        errand
            .until_ms
            .is_none_or(|until_ms| now.saturating_add(needed_ms) <= until_ms)
    }

    /// Nothing can be decided: somebody else is at it, or it is not time yet.
    // INVARIANT: the turn is over before a message is sent that leads to this run: sent before, it
    // could come to this very worker, which would send it again, for ever.
    async fn left(
        &self,
        session: &mut Session,
        claims: bool,
        errand: &mut Errand<'_>,
    ) -> Result<Left, DriverError> {
        let due_at = session.state.due_at();
        let due_ms = due_at.map(|due_at| due_at.since(self.clock.now()));
        let claimed: Vec<Claimed> = session.state.claims().collect();
        let left = |it: &Claimed| self.claim_left_ms(&session.run, it, errand);
        let lost: Vec<Cause> = claimed
            .iter()
            .filter(|it| left(it) == 0)
            .map(|it| Cause::Lost {
                stage: it.stage.clone(),
                attempt: it.attempt,
            })
            .collect();
        let left_ms = claimed.iter().map(left).max().unwrap_or(0);
        // Without leave to claim there is nothing to decide about a lost attempt: the next delivery
        // takes it over.
        if claims && !lost.is_empty() {
            return Ok(Left::Again(lost));
        }
        if claims && claimed.is_empty() && due_ms == Some(0) {
            return Ok(Left::Again(Vec::new()));
        }
        let has_share = !claims && session.state.has_ready();
        if has_share {
            // Whoever takes what is ready looks at all that is new too.
            errand.turn = None;
        } else if !errand.end() {
            self.catch_up(session, errand).await?;
            return Ok(Left::Again(Vec::new()));
        }
        if !claimed.is_empty() {
            self.wait_for(session, &claimed, left_ms).await?;
            // Whoever holds the claim looks after the timers of the other branches too, and if it is
            // gone, the message that was just sent does. Only what is ready has to be handed on.
            if claims || !session.state.has_ready() {
                return Ok(Left::Finished);
            }
        }
        // This delivery has performed its share: the next stage waits for a claim.
        if has_share {
            self.hand_on(session, 0).await?;
        } else if let Some(delay_ms) = due_ms {
            self.hand_on(session, delay_ms).await?;
        }
        Ok(Left::Finished)
    }

    /// How long a claim of somebody else has to be waited for, in milliseconds: its lease, from
    /// when it was first seen, unless its process is known to be gone.
    // INVARIANT: a taker waits one full lease from when it first saw the claim, or comes with a
    // message that did (Guard::LeaseWait).
    fn claim_left_ms(&self, run: &RunId, claimed: &Claimed, errand: &Errand<'_>) -> u64 {
        let dead = self.settings.exclusive && claimed.boot != self.settings.boot;
        let is_it = |saw: &Saw| saw.stage == claimed.stage && saw.attempt == claimed.attempt;
        let waited = errand.turn.as_ref().is_some_and(|turn| turn.saw(is_it));
        let waited = waited && self.settings.guards.on(Guard::LeaseNote);
        match dead || waited || !self.settings.guards.on(Guard::LeaseWait) {
            true => 0,
            false => self.lease_left_ms(run, claimed),
        }
    }

    /// Comes back for claims of others when their leases are over. The message says what was seen:
    /// whoever receives it may be a process that remembers nothing, and would begin to wait anew
    /// (Guard::ReturnOnLiveClaim, Guard::LeaseNote).
    async fn wait_for(
        &self,
        session: &Session,
        claimed: &[Claimed],
        left_ms: u64,
    ) -> Result<(), DriverError> {
        if !self.settings.guards.on(Guard::ReturnOnLiveClaim) {
            return Ok(());
        }
        // Before this message is deleted the row has to lead to the run too: whoever claimed may have
        // died before it wrote the row, and the queue may lose what is sent here.
        self.put_row(session, self.clock.now()).await?;
        let saw = claimed.iter().map(|it| Saw {
            stage: it.stage.clone(),
            attempt: it.attempt,
        });
        let message = Message {
            saw: saw.collect(),
            ..message(session)
        };
        Ok(self.queue.send(message, left_ms).await?)
    }

    /// Lets the run go on from another message; a moment that is further away than a queue can delay
    /// is the sweep's to find. Before this message is deleted the row has to lead to the run too: a
    /// worker that wrote a commit may have died before it wrote the row.
    async fn hand_on(&self, session: &Session, delay_ms: u64) -> Result<(), DriverError> {
        self.put_row(session, self.clock.now()).await?;
        let sends = self.settings.guards.on(Guard::HandOnBeforeDelete);
        if sends && delay_ms <= limits::QUEUE_DELAY_MS_MAX {
            self.queue.send(message(session), delay_ms).await?;
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

/// How long a message rests after an error, in milliseconds, when it was delivered so often.
pub fn error_pause_ms(receives: u32) -> u64 {
    let pause = ERROR_PAUSE_MS.saturating_mul(u64::from(receives));
    pause.min(ERROR_PAUSE_MS_MAX)
}

// A message that waits for a lease can be delayed so long.
const _: () =
    assert!(limits::STAGE_TIMEOUT_MS_MAX + limits::LEASE_MARGIN_MS <= limits::QUEUE_DELAY_MS_MAX);
