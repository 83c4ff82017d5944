//! The world that the ports of all processes share.

use crate::desk::{Desk, ProcessId};
use crate::effects::Effects;
use crate::fate::{Fate, Kind};
use crate::lock;
use crate::oracle::{Chance, Nesting, World};
use crate::queue::Mailbox;
use crate::report::{Breach, BreachKind};
use crate::scenario::{Case, Scenario};
use crate::shadow::{Shadow, Shadows};
use lattice_ir::{Plan, Program};
use lattice_model::{InboxId, RunId};
use lattice_ports::memory::{ManualClock, MemoryStore, QueueRules};
use lattice_ports::{PortError, Put};
use std::collections::BTreeSet;
use std::future::{Future, pending, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

/// The first client; the ones behind it start the same run again.
pub const CLIENT: ProcessId = 100;
/// Whoever cancels.
pub const CANCELLER: ProcessId = 200;

/// For how long a wall clock is wrong by the same.
const SKEW_SPAN_MS: u64 = 200_000;

/// Everything that outlives a process, and what the simulator knows of it.
pub struct Sim {
    /// What is simulated.
    pub scenario: Scenario,
    /// The Program.
    pub plan: Arc<Plan>,
    /// The Program as it is meant, which the engine's may differ from where a fault is planted.
    pub meant: Program,
    /// Which of its ops stand in which branch.
    pub nesting: Nesting,
    /// What models and people say.
    pub world: World,
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
    cancel_ms: Mutex<Option<u64>>,
    turned_away: Mutex<BTreeSet<InboxId>>,
}

impl Sim {
    /// A world in which nothing has happened.
    pub fn new(case: &Case, scenario: &Scenario) -> Self {
        let world = (case.world)();
        let rules = QueueRules {
            visibility_ms: (!scenario.local).then_some(scenario.visibility_ms),
            one_per_run: scenario.local,
        };
        Self {
            plan: Arc::clone(&case.plan),
            meant: case.meant().clone(),
            nesting: Nesting::of(case.meant()),
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
            scenario: scenario.clone(),
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

    /// Notes that a cancel stands in the inbox.
    pub fn asked_to_cancel(&self) {
        lock(&self.cancel_ms).get_or_insert(self.now_ms());
    }

    /// Notes that an answer was refused before it came into the inbox.
    pub fn turn_away(&self, answer: InboxId) {
        lock(&self.turned_away).insert(answer);
    }

    /// Whether an answer was refused before it came into the inbox.
    pub fn is_turned_away(&self, answer: &InboxId) -> bool {
        lock(&self.turned_away).contains(answer)
    }

    /// By when no effect may be alive any more, because somebody cancelled.
    pub fn cancelled_ms(&self) -> Option<u64> {
        lock(&self.cancel_ms).map(|asked_ms| asked_ms + self.scenario.fence_ms())
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
        let breaches = {
            let mut shadows = lock(&self.shadows);
            let effects = lock(&self.effects);
            let shadow = shadows
                .entry(put.commit.run.clone())
                .or_insert_with(|| Shadow::new(put.commit.run.clone()));
            shadow.write(put, self, &effects)
        };
        for (kind, text) in breaches {
            self.breach(kind, text);
        }
        self.stir_watchers();
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
