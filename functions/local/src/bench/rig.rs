//! The real engine, driver and store, with effects that do nothing.

use crate::error::CliError;
use lattice_api::Kit;
use lattice_driver::{Driver, DriverError, Observer, Settings, StartRequest};
use lattice_effects::EnvSecrets;
use lattice_ir::{CallDone, CallOutcome, CallRequest, Plan, Program};
use lattice_journal::Usage;
use lattice_local::{LocalOptions, LocalQueue, LocalSchedules, LocalStore, SystemClock};
use lattice_model::{BootId, RunId, Tenant};
use lattice_policy::Redactor;
use lattice_ports::{LiveText, Performer, Workflows};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Performs nothing, after a while.
pub struct Nothing {
    pause: Duration,
}

impl Performer for Nothing {
    async fn perform(&self, _request: CallRequest, _live: &dyn LiveText) -> CallOutcome {
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        Ok(CallDone {
            text: "done".to_owned(),
            model: "none".to_owned(),
            finish: "stop".to_owned(),
            usage: Usage {
                input_tokens: 1,
                output_tokens: 1,
            },
            latency_ms: 0,
        })
    }
}

/// Its driver.
pub type BenchDriver = Driver<LocalStore, LocalQueue, Nothing, SystemClock>;

/// Its adapters, for the API.
pub type BenchKit =
    Kit<LocalStore, LocalQueue, Nothing, SystemClock, LocalSchedules<SystemClock>, EnvSecrets>;

/// A driver over a store of its own, and a chain of steps to run.
pub struct Rig {
    /// Carries runs on.
    pub driver: Arc<BenchDriver>,
    /// Where they are.
    pub store: LocalStore,
    /// What each run is given.
    pub input: Value,
    plan: Arc<Plan>,
    pause: Duration,
}

/// Serves a queue until it is closed.
pub type Hand = JoinHandle<Result<(), DriverError>>;

/// As many as there should be messages served at once.
pub fn hands(driver: &Arc<BenchDriver>, count: usize) -> Vec<Hand> {
    let hand = |_| {
        let driver = Arc::clone(driver);
        tokio::spawn(async move { driver.work().await })
    };
    (0..count).map(hand).collect()
}

impl Rig {
    /// Opens a store for runs of `program`, each of whose effects takes `pause`.
    pub async fn open(
        dir: &Path,
        program: Program,
        pause: Duration,
        observe: impl FnOnce(&LocalStore) -> Arc<dyn Observer>,
    ) -> Result<Self, CliError> {
        let store = LocalStore::open(dir, &LocalOptions::default())?;
        // As a running process does; it also spares reads of inboxes that are known to be empty.
        store.watch_foreign_writes(|| {});
        let plan = Plan::new(Arc::new(program)).map_err(|errors| {
            CliError::Task(format!("the measured program does not verify: {errors:?}"))
        })?;
        let plan = Arc::new(plan);
        store
            .put_program(plan.hash(), Arc::clone(plan.program()))
            .await?;
        let boot = store
            .boot()
            .cloned()
            .unwrap_or_else(|| BootId::new("bench"));
        let settings = Settings {
            exclusive: true,
            // Nobody takes a run over here: whoever starts it carries it to its end.
            chain_stages: usize::MAX,
            ..Settings::new(boot)
        };
        let driver = Arc::new(Driver::new(
            (Arc::new(store.clone()), Arc::new(LocalQueue::new())),
            (Arc::new(Nothing { pause }), Arc::new(SystemClock::new()?)),
            Arc::new(Redactor::new()),
            observe(&store),
            settings,
        ));
        Ok(Self {
            driver,
            store,
            input: json!({ "topic": "bench" }),
            plan,
            pause,
        })
    }

    /// Drives `runs` runs to their end, `concurrency` at a time, and gives the time of each.
    pub async fn drive(&self, runs: u64, concurrency: u64) -> Result<Vec<Duration>, CliError> {
        let left = Arc::new(AtomicU64::new(runs));
        let tasks: Vec<_> = (0..concurrency)
            .map(|_| {
                let (driver, plan) = (Arc::clone(&self.driver), Arc::clone(&self.plan));
                let (left, input) = (Arc::clone(&left), self.input.clone());
                tokio::spawn(async move { drive_some(&driver, (&plan, &input), &left).await })
            })
            .collect();
        let mut times = Vec::new();
        for task in tasks {
            let driven = task
                .await
                .map_err(|error| CliError::Task(error.to_string()))?;
            times.extend(driven?);
        }
        Ok(times)
    }

    /// One more process: a driver that shares store and queue with the others, and nothing else.
    pub fn process(
        &self,
        boot: &str,
        observer: &Arc<dyn Observer>,
    ) -> Result<Arc<BenchDriver>, CliError> {
        Ok(Arc::new(Driver::new(
            (
                Arc::new(self.store.clone()),
                Arc::clone(self.driver.queue()),
            ),
            (
                Arc::new(Nothing { pause: self.pause }),
                Arc::new(SystemClock::new()?),
            ),
            Arc::new(Redactor::new()),
            Arc::clone(observer),
            Settings::new(BootId::new(boot)),
        )))
    }

    /// Starts one run that whoever serves the queue carries on.
    pub async fn start(&self) -> Result<RunId, CliError> {
        let request = request(&self.plan, &self.input);
        Ok(self.driver.start(request).await?.run)
    }

    /// Closes the queue and waits for those who serve it.
    pub async fn close(&self, hands: Vec<Hand>) -> Result<(), CliError> {
        self.driver.queue().close();
        for hand in hands {
            let worked = hand.await;
            worked.map_err(|error| CliError::Task(error.to_string()))??;
        }
        Ok(())
    }

    /// Starts one run and carries it on as far as it leads; `began` learns its id.
    pub async fn run(&self, began: impl FnOnce(&RunId) + Send) -> Result<(), CliError> {
        let request = request(&self.plan, &self.input);
        self.driver.start_here(request, began).await?;
        Ok(())
    }
}

fn request(plan: &Arc<Plan>, input: &Value) -> StartRequest {
    StartRequest {
        tenant: Tenant::local(),
        plan: Arc::clone(plan),
        input: input.clone(),
        key: None,
        trigger: None,
    }
}

async fn drive_some(
    driver: &BenchDriver,
    (plan, input): (&Arc<Plan>, &Value),
    left: &AtomicU64,
) -> Result<Vec<Duration>, CliError> {
    let mut times = Vec::new();
    let take = |left: u64| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .is_ok()
    {
        let began = Instant::now();
        let request = request(plan, input);
        driver.start_here(request, |_| {}).await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

/// The time, in milliseconds, that so many percent do not exceed.
pub fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times
        .get(place)
        .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}
