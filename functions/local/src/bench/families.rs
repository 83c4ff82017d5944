//! Runs that let other runs work for them: what an item of a long list costs, and a run that is
//! called.

use super::ends::Ends;
use super::machine::resident_mb;
use super::programs::{callers, chain, items};
use super::rig::Rig;
use crate::error::CliError;
use lattice_driver::Observer;
use lattice_ir::{Plan, Program};
use lattice_ports::Workflows;
use serde::Serialize;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One measurement of a run with runs below it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Family {
    /// What was measured.
    pub what: String,
    /// Calls of all runs together.
    pub calls: u64,
    /// Runs, the one at the top included.
    pub runs: usize,
    /// How long each effect takes, in milliseconds.
    pub effect_ms: u64,
    /// Commits of all runs together, for each call.
    pub commits_per_call: f64,
    /// Bytes of the largest commit.
    pub commit_bytes_max: usize,
    /// Calls a second.
    pub calls_per_s: f64,
    /// The time against the effects alone, as many at once as may be.
    pub times_ideal: f64,
    /// Resident memory afterwards.
    pub resident_mb: Option<f64>,
}

/// Messages that are served at once.
const HANDS: usize = 64;

/// A list of so many items, in batches.
pub async fn measure_list(dir: &Path, count: u64, effect_ms: u64) -> Result<Family, CliError> {
    const BATCH: u32 = 50;
    const AT_ONCE: u32 = 4;
    let pause = Duration::from_millis(effect_ms);
    let ends = Arc::new(Ends::default());
    let mut rig = open(dir, items(BATCH, AT_ONCE), pause, &ends).await?;
    rig.input = json!({ "topic": "bench", "items": (0..count).collect::<Vec<_>>() });
    let what = format!("a list of {count}, batches of {BATCH}, {AT_ONCE} at once");
    let side = u64::from(AT_ONCE) * u64::from(lattice_model::limits::MAP_INLINE_ITEMS_MAX);
    measure(&rig, &ends, what, (count, side, pause)).await
}

/// A run that calls so many others, each a chain of ten calls.
pub async fn measure_calls(dir: &Path, count: u64, effect_ms: u64) -> Result<Family, CliError> {
    const STEPS: u64 = 10;
    let pause = Duration::from_millis(effect_ms);
    let ends = Arc::new(Ends::default());
    let callee = Plan::new(Arc::new(chain(STEPS))).map_err(|errors| {
        CliError::Task(format!("the called program does not verify: {errors:?}"))
    })?;
    let rig = open(dir, callers(count, callee.hash()), pause, &ends).await?;
    let program = Arc::clone(callee.program());
    rig.store.put_program(callee.hash(), program).await?;
    let what = format!("{count} runs of {STEPS} steps, called side by side");
    measure(&rig, &ends, what, (count * STEPS, count, pause)).await
}

async fn open(
    dir: &Path,
    program: Program,
    pause: Duration,
    ends: &Arc<Ends>,
) -> Result<Rig, CliError> {
    let observer = Arc::clone(ends) as Arc<dyn Observer>;
    Rig::open(dir, program, pause, |_| observer).await
}

async fn measure(
    rig: &Rig,
    ends: &Ends,
    what: String,
    (calls, side, pause): (u64, u64, Duration),
) -> Result<Family, CliError> {
    let hands = super::rig::hands(&rig.driver, HANDS);
    let (before, began) = (rig.store.write_counts(), Instant::now());
    let mut top = None;
    rig.run(|run| top = Some(run.clone())).await?;
    if let Some(run) = &top {
        ends.over(run).await?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let commits = rig.store.write_counts().commits - before.commits;
    rig.close(hands).await?;
    let rounds = calls.div_ceil(side);
    let (runs, commit_bytes_max) = ends.counts();
    Ok(Family {
        what,
        calls,
        runs,
        effect_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
        commits_per_call: commits as f64 / calls as f64,
        commit_bytes_max,
        calls_per_s: calls as f64 / seconds,
        times_ideal: seconds / (pause.as_secs_f64() * rounds as f64),
        resident_mb: resident_mb(),
    })
}
