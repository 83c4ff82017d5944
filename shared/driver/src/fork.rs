//! Forks: a new run that begins with what another one was at an event (protocol, rule 15).

use crate::driver::Driver;
use crate::error::DriverError;
use crate::load::load_events;
use crate::serve::message;
use crate::session::Session;
use lattice_engine::{
    Decision, ForkError, ForkRequest, NoRedrive, RunState, before_failure, fold, fork, whole,
};
use lattice_journal::{Event, EventBody, ForkedFrom, ValueRef};
use lattice_model::{Hash, RunId, Seq, Tenant};
use lattice_ports::{Clock, Performer, PortError, StageQueue, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A fork that somebody wants.
#[derive(Debug, Clone)]
pub struct ForkWish {
    /// Whose run it is; a run of another tenant is as good as none.
    pub tenant: Tenant,
    /// The run that is forked.
    pub run: RunId,
    /// From where.
    pub from: ForkFrom,
    /// What is set first, by its path, as it came; it is redacted here.
    pub set: BTreeMap<String, Value>,
    /// The same key gives the same run, within a tenant.
    pub key: Option<String>,
}

/// A fork that somebody got.
#[derive(Debug, Clone, PartialEq)]
pub struct Forked {
    /// The new run.
    pub run: RunId,
    /// Whether it was there already, under the same key.
    pub known: bool,
    /// Where it comes from.
    pub from: ForkedFrom,
}

/// From where a run is forked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkFrom {
    /// As it was behind this event; inside a step, as it was before the step.
    At(Seq),
    /// As it was before the stage failed that ended it.
    Failed,
}

