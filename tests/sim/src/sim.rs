//! The world that the ports of all processes share.

use crate::desk::{Desk, ProcessId};
use crate::effects::Effects;
use crate::fate::{Fate, Kind};
use crate::limits;
use crate::lock;
use crate::oracle::{Chance, Nesting, World};
use crate::queue::Mailbox;
use crate::report::{Breach, BreachKind};
use crate::scenario::{Case, Scenario};
use crate::shadow::{Shadow, Shadows};
use lattice_ir::{OpKind, Plan, Program};
use lattice_journal::{EventBody, InboxBody, InboxItem};
use lattice_model::{InboxId, OpId, ProgramHash, RunId};
use lattice_ports::memory::{ManualClock, MemoryStore, QueueRules};
use lattice_ports::{PortError, Put};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, pending, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// The first client; the ones behind it start the same run again.
pub const CLIENT: ProcessId = 100;
/// Whoever cancels.
pub const CANCELLER: ProcessId = 200;
/// Whoever forks.
pub const FORKER: ProcessId = 300;

/// For how long a wall clock is wrong by the same.
const SKEW_SPAN_MS: u64 = 200_000;

/// Everything that outlives a process, and what the simulator knows of it.
pub struct Sim {
    /// What is simulated.
    pub scenario: Scenario,
    /// The Program of the run that is started.
    pub plan: Arc<Plan>,
    knowns: BTreeMap<ProgramHash, Arc<Known>>,
    /// The same Programs as their runs know them that are batches of a map.
    batches: BTreeMap<(ProgramHash, OpId), Arc<Known>>,
    /// What models and people say.
    pub world: World,
    /// The same, made once more for the oracle alone.
    pub judged: World,
    /// Virtual time, right.
    pub clock: ManualClock,
    /// The store, without faults.
    pub raw: MemoryStore,
    /// Where calls wait.
    pub desk: Desk,
    /// The queue.
    pub mailbox: Mailbox,
    /// What reached the receivers of effects.
    pub effects: Mutex<Effects>,
    shadows: Mutex<Shadows>,
    breaches: Mutex<Vec<Breach>>,
    crashes: Mutex<Vec<ProcessId>>,
    watchers: Mutex<Vec<Waker>>,
    cancel_ms: Mutex<BTreeMap<RunId, u64>>,
    turned_away: Mutex<BTreeSet<InboxId>>,
    put_into: Mutex<BTreeMap<InboxId, RunId>>,
}

/// A Program that is in the store.
#[derive(Debug)]
pub struct Known {
    /// The Program.
    pub plan: Arc<Plan>,
    /// The Program as it is meant: what its runs are held against.
    pub meant: Arc<Program>,
    /// Which of its ops stand in which branch.
    pub nesting: Nesting,
}

impl Known {
    fn of(plan: &Arc<Plan>, meant: Option<&Arc<Program>>) -> Arc<Self> {
        let meant = meant.unwrap_or(plan.program());
        Arc::new(Self {
            plan: Arc::clone(plan),
            meant: Arc::clone(meant),
            nesting: Nesting::of(meant),
        })
    }
}

fn knowns(case: &Case) -> BTreeMap<ProgramHash, Arc<Known>> {
    let below = case.below.iter();
    let below = below.map(|plan| (plan.hash(), Known::of(plan, None)));
    let root = Known::of(&case.plan, case.oracle.as_ref());
    below.chain([(case.plan.hash(), root)]).collect()
}

fn batches(
    knowns: &BTreeMap<ProgramHash, Arc<Known>>,
) -> BTreeMap<(ProgramHash, OpId), Arc<Known>> {
    let maps = knowns.iter().flat_map(|(hash, known)| {
        let ops = (0..).zip(&known.meant.ops);
        let maps = ops.filter(|(_, op)| matches!(op.kind, OpKind::Map(_)));
        maps.map(move |(place, _)| {
            let of_batch = Known {
                plan: Arc::clone(&known.plan),
                meant: Arc::clone(&known.meant),
                nesting: Nesting::of_batch(&known.meant, OpId(place)),
            };
            ((*hash, OpId(place)), Arc::new(of_batch))
        })
    });
    maps.collect()
}

