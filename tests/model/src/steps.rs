//! What each action does. A worker goes the way of `lattice_driver`, cut at every call of the store
//! and the queue: whatever another worker can do in between, it does somewhere in the space.

use crate::log::{Answer, Entry, Stored, View};
use crate::memo::Decided;
use crate::model::{Action, Ask, RunModel};
use crate::rules::{Rule, look_at_events};
use crate::world::{Attempt, Delay, Happened, How, Item, Job, Message, Pending, World};
use lattice_engine::{Cause, Decision, Input, RunState, fold};
use lattice_ir::{CallDone, CallOutcome};
use lattice_journal::{
    Commit, EventBody, Failure, FailureKind, InboxBody, InboxItem, Usage, ValueRef,
};
use lattice_model::{CommitId, Guard, InboxId, NodeId, Seq, StageId, limits};
use serde_json::json;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A state on its way to the next one.
pub struct Step<'m> {
    model: &'m RunModel,
    world: World,
}

/// What a decision came to, once it stands or had nothing to write.
struct Came {
    calls: Vec<Attempt>,
    late: Vec<Attempt>,
    taken: usize,
    more: bool,
    leaves_items: bool,
}

impl<'m> Step<'m> {
    /// Begins in a state.
    pub fn new(model: &'m RunModel, world: World) -> Self {
        Self { model, world }
    }

    /// The state that was reached.
    pub fn over(mut self) -> World {
        self.look_at_effects();
        self.world
    }

    /// Lets the action happen.
    pub fn take(&mut self, action: &Action) {
        match *action {
            Action::Receive(place) => self.receive(place, None),
            Action::ReceiveWithHole(place, hole) => self.receive(place, Some(hole)),
            Action::Copy(place) => {
                self.world.left.copies -= 1;
                let copy = self.world.messages.get(place).cloned();
                self.world.messages.extend(copy);
            }
            Action::Decide(worker) => self.with_job(worker, Self::decide),
            Action::Put(worker) => {
                self.with_job(worker, |step, worker, job| step.put(worker, job, true))
            }
            Action::PutUnanswered(worker) => {
                self.world.left.lost_answers -= 1;
                self.with_job(worker, |step, worker, job| step.put(worker, job, false));
            }
            Action::End(worker, effect, how) => {
                self.world.left.refusals -= u8::from(how == How::Refused);
                self.with_job(worker, |_, _, mut job| {
                    let what = job.flight.remove(effect);
                    job.causes.push(Happened { what, how });
                    Some(job)
                });
            }
            Action::Look(worker) => self.with_job(worker, Self::look),
            Action::Die(worker) => self.die(worker),
            Action::LeaseOver(place) => self.lease_over(place),
            Action::Tick => self.tick(),
            Action::Ask(place) | Action::Repeat(place) => self.ask(place),
        }
    }

    /// Lets a worker go on with its job; without one it is idle again, and its message is deleted.
    fn with_job(&mut self, worker: usize, go: impl FnOnce(&mut Self, usize, Job) -> Option<Job>) {
        let Some(job) = self.world.workers[worker].job.take() else {
            return;
        };
        let job = go(self, worker, job);
        self.world.workers[worker].job = job;
    }

    fn breaks(&mut self, rule: Rule) {
        self.world.broken.get_or_insert(rule);
    }

    fn receive(&mut self, place: usize, hole: Option<usize>) {
        let mut message = self.world.messages.remove(place);
        message.delay = Delay::Over;
        let idle = self.world.workers.iter().position(|it| it.job.is_none());
        let (log, guards) = (&self.world.log, self.model.guards);
        let holed = hole.and_then(|hole| log.load_without(&self.model.run, hole, guards));
        // A hole that is noticed is read again, strongly.
        let (Some(view), Some(worker)) = (holed.or_else(|| log.load()), idle) else {
            return;
        };
        if view.state.status.is_terminal() && guards.on(Guard::TerminalIsFinal) {
            return self.bury();
        }
        if !view.is_right(&self.world.log) {
            self.breaks(Rule::Belief);
        }
        self.world.workers[worker].job = Some(Job {
            message,
            view,
            claimed: 0,
            flight: Vec::new(),
            causes: Vec::new(),
            wakes: true,
            pending: None,
        });
    }

    fn bury(&mut self) {
        for item in &mut self.world.inbox {
            if matches!(item, Item::Unread(_)) {
                *item = Item::Folded;
            }
        }
    }

