//! The effects that one worker performs for one run, all at once, with an eye on the run's tail.

use crate::driver::Driver;
use crate::error::DriverError;
use crate::serve::Errand;
use crate::session::Session;
use futures::future::{AbortHandle, Abortable, BoxFuture, Either, FutureExt, select};
use futures::stream::{FuturesUnordered, StreamExt};
use lattice_engine::{Cause, RunState};
use lattice_ir::{CallOutcome, CallRequest};
use lattice_journal::{InboxBody, InboxItem};
use lattice_model::{Guard, Guards, RunId, StageId, limits};
use lattice_ports::{Clock, Performer, StageQueue, Store};
use std::collections::BTreeMap;
use std::pin::pin;

/// How an attempt ended; nothing if it was stopped.
type Landed = (StageId, u32, Option<CallOutcome>);

/// The effects under way.
#[derive(Default)]
pub(crate) struct Flight<'f> {
    running: FuturesUnordered<BoxFuture<'f, Landed>>,
    /// What ended while something else was waited for.
    landed: Vec<Landed>,
    /// When, on the monotonic clock, this worker last knew the tail: it looked, or its own commit
    /// stood there.
    known_ms: u64,
    /// Whether the tail showed something that came to no commit of this worker: somebody else may
    /// have been faster, so it is looked at again at once.
    unsettled: bool,
    held: BTreeMap<(StageId, u32), Held>,
}

/// What is known of an attempt until its outcome stands in the log.
struct Held {
    /// The monotonic moment at which its lease ends.
    until_ms: u64,
    stop: AbortHandle,
}