impl Sim {
    /// A world in which nothing has happened.
    pub fn new(case: &Case, scenario: &Scenario) -> Self {
        let world = (case.world)();
        let rules = QueueRules {
            visibility_ms: (!scenario.local).then_some(scenario.visibility_ms),
        };
        let knowns = knowns(case);
        Self {
            plan: Arc::clone(&case.plan),
            batches: batches(&knowns),
            knowns,
            clock: ManualClock::new(world.started_at, scenario.seed),
            raw: MemoryStore::with_guards(scenario.rig.guards),
            desk: Desk::default(),
            mailbox: Mailbox::new(rules, scenario.traffic, scenario.seed),
            effects: Mutex::default(),
            shadows: Mutex::default(),
            breaches: Mutex::default(),
            crashes: Mutex::default(),
            watchers: Mutex::default(),
            cancel_ms: Mutex::default(),
            turned_away: Mutex::default(),
            put_into: Mutex::default(),
            scenario: scenario.clone(),
            judged: (case.world)(),
            world,
        }
    }

    /// One numbered call of a port that can fail.
    pub async fn call<T>(
        &self,
        process: ProcessId,
        kind: Kind,
        effect: impl Future<Output = Result<T, PortError>>,
    ) -> Result<T, PortError> {
        let fate = self.desk.gate(process, kind).await;
        if fate == Fate::Refused {
            return Err(unavailable(kind, "refused"));
        }
        if let Fate::SlowBefore(ms) = fate {
            self.clock_sleep(ms).await;
        }
        let answer = effect.await;
        match fate {
            Fate::CrashAfter => {
                lock(&self.crashes).push(process);
                pending().await
            }
            Fate::AnswerLost => Err(unavailable(kind, "the answer was lost")),
            Fate::SlowAfter(ms) => {
                self.clock_sleep(ms).await;
                answer
            }
            _ => answer,
        }
    }

    /// Lets virtual time pass for the world's own purposes: not a call of a port.
    pub async fn clock_sleep(&self, duration_ms: u64) {
        lattice_ports::Clock::sleep(&self.clock, duration_ms).await;
    }

    /// Milliseconds since the beginning.
    pub fn now_ms(&self) -> u64 {
        lattice_ports::Clock::monotonic_ms(&self.clock)
    }

    /// The process dies here; nothing behind this is ever reached.
    pub async fn crash(&self, process: ProcessId) {
        lock(&self.crashes).push(process);
        pending::<()>().await;
    }

    /// Who died since the last time somebody asked.
    pub fn crashed(&self) -> Vec<ProcessId> {
        std::mem::take(&mut lock(&self.crashes))
    }

    /// The Program of this hash, if it is in the store.
    pub fn known(&self, program: ProgramHash) -> Option<&Arc<Known>> {
        self.knowns.get(&program)
    }

    /// Notes that an answer was refused before it came into the inbox.
    pub fn turn_away(&self, answer: InboxId) {
        lock(&self.turned_away).insert(answer);
    }

    /// Notes that an answer was let in after all: whoever gave it forgot that it was sent away.
    pub fn let_in(&self, answer: &InboxId) {
        lock(&self.turned_away).remove(answer);
    }

    /// Whether an answer was refused before it came into the inbox.
    pub fn is_turned_away(&self, answer: &InboxId) -> bool {
        lock(&self.turned_away).contains(answer)
    }

    /// The run into whose inbox an item was put.
    pub fn reader_of(&self, item: &InboxId) -> Option<RunId> {
        lock(&self.put_into).get(item).cloned()
    }

    /// Notes an item that stands in an inbox, and whether it asks for the end of its run.
    pub fn put_item(&self, item: &InboxItem) {
        lock(&self.put_into)
            .entry(item.id.clone())
            .or_insert_with(|| item.run.clone());
        if matches!(item.body, InboxBody::Cancel { .. }) {
            let now_ms = self.now_ms();
            lock(&self.cancel_ms)
                .entry(item.run.clone())
                .or_insert(now_ms);
        }
    }

