//! The model: what can happen in a state, and what must hold in every one.

use crate::log::{Answer, Log};
use crate::memo::Memo;
use crate::rules::Rule;
use crate::steps::Step;
use crate::world::{Faults, How, Item, Message, Name, Worker, World};
use lattice_engine::{Origin, start};
use lattice_ir::{Plan, Program};
use lattice_journal::payload::{BranchOutcome, SignalOutcome};
use lattice_journal::{Commit, EventBody, RunStatus, Tail};
use lattice_model::{BootId, CommitId, Guard, Guards, Millis, RunId, Tenant};
use serde_json::json;
use stateright::{Model, Property};
use std::sync::Arc;

/// What somebody outside may ask of the run, at any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Its end.
    Cancel,
    /// To go on with this answer.
    Answer,
    /// To take an answer to a visit of the question that is long over.
    OldAnswer,
}

/// How large the space is.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Who shares the run.
    pub workers: u8,
    /// What may go wrong.
    pub faults: Faults,
    /// What may be asked for, once each.
    pub asks: &'static [Ask],
    /// Costly stages that one delivery performs.
    pub chain: usize,
    /// Whether a load may miss a commit.
    pub holes: bool,
    /// Whether who asked may ask the same again, because no answer came.
    pub repeats: bool,
}

/// A Program within bounds, under the rules of the protocol.
pub struct RunModel {
    /// The Program.
    pub plan: Plan,
    /// How large the space is.
    pub bounds: Bounds,
    /// The rules in force.
    pub guards: Guards,
    /// The run.
    pub run: RunId,
    /// Every worker writes the same one: it may mean nothing (protocol, rule 1).
    pub boot: BootId,
    /// What the engine said before.
    pub memo: Memo,
}

/// One thing that happens. Workers, messages, effects and items are named by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A worker takes a message and loads the run.
    Receive(usize),
    /// The same, and the load misses a commit.
    ReceiveWithHole(usize, usize),
    /// A message is delivered once more.
    Copy(usize),
    /// A worker reads the inbox and decides.
    Decide(usize),
    /// Its put comes to the store, and it is told.
    Put(usize),
    /// Its put comes to the store, and it is not told.
    PutUnanswered(usize),
    /// An effect ends.
    End(usize, usize, How),
    /// A worker whose effects are under way looks at the tail and the inbox.
    Look(usize),
    /// A worker dies; its message comes again.
    Die(usize),
    /// The leases that a message waits for are over.
    LeaseOver(usize),
    /// The next timer of the run is due.
    Tick,
    /// Somebody asks for something.
    Ask(usize),
    /// Somebody asks for the same again, which was taken already.
    Repeat(usize),
}

impl RunModel {
    /// The Program within these bounds.
    pub fn new(program: Program, bounds: Bounds, guards: Guards) -> Result<Self, String> {
        let plan = Plan::new(Arc::new(program)).map_err(|errors| format!("{errors:?}"))?;
        Ok(Self {
            plan,
            bounds,
            guards,
            run: RunId::from_parts(Millis::new(1), [1; 10]),
            boot: BootId::new("boot"),
            memo: Memo::default(),
        })
    }

    /// The run as a client leaves it: queued, with a message.
    fn queued(&self) -> Option<World> {
        let at = Millis::new(1_000_000);
        let first = start(&self.plan, Tenant::local(), json!({}), Origin::Request, at).ok()?;
        let tail = Tail::empty(self.run.clone());
        let id = CommitId::new("start");
        let commit = Commit::seal(&tail, id.clone(), at, first.events).ok()?;
        let (log, put) = (Log::empty(), (&id, &Arc::new(commit)));
        let Answer::Written(log, broken) = log.put((&self.plan, &self.memo), put, self.guards)
        else {
            return None;
        };
        let worker = |worker| Worker {
            name: Name { worker, life: 0 },
            job: None,
        };
        Some(World {
            log,
            messages: vec![Message::now()],
            workers: (0..self.bounds.workers).map(worker).collect(),
            inbox: vec![Item::Unsaid; self.bounds.asks.len()],
            now: at,
            left: self.bounds.faults,
            broken,
        })
    }

    /// Adds what can happen to the jobs of the workers.
    fn of_workers(&self, world: &World, actions: &mut Vec<Action>) {
        for (place, worker) in world.workers.iter().enumerate() {
            let Some(job) = &worker.job else { continue };
            if job.decides() {
                actions.push(Action::Decide(place));
            }
            if let Some(pending) = &job.pending {
                actions.push(Action::Put(place));
                if world.left.lost_answers > 0 && !pending.stood {
                    actions.push(Action::PutUnanswered(place));
                }
            }
            for effect in 0..job.flight.len() {
                actions.push(Action::End(place, effect, How::Done));
                if world.left.refusals > 0 {
                    actions.push(Action::End(place, effect, How::Refused));
                }
            }
            if job.flies() && self.has_news(world, job) {
                actions.push(Action::Look(place));
            }
            if world.left.deaths > 0 {
                actions.push(Action::Die(place));
            }
        }
    }

