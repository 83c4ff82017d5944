//! Durable steps: the real engine, driver and store, with effects that do nothing.

use super::machine::{cpu_s, resident_mb};
use crate::error::CliError;
use lattice_driver::{Driver, Settings, StartRequest, Unobserved};
use lattice_ir::{
    Call, CallDone, CallOutcome, CallRequest, Effect, End, IR_VERSION, ModelCall, OnUnknown, Op,
    OpKind, Plan, Program, Retry,
};
use lattice_journal::Usage;
use lattice_local::{LocalOptions, LocalQueue, LocalStore, SystemClock, floor::floor};
use lattice_model::{BootId, NodeId, OpId, WorkflowId};
use lattice_policy::Redactor;
use lattice_ports::{LiveText, Performer, Workflows};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One measurement beside its floor.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Durable {
    /// Runs at a time.
    pub concurrency: u64,
    /// Runs measured.
    pub runs: u64,
    /// Steps a second.
    pub steps_per_s: f64,
    /// The floor's steps a second.
    pub floor_steps_per_s: f64,
    /// The median time of a run of ten steps, in milliseconds.
    pub run_ms_p50: f64,
    /// The 99th percentile.
    pub run_ms_p99: f64,
    /// The median time that the floor needs for the commits of a run.
    pub floor_run_ms_p50: f64,
    /// CPU time a step, in microseconds, the store's included.
    pub cpu_us_per_step: Option<f64>,
    /// Commits that one transaction of the store held, on average.
    pub commits_per_group: f64,
    /// Resident memory afterwards.
    pub resident_mb: Option<f64>,
}

/// The speed while runs pile up in one store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stored {
    /// Runs stored by then.
    pub runs: u64,
    /// Steps a second over the last tenth.
    pub steps_per_s: f64,
    /// The median time of a run in the last tenth.
    pub run_ms_p50: f64,
    /// Resident memory by then.
    pub resident_mb: Option<f64>,
}

/// Performs nothing, at once.
struct Nothing;

