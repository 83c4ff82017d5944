//! What a run's log says, kept up to date as commits are written, and what no log may say.

use crate::branches::Branches;
use crate::calls::Calls;
use crate::effects::Effects;
use crate::maps::Maps;
use crate::report::BreachKind;
use crate::signals::Signals;
use crate::sim::{Known, Sim};
use crate::visits::Visits;
use lattice_engine::{Phase, RunState, evolve, fold};
use lattice_ir::OpKind;
use lattice_journal::payload::StageStarted;
use lattice_journal::{Commit, Event, EventBody, Failure, Tail};
use lattice_model::{Hash, InboxId, OpId, RunId, Seq, StageId};
use lattice_ports::Put;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The runs, as their logs stand.
pub type Shadows = BTreeMap<RunId, Shadow>;

type Found = Vec<(BreachKind, String)>;

/// A run as its log stands, whoever was told of it.
#[derive(Debug)]
pub struct Shadow {
    /// What it runs.
    pub known: Arc<Known>,
    /// The end of the log.
    pub tail: Tail,
    /// The fold.
    pub state: RunState,
    /// The log.
    pub commits: Vec<Commit>,
    /// What became of each stage that was claimed.
    pub stages: BTreeMap<StageId, StageLog>,
    /// Names of the stages in the order in which they ended or were skipped.
    pub path: Vec<String>,
    /// What became of the branches.
    pub branches: Branches,
    /// What became of the runs that it called.
    pub calls: Calls,
    /// When the terminal event was written, in virtual time.
    pub ended_ms: Option<u64>,
    /// What became of the answers.
    pub signals: Signals,
    maps: Maps,
    visits: Visits,
    completed: BTreeSet<StageId>,
    folded: BTreeSet<InboxId>,
    /// Whether it began with what another run was: its own log says only the rest, so what is kept
    /// of branches, maps, visits and answers begins in the middle and is not held against it.
    is_fork: bool,
}

/// The attempts of a stage.
#[derive(Debug, Default)]
pub struct StageLog {
    /// Its claims, attempt 1 first.
    pub claims: Vec<Claim>,
    /// Failures after which another attempt followed.
    pub retried: u32,
}

/// One claim.
#[derive(Debug)]
pub struct Claim {
    /// Failures recorded before.
    pub epoch: u32,
    /// The idempotency key.
    pub key: Hash,
    /// What is recorded of its outcome; `None` = nothing: it was lost, or is under way.
    pub recorded: Option<Recorded>,
}

/// The outcome of an attempt in the log.
#[derive(Debug)]
pub struct Recorded {
    /// The failure; `None` = it succeeded.
    pub failure: Option<Failure>,
    /// Whether it is the worker's own word: the receiver had said nothing yet.
    pub by_worker: bool,
}

/// The idempotency key as the protocol defines it.
pub fn key_of(run: &RunId, stage: &StageId, epoch: u32) -> Hash {
    let (run, stage) = (run.as_str().as_bytes(), stage.as_str().as_bytes());
    Hash::of_parts(&[run, stage, &epoch.to_be_bytes()])
}

impl Shadow {
    /// A run without events.
    pub fn new(run: RunId, known: Arc<Known>) -> Self {
        Self {
            known,
            calls: Calls::default(),
            tail: Tail::empty(run),
            state: RunState::empty(),
            commits: Vec::new(),
            stages: BTreeMap::new(),
            path: Vec::new(),
            branches: Branches::default(),
            ended_ms: None,
            completed: BTreeSet::new(),
            signals: Signals::default(),
            maps: Maps::default(),
            visits: Visits::default(),
            folded: BTreeSet::new(),
            is_fork: false,
        }
    }

    /// The claim of an attempt.
    pub fn claim(&self, stage: &StageId, attempt: u32) -> Option<&Claim> {
        let place = usize::try_from(attempt).ok()?.checked_sub(1)?;
        self.stages.get(stage)?.claims.get(place)
    }

    /// The fold up to a seq.
    pub fn state_at(&self, seq: Seq) -> RunState {
        let events = self.commits.iter().flat_map(|commit| &commit.events);
        fold(
            RunState::empty(),
            events.take_while(|event| event.seq <= seq),
        )
    }