    /// Adds what can happen to the messages.
    fn of_messages(&self, world: &World, actions: &mut Vec<Action>) {
        let is_idle = world.workers.iter().any(|worker| worker.job.is_none());
        for (place, message) in world.messages.iter().enumerate() {
            // Two messages that say the same are received in either order.
            if place > 0 && world.messages.get(place - 1) == Some(message) {
                continue;
            }
            if message.is_there(world.now) {
                if is_idle {
                    actions.push(Action::Receive(place));
                    let holes = if self.bounds.holes {
                        1..world.log.entries().len().saturating_sub(1)
                    } else {
                        0..0
                    };
                    actions.extend(holes.map(|hole| Action::ReceiveWithHole(place, hole)));
                }
                if world.left.copies > 0 {
                    actions.push(Action::Copy(place));
                }
            } else if message.delay == crate::world::Delay::Lease {
                actions.push(Action::LeaseOver(place));
            }
        }
    }

    /// The next moment at which the run is due by itself, its lifetime aside.
    pub fn due(&self, world: &World) -> Option<Millis> {
        let state = &world.log.head()?.state;
        let due = state.due_at()?;
        (due < state.deadline && due > world.now).then_some(due)
    }
}

impl Model for RunModel {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        self.queued().into_iter().collect()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_some() {
            return;
        }
        self.of_workers(world, actions);
        self.of_messages(world, actions);
        if self.due(world).is_some() {
            actions.push(Action::Tick);
        }
        for (place, item) in world.inbox.iter().enumerate() {
            match item {
                Item::Unsaid => actions.push(Action::Ask(place)),
                Item::Folded if self.bounds.repeats && !self.guards.on(Guard::InboxDedupe) => {
                    actions.push(Action::Repeat(place));
                }
                Item::Folded | Item::Unread(_) => {}
            }
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut step = Step::new(self, world.clone());
        step.take(&action);
        let mut next = step.over();
        let mut left = Vec::new();
        self.actions(&next, &mut left);
        if left.is_empty() && next.broken.is_none() && !self.may_rest(&next) {
            next.broken = Some(Rule::NothingStuck);
        }
        Some(next.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut all = Rule::properties();
        let seen = |(name, is_it): &Witness| Property::sometimes(name, *is_it);
        all.extend(WITNESSES.iter().map(seen));
        all
    }
}

impl RunModel {
    /// Whether a run may be left like this for ever.
    fn may_rest(&self, world: &World) -> bool {
        let Some(head) = world.log.head() else {
            return false;
        };
        let answered = self.bounds.asks.contains(&Ask::Answer);
        let waits = head.state.status == RunStatus::Waiting
            && head.state.questions().next().is_some()
            && self.due(world).is_none()
            && !answered;
        world.unread().next().is_none() && (head.state.status.is_terminal() || waits)
    }
}

/// Something to be seen somewhere.
type Witness = (&'static str, fn(&RunModel, &World) -> bool);

/// What has to be seen somewhere, or the model shows nothing.
pub const WITNESSES: &[Witness] = &[
    ("a put meets the commit of another worker", |_, world| {
        meets(world, false)
    }),
    ("a put finds that it stands already", |_, world| {
        meets(world, true)
    }),
    ("a claim is taken over", |_, world| {
        any(
            world,
            |body| matches!(body, EventBody::StageStarted(claim) if claim.attempt > 1),
        )
    }),
    ("a result comes too late", |_, world| {
        any(
            world,
            |body| matches!(body, EventBody::TraceBreadcrumb(crumb) if crumb.kind == "result.late"),
        )
    }),
    ("a run is cancelled beside an effect", |_, world| {
        let is_over = any(world, |body| matches!(body, EventBody::RunCancelled(_)));
        is_over && world.flights().next().is_some()
    }),
    ("a join fires while a branch is open", |_, world| {
        any(
            world,
            |body| matches!(body, EventBody::JoinFired(fired) if !fired.skipped.is_empty()),
        )
    }),
    ("a branch fails", |_, world| {
        any(
            world,
            |body| matches!(body, EventBody::BranchEnded(ended) if is_failed(&ended.outcome)),
        )
    }),
    ("an answer comes before its question", |_, world| {
        any(
            world,
            |body| matches!(body, EventBody::SignalReceived(got) if got.outcome == SignalOutcome::Buffered),
        )
    }),
    ("a question runs out of its time", |_, world| {
        any(world, |body| matches!(body, EventBody::TimerFired(_)))
    }),
    ("a run completes", |_, world| {
        any(world, |body| matches!(body, EventBody::RunCompleted(_)))
    }),
    ("a run fails", |_, world| {
        any(world, |body| matches!(body, EventBody::RunFailed(_)))
    }),
];

fn is_failed(outcome: &BranchOutcome) -> bool {
    matches!(outcome, BranchOutcome::Failed { .. })
}

fn any(world: &World, is_it: impl Fn(&EventBody) -> bool) -> bool {
    world.log.events().any(|event| is_it(&event.body))
}

/// Whether a put is about to find a commit in its place: its own, or another one.
fn meets(world: &World, own: bool) -> bool {
    let jobs = world
        .workers
        .iter()
        .filter_map(|worker| worker.job.as_ref());
    let mut puts = jobs.filter_map(|job| job.pending.as_ref());
    puts.any(|put| {
        let found = world.log.at(put.commit.first);
        found.is_some_and(|winner| (winner.id == put.id) == own)
    })
}
