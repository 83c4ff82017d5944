//! Forks: a new run that begins with what another one was at an event (protocol, rule 15).

use crate::driver::Driver;
use crate::error::DriverError;
use crate::load::{load_run, state_at};
use crate::requests::Started;
use crate::session::Session;
use lattice_engine::{
    Decision, ForkError, NoRedrive, RunState, before_failure, fork, whole,
};
use lattice_journal::{Commit, Event, EventBody, ValueRef};
use lattice_model::{Hash, RunId, Seq, limits};
use lattice_ports::{Appended, Clock, Message, Performer, StageQueue, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A fork that somebody wants.
#[derive(Debug, Clone)]
pub struct ForkWish {
    /// The run that is forked.
    pub run: RunId,
    /// From where.
    pub from: ForkFrom,
    /// What is set first, by its path, as it came; it is redacted here.
    pub set: BTreeMap<String, Value>,
    /// The same key gives the same run, within a tenant.
    pub key: Option<String>,
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
    /// The log is gone; the summary says so.
    #[error("the log of run `{0}` has expired; only its summary is kept")]
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

impl From<lattice_ports::PortError> for ForkRefused {
    fn from(error: lattice_ports::PortError) -> Self {
        Self::Driver(error.into())
    }
}

/// Values that are fetched or stored again, at once.
const VALUES_AT_ONCE: usize = 16;

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Queues a fork for whichever worker comes first.
    pub async fn fork(&self, wish: ForkWish) -> Result<Started, ForkRefused> {
        let set: BTreeMap<String, Value> = wish
            .set
            .into_iter()
            .map(|(path, value)| (path, self.redactor.redact_value(value)))
            .collect();
        let request = identity(&wish.run, wish.from, &set);
        let events = self.log_of(&wish.run).await?;
        let (last, tenant) = match (events.last(), events.first().map(|first| &first.body)) {
            (Some(last), Some(EventBody::RunQueued(queued))) => (last.seq, queued.tenant.clone()),
            _ => return Err(self.without_log(&wish.run).await),
        };
        let key = wish.key.map(|key| tenant.scoped(&key));
        if let Some(key) = &key
            && let Some(run) = self.store.run_of_key(key).await?
        {
            return self.known_fork(run, request).await;
        }
        let at = match wish.from {
            ForkFrom::At(at) if at == Seq::ZERO || at > last => {
                let run = wish.run;
                return Err(ForkRefused::NoEvent { run, at, last });
            }
            ForkFrom::At(at) => at,
            ForkFrom::Failed => before_failure(&events)?,
        };
        let at = whole(&events, at).unwrap_or(Seq::FIRST);
        let state = state_at(&*self.store, &wish.run, at).await?;
        let (session, mut decision) = self.decide_fork(&state, wish.run, set, request).await?;
        self.keep_values(&session, &decision.state).await?;
        let begun = decision.state.started_at;
        let put = self.prepare(&session, &mut decision, begun, key).await?;
        match self.send(&session, &put).await? {
            Appended::Written => {}
            Appended::KeyTaken(run) => return self.known_fork(run, request).await,
            Appended::Taken(winner) if self.is_mine(&winner, &put.commit) => {}
            Appended::Taken(_) => {
                let reason = format!("two runs have the id `{}`", session.run);
                return Err(DriverError::Internal(reason).into());
            }
        }
        self.observer.committed(&put.commit);
        let message = Message::new(session.run.clone(), Seq::FIRST);
        self.queue.send(message, 0).await?;
        Ok(Started {
            run: session.run,
            known: false,
        })
    }

    /// The whole log, checked as a worker checks it.
    async fn log_of(&self, run: &RunId) -> Result<Vec<Event>, ForkRefused> {
        if load_run(&*self.store, run, self.settings.guards).await?.is_none() {
            return Ok(Vec::new());
        }
        let commits = self.store.load(run, Seq::FIRST).await?;
        let events = commits.iter().flat_map(|commit: &Commit| &commit.events);
        Ok(events.cloned().collect())
    }

    async fn without_log(&self, run: &RunId) -> ForkRefused {
        match self.store.summary(run).await {
            Ok(Some(_)) => ForkRefused::Expired(run.clone()),
            Ok(None) => DriverError::NoRun(run.clone()).into(),
            Err(error) => error.into(),
        }
    }

    /// The fork's first event, and the session in which it is written.
    async fn decide_fork(
        &self,
        state: &RunState,
        run: RunId,
        set: BTreeMap<String, Value>,
        request: Hash,
    ) -> Result<(Session, Decision), ForkRefused> {
        let plan = self.plan(state.program).await?;
        let at = self.clock.now();
        let [a, b, c, d, e, f, g, h, i, j, ..] = self.clock.fresh();
        let fresh = RunId::from_parts(at, [a, b, c, d, e, f, g, h, i, j]);
        let mut session = self.unborn(fresh, plan);
        let wanted = lattice_engine::ForkRequest {
            run,
            set,
            request,
            at,
        };
        loop {
            match fork(&session.plan, state, &wanted, &session.blobs) {
                Err(ForkError::NeedBlobs(hashes)) => {
                    for hash in hashes {
                        let value = self.patiently(&session, || self.store.blob(hash)).await?;
                        session.blobs.insert(hash, value);
                    }
                }
                Err(error) => return Err(ForkRefused::Fork(error)),
                Ok(decision) => return Ok((session, decision)),
            }
        }
    }

    /// Stores the large values of the other run again: where values expire by the moment at which
    /// they were stored, the fork's count from now on.
    // INVARIANT: a fork reads nothing that goes when the run goes that it was forked from.
    async fn keep_values(&self, session: &Session, state: &RunState) -> Result<(), ForkRefused> {
        let mut hashes = BTreeSet::new();
        let text = serde_json::to_value(state).map_err(|error| {
            DriverError::Internal(format!("the state of a fork: {error}"))
        })?;
        blobs_in(&text, &mut hashes);
        let hashes: Vec<Hash> = hashes.into_iter().collect();
        for some in hashes.chunks(VALUES_AT_ONCE) {
            let kept = some.iter().map(|hash| self.keep_value(session, *hash));
            futures::future::try_join_all(kept).await?;
        }
        Ok(())
    }

    async fn keep_value(&self, session: &Session, hash: Hash) -> Result<(), DriverError> {
        let value = self.patiently(session, || self.store.blob(hash)).await;
        match value {
            Ok(value) => {
                let put = || self.store.put_blob(hash, std::sync::Arc::clone(&value));
                self.patiently(session, put).await
            }
            Err(error) => Err(error),
        }
    }

    /// A fork whose key has a run already: the same fork, or a mistake.
    async fn known_fork(&self, run: RunId, request: Hash) -> Result<Started, ForkRefused> {
        let first = self.store.page(&run, Seq::ZERO, 1).await?;
        let first = first.first().and_then(|commit| commit.events.first());
        match first.map(|event| &event.body) {
            Some(EventBody::RunQueued(queued))
                if queued.forked.as_ref().is_some_and(|it| it.request == request) =>
            {
                Ok(Started { run, known: true })
            }
            _ => Err(ForkRefused::KeyReused { run }),
        }
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
