//! Durable steps: the real engine, driver and store, with effects that do nothing.

use super::machine::{cpu_s, resident_mb};
use super::programs::chain;
use super::rig::{Rig, percentile};
use crate::error::CliError;
use lattice_driver::Unobserved;
use lattice_local::floor::floor;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
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

/// Measures `runs` runs, `concurrency` at a time, and the floor before them.
pub async fn measure(
    dir: &Path,
    runs: u64,
    concurrency: u64,
    steps: u64,
) -> Result<Durable, CliError> {
    let floor = floor(dir, runs, concurrency, steps + 1)?;
    let rig = Rig::open(dir, chain(steps), Duration::ZERO, |_| Arc::new(Unobserved)).await?;
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
    let rig = Rig::open(dir, chain(1), Duration::ZERO, |_| Arc::new(Unobserved)).await?;
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
