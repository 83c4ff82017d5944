//! One run while one worker looks at it: state and tail move together, by acknowledged commits.

use crate::driver::Driver;
use crate::error::DriverError;
use crate::load::{Loaded, checkpoint, load_run};
use crate::observe::log_status;
use crate::put::put;
use lattice_engine::{BlobCache, Cause, DecideError, Decision, Input, RunState, decide, fold};
use lattice_ir::{CallRequest, Plan};
use lattice_journal::{Commit, EventBody, InboxItem, RunStatus, Tail};
use lattice_model::{Guard, Millis, RunId, Seq, StageId, limits};
use lattice_ports::{Appended, Clock, Performer, PortError, Put, StageQueue, Store};
use std::sync::Arc;

/// Conflicts in a row after which the message goes back.
const CONFLICTS_MAX: u32 = 16;
/// Repeats of one call that was not answered, before the message goes back.
const REPEATS_MAX: u32 = 3;
/// The pause behind those repeats, where a result is worth more of them, in milliseconds.
const LONGER_PAUSE_MS: u64 = 100;
const LONGER_PAUSE_MS_MAX: u64 = 5_000;

/// One run while one worker looks at it.
pub(crate) struct Session {
    pub run: RunId,
    pub plan: Arc<Plan>,
    pub state: RunState,
    pub tail: Tail,
    commits_since: u64,
    bytes_since: u64,
    /// Bytes of the last checkpoint; 0 if there is none.
    checkpoint_bytes: u64,
    pub blobs: BlobCache,
    /// While a result is not recorded yet: the monotonic moment at which its attempt's lease ends.
    /// Until then calls that are not answered are repeated, since giving up would lose the result
    /// and pay for its effect again.
    pub patient_until_ms: u64,
    /// Whether the run may begin: its limit has a place for it, or it has none.
    pub has_place: bool,
}

