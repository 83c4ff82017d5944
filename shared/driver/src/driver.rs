//! The driver and what it is made of.

use crate::error::DriverError;
use crate::observe::Observer;
use crate::turns::Turns;
use lattice_ir::Plan;
use lattice_model::{
    BootId, CommitId, Guards, InboxId, Millis, ProgramHash, RunId, StageId, limits,
};
use lattice_policy::Redactor;
use lattice_ports::{Clock, Performer, StageQueue, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How a driver behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This process, written into claims.
    pub boot: BootId,
    /// Whether this process owns the data alone, so that a claim of another boot is dead.
    pub exclusive: bool,
    /// Costly stages that one delivery performs before it hands the run on; at least 1.
    pub chain_stages: usize,
    /// How often a tail is read while an effect runs, in milliseconds.
    pub cancel_poll_ms: u64,
    /// The rules in force: all of them, outside the simulator.
    pub guards: Guards,
}

impl Settings {
    /// The usual settings for a process with this boot id.
    pub fn new(boot: BootId) -> Self {
        Self {
            boot,
            exclusive: false,
            chain_stages: limits::CHAIN_STAGES_MAX,
            cancel_poll_ms: limits::CANCEL_POLL_MS,
            guards: Guards::ALL,
        }
    }
}

/// Carries runs on. One per process; every method may be called concurrently.
pub struct Driver<S, Q, P, C> {
    pub(crate) store: Arc<S>,
    pub(crate) queue: Arc<Q>,
    pub(crate) performer: Arc<P>,
    pub(crate) clock: Arc<C>,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) settings: Settings,
    plans: Mutex<BTreeMap<ProgramHash, Arc<Plan>>>,
    seen: Mutex<BTreeMap<(RunId, StageId), Seen>>,
    pub(crate) turns: Turns,
}

/// When this process first saw an attempt of somebody else.
#[derive(Debug, Clone, Copy)]
struct Seen {
    attempt: u32,
    at_ms: u64,
}

/// Plans kept parsed; the oldest name is dropped beyond it.
const PLANS_KEPT_MAX: usize = 256;

impl<S: Store, Q: StageQueue, P: Performer, C: Clock> Driver<S, Q, P, C> {
    /// Puts a driver together.
    pub fn new(
        (store, queue): (Arc<S>, Arc<Q>),
        (performer, clock): (Arc<P>, Arc<C>),
        redactor: Arc<Redactor>,
        observer: Arc<dyn Observer>,
        settings: Settings,
    ) -> Self {
        let (plans, seen, turns) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self {
            store,
            queue,
            performer,
            clock,
            redactor,
            observer,
            settings,
            plans,
            seen,
            turns,
        }
    }

    /// The store.
    pub fn store(&self) -> &Arc<S> {
        &self.store
    }

    /// The queue.
    pub fn queue(&self) -> &Arc<Q> {
        &self.queue
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<C> {
        &self.clock
    }

    /// A value as it is stored: without what is known to be secret, or looks like it.
    pub fn redacted(&self, value: Value) -> Value {
        self.redactor.redact_value(value)
    }

    /// A stored Program, parsed.
    pub async fn plan(&self, hash: ProgramHash) -> Result<Arc<Plan>, DriverError> {
        if let Some(plan) = lock(&self.plans).get(&hash) {
            return Ok(Arc::clone(plan));
        }
        let program = self.store.program(hash).await?;
        let plan = Plan::new(program).map_err(|errors| DriverError::Program {
            program: hash,
            errors,
        })?;
        Ok(self.keep_plan(Arc::new(plan)))
    }

    pub(crate) fn keep_plan(&self, plan: Arc<Plan>) -> Arc<Plan> {
        let mut plans = lock(&self.plans);
        if plans.len() >= PLANS_KEPT_MAX {
            plans.pop_first();
        }
        plans.insert(plan.hash(), Arc::clone(&plan));
        plan
    }

    pub(crate) fn fresh_run(&self, at: Millis) -> RunId {
        let [a, b, c, d, e, f, g, h, i, j, ..] = self.clock.fresh();
        RunId::from_parts(at, [a, b, c, d, e, f, g, h, i, j])
    }

    pub(crate) fn fresh_commit(&self) -> CommitId {
        CommitId::new(hex(&self.clock.fresh()))
    }

    pub(crate) fn fresh_inbox(&self) -> InboxId {
        InboxId::new(format!("in_{}", hex(&self.clock.fresh())))
    }

    /// How long the attempt's lease still has to be waited out, counted from when this process
    /// first saw the attempt; 0 = it is over.
    pub(crate) fn lease_left_ms(&self, run: &RunId, claimed: &lattice_engine::Claimed) -> u64 {
        let now = self.clock.monotonic_ms();
        let key = (run.clone(), claimed.stage.clone());
        let mut seen = lock(&self.seen);
        let first = seen.entry(key).or_insert(Seen {
            attempt: claimed.attempt,
            at_ms: now,
        });
        if first.attempt != claimed.attempt {
            *first = Seen {
                attempt: claimed.attempt,
                at_ms: now,
            };
        }
        claimed
            .lease_ms
            .saturating_sub(now.saturating_sub(first.at_ms))
    }

    /// Forgets what was seen of a run.
    pub(crate) fn forget(&self, run: &RunId) {
        lock(&self.seen).retain(|(seen, _), _| seen != run);
    }
}

/// The lock, whoever panicked while holding it: what it guards is only a cache.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hex(bytes: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}