impl<'f> Flight<'f> {
    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty() && self.landed.is_empty()
    }

    /// Notes that this worker knows the tail as it is now.
    pub fn knows_tail(&mut self, now_ms: u64) {
        self.known_ms = now_ms;
    }

    /// Does something else beside the effects. They go on meanwhile, and above all their deadlines
    /// do: a store that is slow to answer must not let an effect outlive its lease.
    pub async fn beside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        while !self.running.is_empty() {
            match select(work.as_mut(), self.running.next()).await {
                Either::Left((done, _)) => return done,
                Either::Right((landed, _)) => self.landed.extend(landed),
            }
        }
        work.await
    }

    /// Begins an effect; `begun_ms` is the monotonic moment before its claim was sent.
    pub fn launch<S: Store, Q: StageQueue, P: Performer, C: Clock>(
        &mut self,
        driver: &'f Driver<S, Q, P, C>,
        run: &RunId,
        call: CallRequest,
        begun_ms: u64,
    ) {
        let (stage, attempt) = (call.stage.clone(), call.attempt);
        let until_ms = begun_ms.saturating_add(call.lease_ms);
        let (stop, registration) = AbortHandle::new_pair();
        let held = Held { until_ms, stop };
        self.held.insert((stage.clone(), attempt), held);
        let effect = driver.perform(run.clone(), call, begun_ms);
        let effect = Abortable::new(effect, registration);
        let landing = effect.map(move |outcome| (stage, attempt, outcome.ok()));
        self.running.push(landing.boxed());
    }

    /// Stops every effect whose attempt does not count any more: its branch lost, its run ended, or
    /// somebody else took it over (protocol, rules 8 and 11).
    pub fn fence(&mut self, state: &RunState, guards: Guards) {
        if !guards.on(Guard::CancelFence) {
            return;
        }
        let counts = |stage: &StageId, attempt: u32| {
            let mut claims = state.claims();
            claims.any(|claim| claim.stage == *stage && claim.attempt == attempt)
        };
        self.held.retain(|(stage, attempt), held| {
            let is_live = counts(stage, *attempt);
            if !is_live {
                held.stop.abort();
            }
            is_live
        });
    }

    /// Until when, on the monotonic clock, it is worth repeating a call that is not answered: the
    /// end of the last lease whose outcome does not stand in the log yet; 0 if there is none.
    pub fn counts_until(&self) -> u64 {
        let until = self.held.values().map(|held| held.until_ms);
        until.max().unwrap_or(0)
    }

    /// Every outcome that is there already.
    fn take_landed(&mut self) -> Vec<Cause> {
        while let Some(Some(next)) = self.running.next().now_or_never() {
            self.landed.push(next);
        }
        let ended = self
            .landed
            .drain(..)
            .filter_map(|(stage, attempt, outcome)| {
                Some(Cause::Ended {
                    stage,
                    attempt,
                    outcome: outcome?,
                })
            });
        ended.collect()
    }
}

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Waits until an effect ends, something else of the run is due, or the tail shows that somebody
    /// else wrote. `claims` says whether this worker may claim, `wrote` whether the last decision came
    /// to anything.
    pub(crate) async fn land(
        &self,
        session: &mut Session,
        flight: &mut Flight<'_>,
        errand: &mut Errand<'_>,
        (claims, wrote): (bool, bool),
    ) -> Result<Vec<Cause>, DriverError> {
        let mut look_now = std::mem::take(&mut flight.unsettled) && !wrote;
        loop {
            // An effect that was stopped says nothing.
            let causes = flight.take_landed();
            if !causes.is_empty() || flight.is_empty() {
                return Ok(causes);
            }
            let due_ms = match self.due_in_flight(session, claims) {
                // What is due and led to nothing has to wait for something else to happen.
                Some(0) if !wrote => None,
                due => due,
            };
            let polls = self.settings.guards.on(Guard::CancelFence);
            let poll_at = flight.known_ms.saturating_add(self.settings.cancel_poll_ms);
            let left_ms = poll_at.saturating_sub(self.clock.monotonic_ms());
            let poll_ms = polls.then_some(if look_now { 0 } else { left_ms });
            look_now = false;
            let is_due = due_ms.is_some_and(|due| poll_ms.is_none_or(|poll| due <= poll));
            let pause = async {
                match due_ms.into_iter().chain(poll_ms).min() {
                    Some(ms) => self.clock.sleep(ms).await,
                    None => std::future::pending().await,
                }
            };
            let told = {
                let (pause, news) = (pin!(pause), pin!(errand.news()));
                match select(flight.running.next(), select(pause, news)).await {
                    Either::Left((landed, _)) => {
                        flight.landed.extend(landed);
                        continue;
                    }
                    Either::Right((Either::Left(_), _)) if is_due => return Ok(Vec::new()),
                    Either::Right((Either::Left(_), _)) => false,
                    Either::Right((Either::Right(_), _)) => true,
                }
            };
            flight.knows_tail(self.clock.monotonic_ms());
            let mark = errand.mark();
            let Some(is_new) = flight.beside(self.has_news(session)).await? else {
                continue;
            };
            // What a message is about may stand in the inbox alone.
            if is_new || told || errand.has_news() {
                errand.looked(mark);
                flight.unsettled = is_new;
                return Ok(flight.take_landed());
            }
        }
    }

    /// How long until something of the run is due that can be acted on beside the effects.
    fn due_in_flight(&self, session: &Session, claims: bool) -> Option<u64> {
        let due_at = match claims {
            true => session.state.due_at(),
            false => session.state.timer_due_at(),
        };
        due_at.map(|due_at| due_at.since(self.clock.now()))
    }

    /// Looks at the run's tail, and folds in what others wrote (protocol, rule 11). A cancel that
    /// nobody has folded yet is news too: there may be no other worker, or this one holds the run's
    /// only message. `None` if it could not be read now; it is looked for again later.
    async fn has_news(&self, session: &mut Session) -> Result<Option<bool>, DriverError> {
        let next = session.tail.last().next();
        let Ok(commits) = self.store.load(&session.run, next).await else {
            return Ok(None);
        };
        for commit in &commits {
            self.rebase(session, commit)?;
        }
        if !commits.is_empty() {
            return Ok(Some(true));
        }
        let (store, run) = (&self.store, &session.run);
        let unread = store.unread(run, limits::FOLD_ITEMS_MAX).await;
        let asks = |item: &InboxItem| matches!(item.body, InboxBody::Cancel { .. });
        Ok(unread.map(|items| items.iter().any(asks)).ok())
    }
}