/// What a step came to.
pub(crate) struct Step {
    /// Calls that the step claimed, and the moment before the claim was sent.
    pub calls: Vec<CallRequest>,
    /// The monotonic moment before the claim was sent.
    pub begun_ms: u64,
    /// Stages that the step let call a run.
    pub children: Vec<StageId>,
    /// How many of the causes stand in the log now; the others have to be told again.
    pub taken: usize,
    /// Whether anything was written.
    pub wrote: bool,
    /// Whether `decide` has to be asked again at once.
    pub more: bool,
    /// Whether the inbox holds items that the step did not fold.
    pub leaves_items: bool,
}

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Loads a run. `None` if there is none.
    pub(crate) async fn open(&self, run: &RunId) -> Result<Option<Session>, DriverError> {
        let loaded = load_run(&*self.store, run, self.settings.guards).await?;
        let Some(Loaded {
            tail,
            state,
            commits_since,
            bytes_since,
            checkpoint_bytes,
        }) = loaded
        else {
            return Ok(None);
        };
        let plan = self.plan(state.program).await?;
        let blobs = BlobCache::new();
        let run = run.clone();
        Ok(Some(Session {
            run,
            plan,
            state,
            tail,
            commits_since,
            bytes_since,
            checkpoint_bytes,
            blobs,
            patient_until_ms: 0,
            has_place: false,
        }))
    }

    /// A run that is about to begin.
    pub(crate) fn unborn(&self, run: RunId, plan: Arc<Plan>) -> Session {
        Session {
            tail: Tail::empty(run.clone()),
            state: RunState::empty(),
            blobs: BlobCache::new(),
            commits_since: 0,
            bytes_since: 0,
            checkpoint_bytes: 0,
            patient_until_ms: 0,
            has_place: false,
            run,
            plan,
        }
    }

    /// Decides and appends until the decision stands in the log.
    pub(crate) async fn step(
        &self,
        session: &mut Session,
        causes: &[Cause],
        claims: bool,
    ) -> Result<Step, DriverError> {
        let mut conflicts = 0;
        loop {
            let input = self.input(session, causes, claims).await?;
            let begun_ms = self.clock.monotonic_ms();
            let decision = self.decide(session, &input).await?;
            self.perform_unclaimed(&decision.calls).await;
            if decision.events.is_empty() {
                return Ok(Step {
                    calls: Vec::new(),
                    children: Vec::new(),
                    begun_ms,
                    taken: decision.taken,
                    wrote: false,
                    more: false,
                    leaves_items: !input.inbox.is_empty(),
                });
            }
            let (calls, more, taken) = (decision.calls.clone(), decision.more, decision.taken);
            let children = decision.children.clone();
            let leaves_items = decision.folds.len() < input.inbox.len();
            if self.append(session, decision, input.at).await? {
                return Ok(Step {
                    calls,
                    children,
                    begun_ms,
                    taken,
                    wrote: true,
                    more,
                    leaves_items,
                });
            }
            self.observer.conflict(&session.run);
            conflicts += 1;
            if conflicts == CONFLICTS_MAX {
                let run = session.run.clone();
                return Err(DriverError::Contended { run, conflicts });
            }
            if conflicts > 1 {
                self.clock.sleep(self.jitter_ms(conflicts)).await;
            }
        }
    }

    /// Asks the engine, fetching the large values that it needs.
    pub(crate) async fn decide(
        &self,
        session: &mut Session,
        input: &Input,
    ) -> Result<Decision, DriverError> {
        loop {
            match decide(&session.plan, &session.state, input, &session.blobs) {
                Err(DecideError::NeedBlobs(hashes)) => {
                    for hash in hashes {
                        let value = self.patiently(session, || self.store.blob(hash)).await?;
                        session.blobs.insert(hash, value);
                    }
                }
                other => return Ok(other?),
            }
        }
    }

    /// What the engine is told: what happened, the time, and the unread inbox.
    pub(crate) async fn input(
        &self,
        session: &Session,
        causes: &[Cause],
        claims: bool,
    ) -> Result<Input, DriverError> {
        let inbox = match session.tail.last() {
            Seq::ZERO => Vec::new(),
            _ => {
                let (store, run) = (&*self.store, &session.run);
                self.patiently(session, || store.unread(run, limits::FOLD_ITEMS_MAX))
                    .await?
            }
        };
        Ok(Input {
            run: session.run.clone(),
            at: self.clock.now(),
            boot: self.settings.boot.clone(),
            has_place: session.has_place,
            claims,
            log_bytes: session.tail.bytes(),
            inbox,
            causes: causes.to_vec(),
            guards: self.settings.guards,
        })
    }

    /// Appends a decision; says whether it stands. If another worker was faster, its commit is
    /// folded in and the same input has to be decided again (protocol, rule 3).
    pub(crate) async fn append(
        &self,
        session: &mut Session,
        mut decision: Decision,
        at: Millis,
    ) -> Result<bool, DriverError> {
        // With the guard off, the old decision is put again under a new seq.
        let rekeyed = (!self.settings.guards.on(Guard::RedecideOnRebase)).then(|| decision.clone());
        let put = self.prepare(session, &mut decision, at, None).await?;
        match self.send(session, &put).await? {
            Appended::Written => {}
            Appended::Taken(winner) if self.is_mine(&winner, &put.commit) => {}
            Appended::Taken(winner) => {
                self.rebase(session, &winner)?;
                return match rekeyed {
                    Some(decision) => Box::pin(self.append(session, decision, at)).await,
                    None => Ok(false),
                };
            }
            Appended::KeyTaken(run) => {
                return Err(DriverError::Internal(format!(
                    "start key of `{run}` met late"
                )));
            }
        }
        self.advance(session, decision, &put).await?;
        Ok(true)
    }

    /// What it takes to append a decision; its events are gone from it then.
    pub(crate) async fn prepare(
        &self,
        session: &Session,
        decision: &mut Decision,
        at: Millis,
        start_key: Option<String>,
    ) -> Result<Put, DriverError> {
        let notices = self.notices(session, decision, at).await?;
        self.seal(session, decision, at, start_key, notices).await
    }

    /// Stores the decision's large values and seals its events.
    pub(crate) async fn seal(
        &self,
        session: &Session,
        decision: &mut Decision,
        at: Millis,
        start_key: Option<String>,
        notices: Vec<InboxItem>,
    ) -> Result<Put, DriverError> {
        for (hash, value) in &decision.blobs {
            self.patiently(session, || self.store.put_blob(*hash, Arc::clone(value)))
                .await?;
        }
        let events = std::mem::take(&mut decision.events);
        let commit = Commit::seal(&session.tail, self.fresh_commit(), at, events)?;
        Ok(put(session, decision, commit, at, start_key, notices))
    }

    /// Moves the session over its own acknowledged commit.
    pub(crate) async fn advance(
        &self,
        session: &mut Session,
        decision: Decision,
        put: &Put,
    ) -> Result<(), DriverError> {
        let rested = (session.state.status, session.state.due_at());
        session.tail = session.tail.follow(&put.commit)?;
        session.commits_since += 1;
        session.bytes_since += put.commit.body.len() as u64;
        session.state = decision.state;
        session.blobs.extend(decision.blobs);
        self.observer.committed(&put.commit);
        let status = session.state.status;
        if status != rested.0 {
            log_status(&put.commit, session);
        }
        // One wait may follow another in a single commit: the status is the same, the moment is not.
        let waits_anew = status == RunStatus::Waiting && session.state.due_at() != rested.1;
        // A row that says that the run waits leads nobody to a run that it called and that has not
        // begun: it is written behind the call.
        let calls = !decision.children.is_empty();
        if put.head.is_none() && !calls && (status != rested.0 || waits_anew) {
            let at = put.commit.events.last().map(|event| event.timestamp);
            self.put_row(session, at.unwrap_or(session.state.started_at))
                .await?;
        }
        self.wake_told(session, &put.notices).await?;
        match status.is_terminal() {
            // Every end that a worker writes comes by here.
            true => self.leave_place(session).await?,
            false => self.checkpoint(session).await,
        }
        Ok(())
    }

    /// Folds a commit of another worker in.
    pub(crate) fn rebase(&self, session: &mut Session, winner: &Commit) -> Result<(), DriverError> {
        session.tail = match session.tail.follow(winner) {
            Ok(tail) => tail,
            Err(error) if self.settings.guards.on(Guard::DenseLoad) => return Err(error.into()),
            Err(_) => session.tail.follow_unchecked(winner),
        };
        session.commits_since += 1;
        session.bytes_since += winner.body.len() as u64;
        session.state = fold(session.state.clone(), &winner.events);
        Ok(())
    }

    /// Sends a put, again and byte-identical if its answer is lost (protocol, rule 1).
    pub(crate) async fn send(&self, session: &Session, put: &Put) -> Result<Appended, DriverError> {
        let mut put = put.clone();
        // With the guard off, other runs are told behind the commit.
        if !self.settings.guards.on(Guard::ChildEndWithCommit) {
            put.notices.clear();
        }
        self.patiently(session, || self.store.append(put.clone()))
            .await
    }

    /// Makes a call that may be repeated until it is answered: a few times, and as long as a result
    /// waits to be recorded that still counts.
    pub(crate) async fn patiently<T, F>(
        &self,
        session: &Session,
        call: impl Fn() -> F + Send,
    ) -> Result<T, DriverError>
    where
        F: Future<Output = Result<T, PortError>> + Send,
    {
        let mut repeats = 0;
        loop {
            match call().await {
                Err(PortError::Unavailable { .. })
                    if repeats < REPEATS_MAX
                        || self.clock.monotonic_ms() < session.patient_until_ms =>
                {
                    repeats += 1;
                    self.clock.sleep(self.pause_ms(repeats)).await;
                }
                other => return Ok(other?),
            }
        }
    }

    /// Whether the commit that stands there is the one that was put.
    // INVARIANT: only the same commit id means that an answer was lost; the worker's id means
    // nothing (Guard::CommitIdentity).
    pub(crate) fn is_mine(&self, winner: &Commit, put: &Commit) -> bool {
        let of_this_boot = |body: &EventBody| matches!(body, EventBody::StageStarted(claim) if claim.boot == self.settings.boot);
        let loose = !self.settings.guards.on(Guard::CommitIdentity)
            && winner.events.iter().any(|event| of_this_boot(&event.body));
        winner.id == put.id || loose
    }

    /// Writes a checkpoint when enough has happened. Best effort: it is only a cache.
    async fn checkpoint(&self, session: &mut Session) {
        // A checkpoint is as large as the state: writing it no more often than the log has grown
        // by as much keeps what is written in proportion to the log.
        let due = (session.commits_since >= limits::CHECKPOINT_COMMITS
            || session.bytes_since >= limits::CHECKPOINT_BYTES)
            && session.bytes_since >= session.checkpoint_bytes;
        let Some(checkpoint) = due
            .then(|| checkpoint(&session.tail, &session.state))
            .flatten()
        else {
            return;
        };
        let bytes = checkpoint.body.len() as u64;
        match self.store.put_checkpoint(checkpoint).await {
            Ok(_) => {
                (session.commits_since, session.bytes_since) = (0, 0);
                session.checkpoint_bytes = bytes;
            }
            Err(error) => tracing::warn!(run = %session.run, %error, "checkpoint not written"),
        }
    }

    /// The pause before a repeat: short at first, later doubled up to a ceiling.
    fn pause_ms(&self, repeats: u32) -> u64 {
        let longer = repeats.saturating_sub(REPEATS_MAX).min(8);
        let pause = match longer {
            0 => 0,
            _ => (LONGER_PAUSE_MS << (longer - 1)).min(LONGER_PAUSE_MS_MAX),
        };
        pause + self.jitter_ms(repeats.min(CONFLICTS_MAX))
    }

    /// A short pause that is not the same for two workers.
    fn jitter_ms(&self, round: u32) -> u64 {
        let [chance, ..] = self.clock.fresh();
        u64::from(chance) * u64::from(round) / 16
    }
}