    /// Reads the inbox and decides; what is to be written is put next.
    fn decide(&mut self, worker: usize, mut job: Job) -> Option<Job> {
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
    fn put(&mut self, worker: usize, mut job: Job, is_told: bool) -> Option<Job> {
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
    fn look(&mut self, _: usize, mut job: Job) -> Option<Job> {
        let entries: Vec<_> = self.world.log.entries().cloned().collect();
        for entry in entries {
            if entry.commit.first > job.view.tail.last() {
                self.rebase(&mut job.view, &entry);
            }
        }
        job.wakes = true;
        Some(job)
    }

    fn die(&mut self, worker: usize) {
        self.world.left.deaths -= 1;
        let worker = &mut self.world.workers[worker];
        worker.name.life += 1;
        if let Some(job) = worker.job.take() {
            self.world.messages.push(job.message);
        }
    }

    /// The message comes, and by then every effect that it names has met its deadline: that is
    /// shorter than the lease, and counted from before the claim was sent (protocol, rule 5).
    fn lease_over(&mut self, place: usize) {
        let message = &mut self.world.messages[place];
        message.delay = Delay::Over;
        let saw = message.saw.clone();
        if !self.model.guards.on(Guard::DeadlineInsideLease) {
            return;
        }
        let jobs = self
            .world
            .workers
            .iter_mut()
            .filter_map(|worker| worker.job.as_mut());
        for job in jobs {
            let (met, flight) = job.flight.drain(..).partition(|it| saw.contains(it));
            job.flight = flight;
            let timed_out = |what| Happened {
                what,
                how: How::TimedOut,
            };
            job.causes.extend(Vec::into_iter(met).map(timed_out));
            if let Some(pending) = job.pending.as_mut().filter(|pending| pending.stood) {
                let late = attempts(&pending.decided.decision).filter(|it| saw.contains(it));
                let late: Vec<_> = late.filter(|it| !pending.late.contains(it)).collect();
                pending.late.extend(late);
            }
        }
    }

    fn tick(&mut self) {
        let Some(due) = self.model.due(&self.world) else {
            return;
        };
        self.world.now = due;
        let chain = self.model.bounds.chain;
        let jobs = self
            .world
            .workers
            .iter_mut()
            .filter_map(|worker| worker.job.as_mut());
        for job in jobs.filter(|job| job.flies()) {
            let claims = job.claimed == 0 || job.claimed < chain;
            let next = match claims {
                true => job.view.state.due_at(),
                false => job.view.state.timer_due_at(),
            };
            job.wakes = next.is_some_and(|at| at <= due);
        }
    }

    fn ask(&mut self, place: usize) {
        let Some(ask) = self.model.bounds.asks.get(place) else {
            return;
        };
        let state = self.world.log.head().map(|entry| Arc::clone(&entry.state));
        let open =
            state.and_then(|state| state.questions().next().map(|(stage, ..)| stage.clone()));
        let answer = |wait| InboxBody::Signal {
            node: NodeId::new("ask"),
            wait,
            value: ValueRef::Inline(Arc::new(json!("yes"))),
        };
        let body = match ask {
            Ask::Cancel => InboxBody::Cancel {
                reason: "enough".to_owned(),
            },
            Ask::Answer => answer(open),
            Ask::OldAnswer => answer(Some(StageId::new("ask@0"))),
        };
        let item = InboxItem {
            run: self.model.run.clone(),
            id: InboxId::new(format!("item-{place}")),
            at: self.world.now,
            body,
        };
        self.world.inbox[place] = Item::Unread(Arc::new(item));
        self.world.messages.push(Message::now());
    }

    /// What must hold of the effects that are under way.
    fn look_at_effects(&mut self) {
        let world = &self.world;
        let flights: Vec<_> = world.flights().collect();
        for (place, (job, one)) in flights.iter().enumerate() {
            let others = flights.get(place + 1..).unwrap_or_default();
            let broken = if others.iter().any(|(_, other)| other.stage == one.stage) {
                Some(Rule::OneEffect)
            } else if !is_claimed(world, one) {
                Some(Rule::ClaimFirst)
            } else if job.flies() && !knows_claim(job, one) {
                Some(Rule::Fenced)
            } else {
                None
            };
            if let Some(rule) = broken {
                return self.breaks(rule);
            }
        }
    }
}

impl RunModel {
    /// Whether a look at the tail and the inbox shows a worker something.
    pub fn has_news(&self, world: &World, job: &Job) -> bool {
        let last = world.log.head().map(|entry| entry.tail.last());
        let cancels = |item: &Arc<InboxItem>| matches!(item.body, InboxBody::Cancel { .. });
        let news = last != Some(job.view.tail.last()) || world.unread().any(cancels);
        news && self.guards.on(Guard::CancelFence)
    }
}

fn attempts(decision: &Decision) -> impl Iterator<Item = Attempt> {
    decision.calls.iter().map(|call| Attempt {
        stage: call.stage.clone(),
        attempt: call.attempt,
    })
}

fn is_claimed(world: &World, one: &Attempt) -> bool {
    world.log.events().any(|event| {
        matches!(&event.body, EventBody::StageStarted(claim)
            if claim.stage == one.stage && claim.attempt == one.attempt)
    })
}

fn knows_claim(job: &Job, one: &Attempt) -> bool {
    let mut claims = job.view.state.claims();
    claims.any(|claim| claim.stage == one.stage && claim.attempt == one.attempt)
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
