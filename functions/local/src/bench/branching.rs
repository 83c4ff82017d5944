//! Branches side by side: how many commits a step costs, and how far the time is from the longest
//! branch's own.

use super::programs::branches;
use super::rig::Rig;
use crate::error::CliError;
use lattice_driver::Unobserved;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One measurement of runs of one split.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Branching {
    /// Branches at once.
    pub branches: u64,
    /// Steps of each branch.
    pub steps_each: u64,
    /// How long each effect takes, in milliseconds.
    pub effect_ms: u64,
    /// Runs measured, one after the other.
    pub runs: u64,
    /// Commits a step.
    pub commits_per_step: f64,
    /// The time of a run against the effects of one branch alone.
    pub times_ideal: f64,
}

/// Measures `runs` runs, one after the other.
pub async fn measure(
    dir: &Path,
    (count, steps): (u64, u64),
    effect_ms: u64,
    runs: u64,
) -> Result<Branching, CliError> {
    let pause = Duration::from_millis(effect_ms);
    let program = branches(count, steps);
    let rig = Rig::open(dir, program, pause, |_| Arc::new(Unobserved)).await?;
    rig.drive(1, 1).await?;
    let (counts, began) = (rig.store.write_counts(), Instant::now());
    rig.drive(runs, 1).await?;
    let seconds = began.elapsed().as_secs_f64() / runs as f64;
    let commits = rig.store.write_counts().commits - counts.commits;
    Ok(Branching {
        branches: count,
        steps_each: steps,
        effect_ms,
        runs,
        commits_per_step: commits as f64 / (runs * count * steps) as f64,
        times_ideal: seconds / (pause.as_secs_f64() * steps as f64),
    })
}
