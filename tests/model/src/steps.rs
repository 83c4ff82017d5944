//! What each action does to a state. What a worker does between two of them stands in `carry`.

use crate::model::{Action, Ask, RunModel};
use crate::rules::Rule;
use crate::world::{Attempt, Delay, Happened, How, Item, Job, Message, World};
use lattice_engine::Decision;
use lattice_journal::{EventBody, InboxBody, InboxItem, ValueRef};
use lattice_model::{Guard, InboxId, NodeId, StageId};
use serde_json::json;
use std::sync::Arc;

/// A state on its way to the next one.
pub struct Step<'m> {
    pub(crate) model: &'m RunModel,
    pub(crate) world: World,
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

    pub(crate) fn breaks(&mut self, rule: Rule) {
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

    pub(crate) fn bury(&mut self) {
        for item in &mut self.world.inbox {
            if matches!(item, Item::Unread(_)) {
                *item = Item::Folded;
            }
        }
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

/// What a decision claims.
pub(crate) fn attempts(decision: &Decision) -> impl Iterator<Item = Attempt> {
    decision.calls.iter().map(|call| Attempt {
        stage: call.stage.clone(),
        attempt: call.attempt,
    })
}
