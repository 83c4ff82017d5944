//! The functions below the API: `step` carries runs on, `sweep` finds what nobody looks at.

use crate::batch::{Batch, serve_batch};
use crate::counts::{Counts, SWEPT};
use crate::process::{Process, StartError};
use crate::settings::Role;
use futures::FutureExt;
use lambda_runtime::{LambdaEvent, service_fn};
use lattice_driver::{Driver, DriverError};
use lattice_ir::{CallOutcome, CallRequest};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_ports::{Clock, LiveText, Performer, StageQueue, Store, Triggers};
use serde_json::Value;
use std::sync::Arc;

/// Rows that a sweep has to have found for another one to follow at once.
const SWEEP_AGAIN_MIN: usize = 256;
/// How long the index gets to follow the table before it is read again.
const SWEEP_PAUSE_MS: u64 = 1_000;
/// How long before the end of its time a sweep begins no more.
const SWEEP_MARGIN_MS: u64 = 15_000;

/// Serves batches of messages until the process ends.
pub async fn step() -> Result<(), StartError> {
    let process = Arc::new(Process::start(Role::Step)?);
    let driver = Arc::new(process.driver(process.provider().await?, Vec::new()));
    let teller = Arc::new(process.teller());
    let work = move |event: LambdaEvent<Batch>| {
        let (process, driver) = (Arc::clone(&process), Arc::clone(&driver));
        let teller = Arc::clone(&teller);
        async move {
            process.begin(&event.context, None);
            let until_ms = process.until_ms(&event.context);
            let counts = &process.counts;
            let answer = serve_batch(&driver, counts, event.payload, Some(until_ms)).await;
            teller.tell();
            Ok::<_, std::convert::Infallible>(answer)
        }
        .boxed()
    };
    let ended = lambda_runtime::run(service_fn(work)).await;
    ended.map_err(StartError::Runtime)
}

/// Sweeps once for each event until the process ends.
pub async fn sweep() -> Result<(), StartError> {
    let process = Arc::new(Process::start(Role::Sweep)?);
    let driver = Arc::new(process.driver(NoEffects, Vec::new()));
    let teller = Arc::new(process.teller());
    let work = move |event: LambdaEvent<Value>| {
        let (process, driver) = (Arc::clone(&process), Arc::clone(&driver));
        let teller = Arc::clone(&teller);
        async move {
            process.begin(&event.context, None);
            let until_ms = process.until_ms(&event.context);
            let swept = sweep_until(&driver, &process.counts, until_ms).await;
            teller.tell();
            if let Err(error) = &swept {
                tracing::error!(%error, "the sweep did not come through; the next one follows in a minute");
            }
            // Lambda counts a failed invocation, which an alarm looks at.
            swept.map_err(|error| error.to_string())
        }
        .boxed()
    };
    let ended = lambda_runtime::run(service_fn(work)).await;
    ended.map_err(StartError::Runtime)
}

/// Sweeps until little is found or the time is nearly over; says for how many runs it sent a message.
pub async fn sweep_until<S: Store + Triggers, Q: StageQueue, P: Performer, C: Clock>(
    driver: &Driver<S, Q, P, C>,
    counts: &Counts,
    until_ms: u64,
) -> Result<usize, DriverError> {
    // Moments of schedules that wait for a run which is over by now, or whose start broke off.
    let settled = driver.settle_firings().await;
    let mut all = 0;
    loop {
        let sent = driver.sweep().await?;
        counts.add(SWEPT, Vec::new(), sent as u64);
        all += sent;
        let now = driver.clock().monotonic_ms();
        if sent < SWEEP_AGAIN_MIN || now + SWEEP_MARGIN_MS >= until_ms {
            return settled.map(|_| all);
        }
        driver.clock().sleep(SWEEP_PAUSE_MS).await;
    }
}

/// The performer of functions that perform nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoEffects;

impl Performer for NoEffects {
    async fn perform(&self, _request: CallRequest, _live: &dyn LiveText) -> CallOutcome {
        let message = "this function performs no effects; the step function does";
        let failure = Failure::new(FailureKind::Configuration, message);
        Err((failure, Usage::default()))
    }
}
