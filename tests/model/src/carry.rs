//! The way of a worker that serves a message: that of `lattice_driver`, cut at every call of the store
//! and the queue. Whatever another worker can do in between, it does somewhere in the space.

use crate::log::{Answer, Entry, Stored, View};
use crate::memo::Decided;
use crate::rules::{Rule, look_at_events};
use crate::steps::{Step, attempts};
use crate::world::{Attempt, Delay, Happened, How, Item, Job, Message, Pending};
use lattice_engine::{Cause, Decision, Input, RunState, fold};
use lattice_ir::{CallDone, CallOutcome};
use lattice_journal::{Commit, EventBody, Failure, FailureKind, InboxItem, Usage};
use lattice_model::{CommitId, Guard, Seq, limits};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a decision came to, once it stands or had nothing to write.
struct Came {
    calls: Vec<Attempt>,
    late: Vec<Attempt>,
    taken: usize,
    more: bool,
    leaves_items: bool,
}

impl Step<'_> {
    /// Reads the inbox and decides; what is to be written is put next.
    pub(crate) fn decide(&mut self, worker: usize, mut job: Job) -> Option<Job> {
        let (model, told) = (self.model, self.world.unread().count());
        let known = (&job.view.tail, &*job.view.state);
        let input = || self.input(&job);
        let decided = model
            .memo
            .decide(&model.plan, known, self.question(&job), input);
        let Some(decided) = decided else {
            self.breaks(Rule::NothingStuck);
            return Some(job);
        };
        let events = &decided.decision.events;
        let unread: Vec<_> = self.world.unread().collect();
        if let Some(rule) = look_at_events(events, &job.causes, &unread) {
            self.breaks(rule);
        }
        if !model.guards.on(Guard::ClaimBeforeEffect) {
            job.flight.extend(attempts(&decided.decision));
        }
        let Some(commit) = decided.commit.clone() else {
            let came = Came {
                calls: Vec::new(),
                late: Vec::new(),
                taken: decided.decision.taken,
                more: false,
                leaves_items: told > 0,
            };
            return self.go_on(job, came);
        };
        job.wakes = true;
        job.pending = Some(self.pending(worker, commit, decided, told));
        Some(job)
    }

    /// All that the engine is told, beside the run itself.
    fn question(&self, job: &Job) -> u64 {
        let mut hasher = DefaultHasher::new();
        let world = &self.world;
        (&job.causes, self.claims(job), &world.inbox, world.now).hash(&mut hasher);
        hasher.finish()
    }

    fn input(&self, job: &Job) -> Input {
        let unread = self.world.unread().map(|item| InboxItem::clone(item));
        Input {
            run: self.model.run.clone(),
            at: self.world.now,
            boot: self.model.boot.clone(),
            has_place: true,
            claims: self.claims(job),
            log_bytes: job.view.tail.bytes(),
            inbox: unread.take(limits::FOLD_ITEMS_MAX).collect(),
            causes: job.causes.iter().map(cause).collect(),
            guards: self.model.guards,
        }
    }

    fn claims(&self, job: &Job) -> bool {
        job.claimed == 0 || job.claimed < self.model.bounds.chain
    }

    /// A put under an id that no other put has.
    fn pending(
        &self,
        worker: usize,
        commit: Arc<Commit>,
        decided: Arc<Decided>,
        told: usize,
    ) -> Pending {
        let (name, first) = (self.world.workers[worker].name, commit.first);
        Pending {
            id: CommitId::new(format!("{}.{}@{first}", name.worker, name.life)),
            commit,
            decided,
            told,
            late: Vec::new(),
            stood: false,
        }
    }

    /// A put comes to the store (protocol, rule 1).
    pub(crate) fn put(&mut self, worker: usize, mut job: Job, is_told: bool) -> Option<Job> {
        let pending = job.pending.take()?;
        let (model, guards) = (self.model, self.model.guards);
        let put = (&pending.id, &pending.commit);
        match self.world.log.put((&model.plan, &model.memo), put, guards) {
            Answer::Written(log, broken) => {
                self.world.log = log;
                self.world.broken = self.world.broken.or(broken);
                self.fold_items(&pending.decided.decision);
                if is_told {
                    return self.advance(job, pending);
                }
                let stood = true;
                job.pending = Some(Pending { stood, ..pending });
                Some(job)
            }
            Answer::Taken(_) if !is_told => {
                job.pending = Some(pending);
                Some(job)
            }
            Answer::Taken(winner) if self.is_mine(&winner, &pending) => self.advance(job, pending),
            Answer::Taken(winner) => {
                self.rebase(&mut job.view, &winner.entry);
                if !guards.on(Guard::RedecideOnRebase) {
                    job.pending = self.rekeyed(worker, &job.view, &pending);
                }
                Some(job)
            }
        }
    }

    /// With the guard off, the old decision is put again under a new seq.
    fn rekeyed(&self, worker: usize, view: &View, old: &Pending) -> Option<Pending> {
        let (id, at) = (CommitId::new(""), self.world.now);
        let events = old.decided.decision.events.clone();
        let commit = Commit::seal(&view.tail, id, at, events).ok()?;
        let decided = Arc::clone(&old.decided);
        Some(self.pending(worker, Arc::new(commit), decided, old.told))
    }

    fn is_mine(&self, winner: &Stored, put: &Pending) -> bool {
        let of_this_boot = |body: &EventBody| matches!(body, EventBody::StageStarted(claim) if claim.boot == self.model.boot);
        let mut events = winner.entry.commit.events.iter();
        let loose = !self.model.guards.on(Guard::CommitIdentity)
            && events.any(|event| of_this_boot(&event.body));
        winner.id == put.id || loose
    }

    /// Tombstones stand with the commit that folds.
    fn fold_items(&mut self, decision: &Decision) {
        if !self.model.guards.on(Guard::Tombstones) {
            return;
        }
        for item in &mut self.world.inbox {
            if matches!(item, Item::Unread(unread) if decision.folds.contains(&unread.id)) {
                *item = Item::Folded;
            }
        }
    }

    /// Moves a worker over its own acknowledged commit.
    fn advance(&mut self, mut job: Job, pending: Pending) -> Option<Job> {
        match job.view.tail.follow(&pending.commit) {
            Ok(tail) => job.view.tail = tail,
            Err(_) => self.breaks(Rule::Belief),
        }
        let decision = &pending.decided.decision;
        job.view.state = Arc::new(decision.state.clone());
        self.believes(&mut job.view);
        let came = Came {
            calls: attempts(decision).collect(),
            late: pending.late,
            taken: decision.taken,
            more: decision.more,
            leaves_items: decision.folds.len() < pending.told,
        };
        self.go_on(job, came)
    }

    /// Folds a commit of another worker in (protocol, rule 3).
    fn rebase(&mut self, view: &mut View, winner: &Entry) {
        match view.tail.follow(&winner.commit) {
            Ok(tail) => view.tail = tail,
            Err(_) => self.breaks(Rule::Belief),
        }
        let state = RunState::clone(&view.state);
        view.state = Arc::new(fold(state, &winner.commit.events));
        self.believes(view);
    }

    fn believes(&mut self, view: &mut View) {
        if !view.is_right(&self.world.log) {
            return self.breaks(Rule::Belief);
        }
        // Equal, so that the memory of one of them is enough.
        if let Some(entry) = self.entry_at(view.tail.last()) {
            view.state = Arc::clone(&entry.state);
        }
    }

    fn entry_at(&self, last: Seq) -> Option<&Arc<Entry>> {
        let mut entries = self.world.log.entries();
        entries.find(|entry| entry.tail.last() == last)
    }

    /// What a worker does behind a decision, until it has to wait for something.
    fn go_on(&mut self, mut job: Job, came: Came) -> Option<Job> {
        if job.view.state.status.is_terminal() {
            if came.leaves_items {
                self.bury();
            }
            return None;
        }
        job.causes.drain(..came.taken.min(job.causes.len()));
        job.claimed = (job.claimed + came.calls.len()).min(self.model.bounds.chain);
        for what in came.calls {
            match came.late.contains(&what) {
                true => job.causes.push(Happened {
                    what,
                    how: How::TimedOut,
                }),
                false => job.flight.push(what),
            }
        }
        job.flight.sort();
        job.flight.dedup();
        if self.model.guards.on(Guard::CancelFence) {
            let claims: Vec<_> = job.view.state.claims().collect();
            let counts = |it: &Attempt| {
                let is_it = |claim: &lattice_engine::Claimed| {
                    claim.stage == it.stage && claim.attempt == it.attempt
                };
                claims.iter().any(is_it)
            };
            job.flight.retain(counts);
        }
        job.wakes = came.more;
        match job.wakes || !job.causes.is_empty() || !job.flight.is_empty() {
            true => Some(job),
            false => self.leave(job),
        }
    }

    /// Nothing can be decided: somebody else is at it, or it is not time yet (protocol, rule 6).
    fn leave(&mut self, mut job: Job) -> Option<Job> {
        let (claims, guards) = (self.claims(&job), self.model.guards);
        let has_ready = job.view.state.has_ready();
        let claimed = job.view.state.claims();
        let claimed: Vec<_> = claimed
            .map(|it| Attempt {
                stage: it.stage,
                attempt: it.attempt,
            })
            .collect();
        if !claimed.is_empty() {
            let is_over = |it: &&Attempt| {
                let noted = job.message.saw.contains(it) && guards.on(Guard::LeaseNote);
                noted || !guards.on(Guard::LeaseWait)
            };
            let over: Vec<Attempt> = claimed.iter().filter(is_over).cloned().collect();
            if claims && !over.is_empty() {
                let lost = |what| Happened {
                    what,
                    how: How::Lost,
                };
                job.causes = over.into_iter().map(lost).collect();
                return Some(job);
            }
            if guards.on(Guard::ReturnOnLiveClaim) {
                let delay = match over.len() == claimed.len() {
                    true => Delay::Over,
                    false => Delay::Lease,
                };
                self.world.messages.push(Message {
                    delay,
                    saw: claimed,
                });
            }
            if claims || !has_ready {
                return None;
            }
        }
        if !claims && has_ready {
            self.hand_on(Delay::Over);
            return None;
        }
        if let Some(due_at) = job.view.state.due_at() {
            if due_at <= self.world.now && claims {
                job.wakes = true;
                return Some(job);
            }
            self.hand_on(Delay::Until(due_at));
        }
        None
    }

    fn hand_on(&mut self, delay: Delay) {
        let is_near = match delay {
            Delay::Until(at) => at.since(self.world.now) <= limits::QUEUE_DELAY_MS_MAX,
            Delay::Over | Delay::Lease => true,
        };
        let delay = match delay {
            Delay::Until(at) if at <= self.world.now => Delay::Over,
            other => other,
        };
        if is_near && self.model.guards.on(Guard::HandOnBeforeDelete) {
            let saw = Vec::new();
            self.world.messages.push(Message { delay, saw });
        }
    }

    /// Folds in what others wrote while effects are under way (protocol, rule 11).
    pub(crate) fn look(&mut self, _: usize, mut job: Job) -> Option<Job> {
        let entries: Vec<_> = self.world.log.entries().cloned().collect();
        for entry in entries {
            if entry.commit.first > job.view.tail.last() {
                self.rebase(&mut job.view, &entry);
            }
        }
        job.wakes = true;
        Some(job)
    }
}

fn cause(happened: &Happened) -> Cause {
    let (stage, attempt) = (happened.what.stage.clone(), happened.what.attempt);
    let failed = |kind| Err((Failure::new(kind, "no"), Usage::default()));
    let outcome: CallOutcome = match happened.how {
        How::Lost => return Cause::Lost { stage, attempt },
        How::Done => Ok(CallDone {
            text: "well".to_owned(),
            model: "small".to_owned(),
            finish: "stop".to_owned(),
            usage: Usage::default(),
            latency_ms: 1,
        }),
        How::Refused => failed(FailureKind::Refused),
        How::TimedOut => failed(FailureKind::Timeout),
    };
    Cause::Ended {
        stage,
        attempt,
        outcome,
    }
}