    /// By when no effect of the run may be alive any more, because somebody cancelled it.
    pub fn cancelled_ms(&self, run: &RunId) -> Option<u64> {
        let asked_ms = lock(&self.cancel_ms).get(run).copied();
        asked_ms.map(|asked_ms| asked_ms + self.scenario.fence_ms())
    }

    /// How wrong a process's wall clock is: fixed by the seed, and another error every few minutes,
    /// so that the wall jumps forward and back.
    pub fn skew_ms(&self, process: ProcessId) -> i64 {
        let Ok(most) = usize::try_from(self.scenario.skew_ms) else {
            return 0;
        };
        let span = (self.now_ms() / SKEW_SPAN_MS) << 16;
        let drawn = Chance::new(self.scenario.seed ^ u64::from(process) ^ span).below(2 * most + 1);
        i64::try_from(drawn).unwrap_or(0) - i64::try_from(most).unwrap_or(0)
    }

    /// Notes that something that must not be has been seen.
    pub fn breach(&self, kind: BreachKind, text: impl Into<String>) {
        let text = format!("at {} ms: {}", self.now_ms(), text.into());
        lock(&self.breaches).push(Breach { kind, text });
    }

    /// Everything that was noted.
    pub fn breaches(&self) -> Vec<Breach> {
        lock(&self.breaches).clone()
    }

    /// Whether anything was noted.
    pub fn is_breached(&self) -> bool {
        !lock(&self.breaches).is_empty()
    }

    /// A commit was written: whoever is told of it or not, it stands from here on.
    pub fn written(&self, put: &Put) {
        for item in &put.notices {
            self.put_item(item);
        }
        let breaches = {
            let mut shadows = lock(&self.shadows);
            let effects = lock(&self.effects);
            let shadow = shadows
                .entry(put.commit.run.clone())
                .or_insert_with(|| Shadow::new(put.commit.run.clone(), self.program_of(put)));
            let mut found = shadow.write(put, self, &effects);
            let shadow = shadows.get(&put.commit.run);
            found.extend(shadow.and_then(|shadow| limits::crowd(&shadows, shadow)));
            found
        };
        for (kind, text) in breaches {
            self.breach(kind, text);
        }
        self.stir_watchers();
    }

    /// The Program of the run that a commit begins.
    fn program_of(&self, put: &Put) -> Arc<Known> {
        let queued = put
            .commit
            .events
            .iter()
            .find_map(|event| match &event.body {
                EventBody::RunQueued(queued) => Some((queued.program, queued.batch.as_ref())),
                _ => None,
            });
        let queued = queued.and_then(|(program, batch)| match batch {
            Some(batch) => self.batches.get(&(program, batch.op)).map(Arc::clone),
            None => self.known(program).map(Arc::clone),
        });
        queued.unwrap_or_else(|| Known::of(&self.plan, None))
    }

    /// Looks at the runs as their logs stand.
    pub fn look<T>(&self, look: impl FnOnce(&Shadows) -> T) -> T {
        look(&lock(&self.shadows))
    }

    /// Looks at one run as its log stands.
    pub fn look_at<T>(&self, run: &RunId, look: impl FnOnce(&Shadow) -> T) -> Option<T> {
        lock(&self.shadows).get(run).map(look)
    }

    /// Waits until the logs show something.
    pub async fn until<T>(&self, mut look: impl FnMut(&Shadows) -> Option<T>) -> T {
        poll_fn(|context| match look(&lock(&self.shadows)) {
            Some(seen) => Poll::Ready(seen),
            None => {
                lock(&self.watchers).push(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    fn stir_watchers(&self) {
        let watchers = std::mem::take(&mut *lock(&self.watchers));
        for waker in watchers {
            waker.wake();
        }
    }
}

fn unavailable(kind: Kind, reason: &str) -> PortError {
    let reason = format!("{reason} at `{kind:?}`");
    PortError::Unavailable {
        port: "simulated world",
        reason,
    }
}
