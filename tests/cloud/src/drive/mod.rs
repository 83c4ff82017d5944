//! Drives the deployed system from outside and judges what became of it.
//!
//! `world` is what there is, `paths` what is tried, `judge` reads the logs of all runs afterwards,
//! `measure` counts what a step costs, `report` says all of it.

mod client;
pub(crate) mod documents;
mod host;
mod judge;
mod measure;
mod paths;
mod processes;
mod report;
mod world;
mod wrong;

pub use judge::Verdict;
pub use measure::{Measured, measure};
pub use paths::{PATHS, Path};
pub use report::{Report, Row};
pub use world::{PROVIDER_KEY, Parts, TENANT, World};
pub use wrong::{Wrong, must, want, wrong};

use std::time::Instant;

/// Drives the paths with these names, or all.
pub async fn drive(world: &World, only: &[String]) -> Vec<Row> {
    let wanted = |path: &&Path| only.is_empty() || only.iter().any(|name| name == path.name);
    let mut rows = Vec::new();
    for path in PATHS.iter().filter(wanted) {
        eprintln!("   {}: {}", path.name, path.shows);
        let began = Instant::now();
        let outcome = (path.drive)(world).await;
        let holds = outcome.is_ok();
        let found = outcome.unwrap_or_else(|error| error.to_string());
        eprintln!("      {} {found}", if holds { "ok" } else { "FAIL" });
        rows.push(Row {
            path: path.name,
            shows: path.shows,
            found,
            holds,
            ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
    }
    rows
}

/// Judges every run that was acknowledged.
pub async fn judge(world: &World) -> Result<Verdict, Wrong> {
    let mut verdict = Verdict::new(&world.models.counts());
    for run in world.runs() {
        verdict.run(&run, world.log(&run).await?.as_deref());
    }
    Ok(verdict)
}
