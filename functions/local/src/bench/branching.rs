//! Branches side by side: how many commits a step costs, and how far the time is from the longest
//! branch's own.

use super::ends::Ends;
use super::programs::branches;
use super::rig::Rig;
use crate::error::CliError;
use lattice_driver::Observer;
use lattice_journal::Commit;
use lattice_model::{RunId, Seq};
use lattice_ports::{Message, StageQueue};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Messages that each of several processes serves at once.
const HANDS: usize = 8;
/// The spacing of messages that lead to the run although nothing is new.
const TELL: Duration = Duration::from_millis(10);

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
    /// Processes that share the store and the queue.
    pub processes: u64,
    /// Commits a step.
    pub commits_per_step: f64,
    /// Puts a step: commits, and those that met somebody else's.
    pub puts_per_step: f64,
    /// The time of a run against the effects of one branch alone.
    pub times_ideal: f64,
}

/// Conflicts of all processes.
#[derive(Default)]
struct Conflicts(AtomicU64);

impl Observer for Conflicts {
    fn committed(&self, _commit: &Commit) {}

    fn conflict(&self, _run: &RunId) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Measures `runs` runs, one after the other, in one process.
pub async fn measure(
    dir: &Path,
    (count, steps): (u64, u64),
    effect_ms: u64,
    runs: u64,
) -> Result<Branching, CliError> {
    let pause = Duration::from_millis(effect_ms);
    let program = branches(count, steps, None);
    let conflicts = Arc::new(Conflicts::default());
    let observer = Arc::clone(&conflicts) as Arc<dyn Observer>;
    let rig = Rig::open(dir, program, pause, |_| observer).await?;
    rig.drive(1, 1).await?;
    let (counts, began) = (rig.store.write_counts(), Instant::now());
    rig.drive(runs, 1).await?;
    let seconds = began.elapsed().as_secs_f64() / runs as f64;
    let commits = rig.store.write_counts().commits - counts.commits;
    let all = (runs * count * steps) as f64;
    let puts = commits + conflicts.0.load(Ordering::Relaxed);
    Ok(Branching {
        branches: count,
        steps_each: steps,
        effect_ms,
        runs,
        processes: 1,
        commits_per_step: commits as f64 / all,
        puts_per_step: puts as f64 / all,
        times_ideal: seconds / (pause.as_secs_f64() * steps as f64),
    })
}

/// Tells whoever is free to look at the run, for ever.
async fn tell(rig: &Rig, run: &RunId) -> Result<(), CliError> {
    loop {
        let message = Message::new(run.clone(), Seq::ZERO);
        rig.driver.queue().send(message, 0).await?;
        tokio::time::sleep(TELL).await;
    }
}

/// Measures a run whose branches rest behind each call, while messages lead every process to it
/// again and again: the worst that answers, timers and deliveries that come twice could do. The processes are drivers that share nothing but the store and the queue, each with its own boot
/// id; a rest counts as a step.
pub async fn measure_spread(
    dir: &Path,
    (count, calls): (u64, u64),
    effect_ms: u64,
    processes: u64,
) -> Result<Branching, CliError> {
    const REST_MS: u64 = 20;
    let pause = Duration::from_millis(effect_ms);
    let ends = Arc::new(Ends::default());
    let conflicts = Arc::new(Conflicts::default());
    let observers: Vec<Arc<dyn Observer>> = vec![ends.clone(), conflicts.clone()];
    let observer: Arc<dyn Observer> = Arc::new(observers);
    let program = branches(count, calls, Some(REST_MS));
    let rig = Rig::open(dir, program, pause, |_| Arc::clone(&observer)).await?;
    let mut hands = Vec::new();
    for process in 0..processes {
        let driver = rig.process(&format!("bench-{process}"), &observer)?;
        hands.extend(super::rig::hands(&driver, HANDS));
    }
    let (counts, began) = (rig.store.write_counts(), Instant::now());
    let run = rig.start().await?;
    let over = ends.over(&run);
    tokio::select! {
        over = over => over?,
        told = tell(&rig, &run) => told?,
    }
    let seconds = began.elapsed().as_secs_f64();
    let commits = rig.store.write_counts().commits - counts.commits;
    rig.close(hands).await?;
    let all = (2 * count * calls) as f64;
    let puts = commits + conflicts.0.load(Ordering::Relaxed);
    Ok(Branching {
        branches: count,
        steps_each: 2 * calls,
        effect_ms,
        runs: 1,
        processes,
        commits_per_step: commits as f64 / all,
        puts_per_step: puts as f64 / all,
        times_ideal: seconds * 1_000.0 / ((effect_ms + REST_MS) * calls) as f64,
    })
}
