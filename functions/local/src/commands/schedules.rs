//! `lattice schedules`: what the clock starts, and when next.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::text::table;
use crate::{reach, triggers};
use lattice_api::schedule_row;
use lattice_local::SystemClock;
use lattice_ports::Clock;
use serde_json::json;

/// The words of `schedules`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(flatten)]
    pub data: Data,
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Schedules fire while `lattice dev` runs on the data directory.

Example:
  lattice schedules";

/// Lists the schedules of all workflows.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let rows = triggers::all(&reach::open(app, &args.data)?, None).await?;
    let now = SystemClock::new()?.now();
    let mut lines = Vec::new();
    for schedule in rows.iter().filter_map(|row| schedule_row(row, now)) {
        app.screen.record(&json!({
            "id": schedule.id,
            "workflow": schedule.workflow,
            "node": schedule.node,
            "expression": schedule.expression,
            "timezone": schedule.timezone,
            "nextAt": schedule.next_at,
            "storedAt": schedule.stored_at,
        }));
        lines.push(vec![
            schedule.workflow.to_string(),
            schedule.node.to_string(),
            schedule.expression,
            schedule.timezone,
            schedule.next_at.unwrap_or_else(|| "never again".to_owned()),
        ]);
    }
    table(&lines).iter().for_each(|line| app.screen.line(line));
    if lines.is_empty() {
        app.screen
            .line("no schedules; a workflow with a `scheduleTrigger` node has one");
    }
    Ok(Exit::Completed)
}