impl Performer for Nothing {
    async fn perform(&self, _request: CallRequest, _live: &dyn LiveText) -> CallOutcome {
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

type BenchDriver = Driver<LocalStore, LocalQueue, Nothing, SystemClock>;

struct Rig {
    driver: Arc<BenchDriver>,
    store: LocalStore,
    plan: Arc<Plan>,
}

/// Measures `runs` runs, `concurrency` at a time, and the floor before them.
pub async fn measure(
    dir: &Path,
    runs: u64,
    concurrency: u64,
    steps: u64,
) -> Result<Durable, CliError> {
    let floor = floor(dir, runs, concurrency, steps + 1)?;
    let rig = rig(dir, steps).await?;
    let warm_up = (runs / 20).max(concurrency);
    rig.drive(warm_up, concurrency).await?;
    let (cpu, counts, began) = (cpu_s(), rig.store.write_counts(), Instant::now());
    let mut times = rig.drive(runs, concurrency).await?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = cpu.zip(cpu_s()).map(|(before, after)| after - before);
    let after = rig.store.write_counts();
    let steps_in_all = (runs * steps) as f64;
    let groups = (after.groups - counts.groups).max(1);
    Ok(Durable {
        concurrency,
        runs,
        steps_per_s: steps_in_all / seconds,
        floor_steps_per_s: floor.steps_per_s,
        run_ms_p50: percentile(&mut times, 50),
        run_ms_p99: percentile(&mut times, 99),
        floor_run_ms_p50: floor.p50_ms * (steps + 1) as f64,
        cpu_us_per_step: cpu.map(|seconds| seconds * 1e6 / steps_in_all),
        commits_per_group: (after.commits - counts.commits) as f64 / groups as f64,
        resident_mb: resident_mb(),
    })
}

/// Stores `runs` runs in one file and measures each tenth of them.
pub async fn measure_stored(dir: &Path, runs: u64) -> Result<Vec<Stored>, CliError> {
    let rig = rig(dir, 1).await?;
    let tenth = runs / 10;
    let mut stored = Vec::new();
    for part in 1..=10 {
        let began = Instant::now();
        let mut times = rig.drive(tenth, 64).await?;
        stored.push(Stored {
            runs: part * tenth,
            steps_per_s: tenth as f64 / began.elapsed().as_secs_f64(),
            run_ms_p50: percentile(&mut times, 50),
            resident_mb: resident_mb(),
        });
    }
    Ok(stored)
}

async fn rig(dir: &Path, steps: u64) -> Result<Rig, CliError> {
    let store = LocalStore::open(dir, &LocalOptions::default())?;
    // As a running process does; it also spares reads of inboxes that are known to be empty.
    store.watch_foreign_writes(|| {});
    let plan = Plan::new(Arc::new(program(steps))).map_err(|errors| {
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
        ..Settings::new(boot)
    };
    let driver = Arc::new(Driver::new(
        (Arc::new(store.clone()), Arc::new(LocalQueue::new())),
        (Arc::new(Nothing), Arc::new(SystemClock::new()?)),
        Arc::new(Redactor::new()),
        Arc::new(Unobserved),
        settings,
    ));
    Ok(Rig {
        driver,
        store,
        plan,
    })
}

impl Rig {
    /// Drives `runs` runs to their end, `concurrency` at a time, and gives the time of each.
    async fn drive(&self, runs: u64, concurrency: u64) -> Result<Vec<Duration>, CliError> {
        let left = Arc::new(AtomicU64::new(runs));
        let tasks: Vec<_> = (0..concurrency)
            .map(|_| {
                let (driver, plan) = (Arc::clone(&self.driver), Arc::clone(&self.plan));
                let left = Arc::clone(&left);
                tokio::spawn(async move { drive_some(&driver, &plan, &left).await })
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
}

async fn drive_some(
    driver: &BenchDriver,
    plan: &Arc<Plan>,
    left: &AtomicU64,
) -> Result<Vec<Duration>, CliError> {
    let mut times = Vec::new();
    let take = |left: u64| left.checked_sub(1);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
        .is_ok()
    {
        let began = Instant::now();
        let input = json!({ "topic": "bench" });
        let request = StartRequest {
            tenant: lattice_model::Tenant::local(),
            plan: Arc::clone(plan),
            input,
            key: None,
        };
        driver.start_here(request, |_| {}).await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times
        .get(place)
        .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
}

/// A chain of calls, and an end.
fn program(steps: u64) -> Program {
    let call = |step: u64| Op {
        name: format!("step-{step}"),
        node: NodeId::new(format!("step-{step}")),
        kind: OpKind::Call(Call {
            effect: Effect::Model(ModelCall {
                model: "small".to_owned(),
                system: None,
                prompt: "About {{in.topic}}".to_owned(),
                output_schema: None,
                max_output_tokens: None,
                temperature_milli: None,
            }),
            timeout_ms: 60_000,
            retry: Retry {
                attempts_max: 1,
                delay_ms: 500,
                delay_ms_max: 500,
            },
            on_unknown: OnUnknown::Retry,
            next: OpId(u32::try_from(step + 1).unwrap_or(u32::MAX)),
            on_error: None,
            on_timeout: None,
        }),
    };
    let end = Op {
        name: "end".to_owned(),
        node: NodeId::new("end"),
        kind: OpKind::End(End {
            output: json!("done"),
        }),
    };
    Program {
        ir_version: IR_VERSION,
        workflow: WorkflowId::new("bench"),
        name: "Bench".to_owned(),
        input: None,
        variables: BTreeMap::new(),
        lifetime_ms: 3_600_000,
        entry: OpId(0),
        ops: (0..steps).map(call).chain([end]).collect(),
        nodes: BTreeMap::new(),
    }
}
