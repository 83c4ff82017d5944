//! `lattice bench`: the local figures, with the floor measured in the same run.

use crate::app::App;
use crate::bench::{Plan, measure};
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;

/// The words of `bench`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice bench --quick")]
pub struct Args {
    #[command(flatten)]
    pub data: Data,
    /// Fewer runs: half a minute instead of several.
    #[arg(long)]
    pub quick: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Measures in a folder of its own below the data directory, and removes it.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let dir = app.data_dir(&args.data);
    let report = measure(&Plan {
        quick: args.quick,
        dir,
    })
    .await?;
    app.screen.record(&report);
    app.screen.line(report.table().trim_end());
    Ok(Exit::Completed)
}