/// Why a run is not forked. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ForkRefused {
    /// The event is not there.
    #[error("run `{run}` has no event {at}; it has those from 1 to {last}")]
    NoEvent {
        /// The run.
        run: RunId,
        /// The event that was named.
        at: Seq,
        /// The last one.
        last: Seq,
    },
    /// The event is half of the beginning of a fork.
    #[error("run `{0}` is a fork itself and begins with its events 1 and 2; name 2 or a later one")]
    HalfBegun(RunId),
    /// The log, or a value that it names, is gone.
    #[error("the log of run `{0}` has expired, so it cannot be forked; start a new run")]
    Expired(RunId),
    /// There is no failure to go back to.
    #[error(transparent)]
    NoRedrive(#[from] NoRedrive),
    /// What was asked for does not fit the run.
    #[error(transparent)]
    Fork(ForkError),
    /// The key belongs to something else.
    #[error("the key belongs to run `{run}`, which is not this fork; choose a fresh key")]
    KeyReused {
        /// The run that has the key.
        run: RunId,
    },
    /// The run could not be read, or the fork not be written.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

impl From<PortError> for ForkRefused {
    fn from(error: PortError) -> Self {
        Self::Driver(error.into())
    }
}

/// Values that are fetched or stored again, at once.
const VALUES_AT_ONCE: usize = 16;

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Queues a fork for whichever worker comes first.
    pub async fn fork(&self, wish: ForkWish) -> Result<Forked, ForkRefused> {
        let parent = wish.run;
        let set = wish.set.into_iter();
        let set = set.map(|(path, value)| (path, self.redactor.redact_value(value)));
        let set: BTreeMap<String, Value> = set.collect();
        let request = identity(&parent, wish.from, &set);
        let key = wish.key.map(|key| wish.tenant.scoped(&key));
        // A fork that is asked for again is answered, whatever became of the other run since.
        if let Some(key) = &key
            && let Some(run) = self.store.run_of_key(key).await?
        {
            return self.known_fork(run, request).await;
        }
        let events = self.log_of(&wish.tenant, &parent).await?;
        let (at, named) = place(&parent, wish.from, &events)?;
        let until = events.iter().take_while(|event| event.seq <= at);
        let state = fold(RunState::empty(), until);
        let now = self.clock.now();
        let wanted = ForkRequest {
            run: parent.clone(),
            named,
            set,
            request,
            at: now,
        };
        let run = self.fresh_run(now);
        let (mut session, decision) = self.decide_fork(run, &state, &wanted).await?;
        self.keep_values(&session, &decision, &parent).await?;
        let from = decision.state.forked_from.clone();
        let from = from.ok_or_else(|| DriverError::Internal("a fork of nothing".to_owned()))?;
        if let Some(run) = self.bear(&mut session, decision, now, key).await? {
            return self.known_fork(run, request).await;
        }
        self.queue.send(message(&session), 0).await?;
        let run = session.run;
        Ok(Forked {
            run,
            known: false,
            from,
        })
    }

    /// The whole log of a run of this tenant.
    async fn log_of(&self, tenant: &Tenant, run: &RunId) -> Result<Vec<Event>, ForkRefused> {
        let none = || ForkRefused::from(DriverError::NoRun(run.clone()));
        let events = load_events(&*self.store, run).await?;
        match events.first().map(|event| &event.body) {
            Some(EventBody::RunQueued(queued)) if queued.tenant == *tenant => Ok(events),
            Some(_) => Err(none()),
            None => match self.store.summary(run).await? {
                Some(kept) if kept.tenant == *tenant => Err(ForkRefused::Expired(run.clone())),
                _ => Err(none()),
            },
        }
    }

    /// The fork's first events, and the session in which they are written.
    async fn decide_fork(
        &self,
        run: RunId,
        state: &RunState,
        wanted: &ForkRequest,
    ) -> Result<(Session, Decision), ForkRefused> {
        let plan = self.plan(state.program).await?;
        let mut session = self.unborn(run, plan);
        loop {
            match fork(&session.plan, state, wanted, &session.blobs) {
                Err(ForkError::NeedBlobs(hashes)) => {
                    for hash in hashes {
                        let value = self.patiently(&session, || self.store.blob(hash)).await;
                        let value = value.map_err(|error| match error {
                            DriverError::Port(PortError::Missing { .. }) => {
                                ForkRefused::Expired(wanted.run.clone())
                            }
                            other => other.into(),
                        })?;
                        session.blobs.insert(hash, value);
                    }
                }
                Err(error) => return Err(ForkRefused::Fork(error)),
                Ok(decision) => return Ok((session, decision)),
            }
        }
    }

    /// Stores the large values of the other run again: where values expire by the moment at which
    /// they were stored last, the fork's count from now on.
    // INVARIANT: a fork reads nothing that goes when the run goes that it was forked from.
    async fn keep_values(
        &self,
        session: &Session,
        decision: &Decision,
        run: &RunId,
    ) -> Result<(), ForkRefused> {
        let fresh = |hash: &Hash| decision.blobs.iter().any(|(new, _)| new == hash);
        let named = decision.events.iter().flat_map(values_of);
        let named: BTreeSet<Hash> = named.filter_map(ValueRef::blob).collect();
        let old: Vec<Hash> = named.into_iter().filter(|hash| !fresh(hash)).collect();
        for some in old.chunks(VALUES_AT_ONCE) {
            let kept = some.iter().map(|hash| self.keep_value(session, *hash));
            match futures::future::try_join_all(kept).await {
                Err(DriverError::Port(PortError::Missing { .. })) => {
                    return Err(ForkRefused::Expired(run.clone()));
                }
                other => other?,
            };
        }
        Ok(())
    }

    async fn keep_value(&self, session: &Session, hash: Hash) -> Result<(), DriverError> {
        let value = self.patiently(session, || self.store.blob(hash)).await?;
        let put = || self.store.put_blob(hash, Arc::clone(&value));
        self.patiently(session, put).await
    }

    /// A fork whose key has a run already: the same fork, or a mistake.
    async fn known_fork(&self, run: RunId, request: Hash) -> Result<Forked, ForkRefused> {
        let first = self.store.page(&run, Seq::ZERO, 1).await?;
        let mut events = first.iter().flat_map(|commit| &commit.events);
        let from = events.find_map(|event| match &event.body {
            EventBody::RunForked(forked) if forked.request == request => Some(&forked.from),
            _ => None,
        });
        match from.cloned() {
            Some(from) => Ok(Forked {
                run,
                known: true,
                from,
            }),
            None => Err(ForkRefused::KeyReused { run }),
        }
    }
}

/// Where the fork begins, and the event that was named.
fn place(run: &RunId, from: ForkFrom, events: &[Event]) -> Result<(Seq, Option<Seq>), ForkRefused> {
    let last = events.last().map_or(Seq::ZERO, |event| event.seq);
    let (at, named) = match from {
        ForkFrom::At(at) if at == Seq::ZERO || at > last => {
            let run = run.clone();
            return Err(ForkRefused::NoEvent { run, at, last });
        }
        ForkFrom::At(at) => (at, Some(at)),
        ForkFrom::Failed => (before_failure(events)?, None),
    };
    let whole = whole(events, at).ok_or_else(|| ForkRefused::HalfBegun(run.clone()))?;
    Ok((whole, named))
}

/// Every value that an event of a fork's first commit refers to.
fn values_of(body: &EventBody) -> Vec<&ValueRef> {
    match body {
        EventBody::RunQueued(queued) => {
            let variables = queued.variables.values();
            std::iter::once(&queued.input).chain(variables).collect()
        }
        EventBody::RunForked(forked) => forked.values().collect(),
        _ => Vec::new(),
    }
}

/// What tells one wish from another.
fn identity(run: &RunId, from: ForkFrom, set: &BTreeMap<String, Value>) -> Hash {
    let from = match from {
        ForkFrom::At(at) => json!(at),
        ForkFrom::Failed => json!("failed"),
    };
    Hash::of_json(&json!({ "run": run, "from": from, "set": set }))
}
