//! `lattice bench`: the local figures, with the floor measured in the same run.
//!
//! `durable` measures durable steps over a `rig`, `branching` steps side by side,
//! `families` runs that let other runs work, `streaming` what
//! readers see of them, `compiling` the compiler, `exporting` the exports, `machine` what the machine was
//! doing; `table` prints. The floor is SQLite itself with the same durability and group commit and
//! no engine. Nothing here is asserted by a test: figures are for reading, as ratios.

mod branching;
mod compiling;
mod durable;
mod ends;
mod exporting;
mod families;
mod machine;
mod programs;
mod rig;
mod streaming;
mod table;

use crate::error::CliError;
use durable::Durable;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Fewer runs, for a look in seconds.
    pub quick: bool,
    /// Where the files go; on the disk that is to be measured.
    pub dir: PathBuf,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    machine: machine::Machine,
    durable: Vec<Durable>,
    stored: Vec<durable::Stored>,
    branching: Vec<branching::Branching>,
    families: Vec<families::Family>,
    streaming: Vec<streaming::Streaming>,
    compile: Vec<compiling::Compiled>,
    export: Vec<exporting::Exported>,
}

/// Steps of a measured workflow: ten calls that do nothing, so 11 commits a run.
const STEPS: u64 = 10;

/// Measures. Works in a folder of its own below `plan.dir` and removes it.
pub async fn measure(plan: &Plan) -> Result<Report, CliError> {
    let folder = plan.dir.join(format!("bench-{}", std::process::id()));
    create(&folder)?;
    let report = measure_in(plan, &folder).await;
    let removed = std::fs::remove_dir_all(&folder);
    let report = report?;
    removed.map_err(|error| broken(&folder, &error))?;
    Ok(report)
}

async fn measure_in(plan: &Plan, folder: &Path) -> Result<Report, CliError> {
    let machine = machine::Machine::look();
    let sizes: &[(u64, u64)] = match plan.quick {
        true => &[(1, 300), (64, 4_000), (256, 8_000)],
        false => &[(1, 2_000), (64, 30_000), (256, 60_000)],
    };
    let mut durable = Vec::new();
    for (concurrency, runs) in sizes {
        let dir = folder.join(format!("c{concurrency}"));
        create(&dir)?;
        durable.push(durable::measure(&dir, *runs, *concurrency, STEPS).await?);
    }
    let stored_runs = if plan.quick { 10_000 } else { 100_000 };
    let dir = folder.join("stored");
    create(&dir)?;
    let stored = durable::measure_stored(&dir, stored_runs).await?;
    let mut branching = Vec::new();
    for (effect_ms, runs) in [(5, 40), (100, 4), (1_000, 1)] {
        let dir = folder.join(format!("branches-{effect_ms}"));
        create(&dir)?;
        branching.push(branching::measure(&dir, (16, 4), effect_ms, runs).await?);
    }
    for effect_ms in [5, 100, 1_000] {
        let dir = folder.join(format!("spread-{effect_ms}"));
        create(&dir)?;
        branching.push(branching::measure_spread(&dir, (16, 4), effect_ms, 4).await?);
    }
    let mut families = Vec::new();
    for effect_ms in [5, 100] {
        let dir = folder.join(format!("list-{effect_ms}"));
        create(&dir)?;
        families.push(families::measure_list(&dir, 1_000, effect_ms).await?);
        let dir = folder.join(format!("calls-{effect_ms}"));
        create(&dir)?;
        families.push(families::measure_calls(&dir, 16, effect_ms).await?);
    }
    if !plan.quick {
        let dir = folder.join("list-long");
        create(&dir)?;
        families.push(families::measure_list(&dir, 10_000, 5).await?);
    }
    let mut streaming = Vec::new();
    for (runs, readers_each) in [(1, 1), (16, 4), (4, 64)] {
        let dir = folder.join(format!("streams-{runs}-{readers_each}"));
        create(&dir)?;
        streaming.push(streaming::measure(&dir, runs, readers_each).await?);
    }
    let compile = [100, 1_000, 10_000].map(compiling::measure).to_vec();
    let export = [100, 1_000].map(exporting::measure).to_vec();
    Ok(Report {
        machine,
        durable,
        stored,
        branching,
        families,
        streaming,
        compile,
        export,
    })
}

impl Report {
    /// The report as a table for people.
    pub fn table(&self) -> String {
        table::table(self)
    }
}

fn create(dir: &Path) -> Result<(), CliError> {
    std::fs::create_dir_all(dir).map_err(|error| broken(dir, &error))
}

fn broken(dir: &Path, error: &std::io::Error) -> CliError {
    let text = format!("the bench cannot use `{}`: {error}", dir.display());
    CliError::said(text, "name another folder with --data")
}
