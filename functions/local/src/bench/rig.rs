//! The real engine, driver and store, with effects that do nothing.

use crate::error::CliError;
use lattice_api::Kit;
use lattice_driver::{Driver, Observer, Settings, StartRequest};
use lattice_effects::EnvSecrets;
use lattice_ir::{
    Call, CallDone, CallOutcome, CallRequest, Effect, End, IR_VERSION, Join, JoinPolicy, Merge,
    ModelCall, OnUnknown, Op, OpKind, Plan, Program, Retry, Split, SplitBranch, Way,
};
use lattice_journal::Usage;
use lattice_local::{LocalOptions, LocalQueue, LocalSchedules, LocalStore, SystemClock};
use lattice_model::{BootId, NodeId, OpId, RunId, Tenant, WorkflowId};
use lattice_policy::Redactor;
use lattice_ports::{LiveText, Performer, Workflows};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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
    plan: Arc<Plan>,
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
            plan,
        })
    }

    /// Drives `runs` runs to their end, `concurrency` at a time, and gives the time of each.
    pub async fn drive(&self, runs: u64, concurrency: u64) -> Result<Vec<Duration>, CliError> {
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

    /// Starts one run and carries it to its end; `began` learns its id.
    pub async fn run(&self, began: impl FnOnce(&RunId) + Send) -> Result<(), CliError> {
        let request = request(&self.plan);
        self.driver.start_here(request, began).await?;
        Ok(())
    }
}

fn request(plan: &Arc<Plan>) -> StartRequest {
    StartRequest {
        tenant: Tenant::local(),
        plan: Arc::clone(plan),
        input: json!({ "topic": "bench" }),
        key: None,
        trigger: None,
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
        let request = request(plan);
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

/// A chain of calls, and an end.
pub fn chain(steps: u64) -> Program {
    let calls = (0..steps).map(|step| call(format!("step-{step}"), step + 1));
    program(calls.chain([end()]).collect())
}

/// Branches of so many calls each, side by side, and an end.
pub fn branches(count: u64, steps: u64) -> Program {
    let first = |branch: u64| 2 + branch * steps;
    let ways = (0..count).map(|branch| SplitBranch {
        way: Way {
            port: format!("branch-{branch}"),
            to: place(first(branch)),
        },
        timeout_ms: None,
    });
    let split = OpKind::Split(Split {
        branches: ways.collect(),
        join: place(1),
    });
    let join = OpKind::Join(Join {
        split: place(0),
        policy: JoinPolicy::All,
        merge: Merge::Collect,
        next: place(first(count)),
        on_error: None,
        on_timeout: None,
    });
    let mut ops = vec![
        op("both".to_owned(), split),
        op("both.join".to_owned(), join),
    ];
    for branch in 0..count {
        ops.extend((0..steps).map(|step| {
            let next = if step + 1 < steps {
                first(branch) + step + 1
            } else {
                1
            };
            call(format!("step-{branch}-{step}"), next)
        }));
    }
    ops.push(end());
    program(ops)
}

fn place(op: u64) -> OpId {
    OpId(u32::try_from(op).unwrap_or(u32::MAX))
}

fn op(name: String, kind: OpKind) -> Op {
    let node = NodeId::new(name.as_str());
    Op {
        name,
        node,
        visits_max: None,
        kind,
    }
}

fn call(name: String, next: u64) -> Op {
    let kind = OpKind::Call(Call {
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
        next: place(next),
        on_error: None,
        on_timeout: None,
    });
    op(name, kind)
}

fn end() -> Op {
    let output = json!("done");
    op("end".to_owned(), OpKind::End(End { output }))
}

fn program(ops: Vec<Op>) -> Program {
    Program {
        ir_version: IR_VERSION,
        workflow: WorkflowId::new("bench"),
        name: "Bench".to_owned(),
        input: None,
        variables: BTreeMap::new(),
        lifetime_ms: 3_600_000,
        budget: None,
        concurrency: None,
        entry: OpId(0),
        triggers: Vec::new(),
        ops,
        nodes: BTreeMap::new(),
    }
}