    /// Every event.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.commits.iter().flat_map(|commit| &commit.events)
    }

    /// Whether an inbox item was folded.
    pub fn has_folded(&self, inbox: &InboxId) -> bool {
        self.folded.contains(inbox)
    }

    /// Takes a commit that was written, and gives everything that is wrong with it.
    pub fn write(&mut self, put: &Put, sim: &Sim, effects: &Effects) -> Found {
        let mut found = Found::new();
        let commit = &put.commit;
        match self.tail.follow(commit) {
            Ok(tail) => self.tail = tail,
            Err(error) => {
                // Behind the end there would be a hole; before it, something was written over.
                let kind = match commit.first > self.tail.last() {
                    true => BreachKind::Gap,
                    false => BreachKind::Lost,
                };
                found.push((kind, format!("a commit does not follow: {error}")));
                return found;
            }
        }
        let begins = |event: &Event| matches!(event.body, EventBody::RunForked(_));
        self.is_fork |= commit.events.iter().any(begins);
        for event in &commit.events {
            self.check_event(event, effects, &mut found);
            if !self.is_fork {
                self.check_parts(event, sim, &mut found);
            }
            let before = self.state.status;
            evolve(&mut self.state, event);
            let after = self.state.status;
            if before != after && !before.may_become(after) && self.state.seq != Seq::FIRST {
                found.push((
                    BreachKind::Wrong,
                    format!("a run went from {before} to {after}"),
                ));
            }
        }
        if !self.is_fork {
            found.extend(self.branches.settled(&self.known.nesting));
            found.extend(self.maps.settled());
        }
        self.calls.settle();
        self.commits.push(Commit::clone(commit));
        self.check_commit(put, &mut found);
        if self.state.status.is_terminal() && self.ended_ms.is_none() {
            self.ended_ms = Some(sim.now_ms());
        }
        found
    }

    fn check_parts(&mut self, event: &Event, sim: &Sim, found: &mut Found) {
        let (known, now_ms) = (&*self.known, sim.now_ms());
        let (program, nesting) = (known.plan.program(), &known.nesting);
        found.extend(self.branches.take(event, nesting, now_ms));
        found.extend(self.signals.take(event, known, sim));
        found.extend(self.calls.take(event, now_ms));
        found.extend(self.maps.take(event, nesting, sim.scenario.skew_ms == 0));
        let visits = self.visits.take(&event.body, program, nesting);
        found.extend(visits.into_iter().map(|text| (BreachKind::Wrong, text)));
    }

    fn check_event(&mut self, event: &Event, effects: &Effects, found: &mut Found) {
        let mut wrong = |kind, text: String| found.push((kind, text));
        if self.state.status.is_terminal() {
            let (seq, kind) = (event.seq, event.body.kind());
            wrong(
                BreachKind::Wrong,
                format!("`{kind}` at {seq} follows the end of the run"),
            );
        }
        match &event.body {
            EventBody::StageStarted(started) => {
                found.extend(self.check_claim(started));
            }
            EventBody::LlmStepCompleted(done) => {
                found.extend(self.record(&done.stage, done.attempt, None, effects));
            }
            EventBody::LlmStepFailed(failed) => {
                let failure = Some(failed.failure.clone());
                found.extend(self.record(&failed.stage, failed.attempt, failure, effects));
            }
            EventBody::StageRetrying(retrying) => {
                self.stages
                    .entry(retrying.stage.clone())
                    .or_default()
                    .retried += 1;
            }
            EventBody::StageCompleted(done) => found.extend(self.end_stage(&done.stage)),
            EventBody::StageFailed(failed) => found.extend(self.end_stage(&failed.stage)),
            EventBody::StageSkipped(skipped) => found.extend(self.end_stage(&skipped.stage)),
            EventBody::TimerFired(timer) if event.timestamp < timer.due_at => {
                wrong(
                    BreachKind::Wrong,
                    format!("the timer of `{}` fired early", timer.stage),
                );
            }
            _ => {}
        }
    }

    fn check_claim(&mut self, started: &StageStarted) -> Found {
        let mut found = Found::new();
        let (stage, attempt) = (&started.stage, started.attempt);
        let ceiling = attempts_max(&self.known, started.op);
        let log = self.stages.entry(stage.clone()).or_default();
        let expected = u32::try_from(log.claims.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        if attempt != expected {
            let text = format!("`{stage}` was claimed as attempt {attempt}, not {expected}");
            found.push((BreachKind::Duplicated, text));
        }
        if ceiling.is_none_or(|attempts_max| attempt > attempts_max) {
            let text = format!("attempt {attempt} of `{stage}` is over its ceiling");
            found.push((BreachKind::Wrong, text));
        }
        let key = key_of(self.tail.run(), stage, log.retried);
        if started.epoch != log.retried || started.key != key {
            let text = format!(
                "attempt {attempt} of `{stage}` has another key than the lost one before it"
            );
            found.push((BreachKind::Duplicated, text));
        }
        let (epoch, key) = (started.epoch, started.key);
        log.claims.push(Claim {
            epoch,
            key,
            recorded: None,
        });
        found
    }

    /// An outcome counts for the attempt that is claimed, once, and is the one its receiver gave.
    fn record(
        &mut self,
        stage: &StageId,
        attempt: u32,
        failure: Option<Failure>,
        effects: &Effects,
    ) -> Found {
        let mut found = Found::new();
        let run = self.tail.run().clone();
        let phase = self.state.stages.get(stage).map(|stage| &stage.phase);
        let running = matches!(phase, Some(Phase::Claimed { attempt: now, .. }) if *now == attempt);
        if !running {
            let text = format!("attempt {attempt} of `{stage}` has an outcome and no claim");
            found.push((BreachKind::Duplicated, text));
        }
        let told = effects
            .of(&run, stage, attempt)
            .and_then(|sent| sent.outcome.as_ref());
        let by_worker = told.is_none();
        if by_worker && failure.as_ref().is_none_or(|failure| !is_timeout(failure)) {
            let text = format!("attempt {attempt} of `{stage}` has an outcome that nobody gave");
            found.push((BreachKind::Wrong, text));
        }
        let place = (attempt as usize).saturating_sub(1);
        let log = self.stages.entry(stage.clone()).or_default();
        match log.claims.get_mut(place) {
            Some(claim) if claim.recorded.is_none() => {
                claim.recorded = Some(Recorded { failure, by_worker });
            }
            Some(_) => {
                let text = format!("attempt {attempt} of `{stage}` has two outcomes");
                found.push((BreachKind::Duplicated, text));
            }
            None => {}
        }
        found
    }

    fn end_stage(&mut self, stage: &StageId) -> Found {
        self.path.push(stage.as_str().to_owned());
        if self.completed.insert(stage.clone()) {
            return Found::new();
        }
        vec![(BreachKind::Duplicated, format!("`{stage}` ended twice"))]
    }

    fn check_commit(&mut self, put: &Put, found: &mut Found) {
        let last = put.commit.events.last().map(|event| &event.body);
        let asks = |event: &Event| matches!(event.body, EventBody::CancelRequested(_));
        if put.commit.events.iter().any(asks) && !matches!(last, Some(EventBody::RunCancelled(_))) {
            found.push((
                BreachKind::Wrong,
                "a cancel and its end are not one commit".to_owned(),
            ));
        }
        for inbox in &put.folds {
            if !self.folded.insert(inbox.clone()) {
                let text = format!("inbox item `{inbox}` was folded twice");
                found.push((BreachKind::Duplicated, text));
            }
        }
        let terminal = last.is_some_and(EventBody::is_terminal);
        if terminal != put.summary.is_some() {
            let text = "the summary was not written with the terminal event".to_owned();
            found.push((BreachKind::Wrong, text));
        }
    }
}

fn is_timeout(failure: &Failure) -> bool {
    failure.kind == lattice_journal::FailureKind::Timeout
}

/// The ceiling of an op's attempts.
pub fn attempts_max(known: &Known, op: OpId) -> Option<u32> {
    match &known.plan.op(op)?.0.kind {
        OpKind::Call(call) => Some(call.retry.attempts_max),
        _ => None,
    }
}
