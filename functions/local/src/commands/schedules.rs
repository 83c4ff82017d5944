//! `lattice schedules`: what the clock starts, and when next; `pause` and `resume` one of them.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::text::table;
use crate::{reach, triggers};
use lattice_api::{is_trigger_id, pause_of, schedule_row};
use lattice_ir::TriggerKind;
use lattice_local::SystemClock;
use lattice_model::TriggerId;
use lattice_ports::{Clock, Triggers};
use serde_json::json;

/// The words of `schedules`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    pub act: Option<Act>,
    #[command(flatten)]
    pub data: Data,
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// What is done to one schedule.
#[derive(Debug, clap::Subcommand)]
pub enum Act {
    /// Let a schedule rest: it starts nothing until it is resumed.
    #[command(after_help = "Example:\n  lattice schedules pause tr_01dmqyzz63dnbcf7ky8tzpbj6n")]
    Pause(One),
    /// End the rest of a schedule. What fell into it is not made up for.
    #[command(after_help = "Example:\n  lattice schedules resume tr_01dmqyzz63dnbcf7ky8tzpbj6n")]
    Resume(One),
}

/// One schedule.
#[derive(Debug, clap::Args)]
pub struct One {
    /// Its id, as `lattice schedules` shows it.
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub data: Data,
}

const AFTER_HELP: &str = "\
Schedules fire while `lattice dev` runs on the data directory.

Example:
  lattice schedules";

/// Lists the schedules of all workflows, or lets one of them rest.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    match args.act {
        None => list(&args, app).await,
        Some(Act::Pause(one)) => rest(&one, true, app).await,
        Some(Act::Resume(one)) => rest(&one, false, app).await,
    }
}

/// Writes the pause, beside the owner of the directory or without one. Whoever fires the schedule
/// reads it at each firing.
async fn rest(one: &One, rests: bool, app: &App) -> Result<Exit, CliError> {
    let none = || {
        CliError::said(
            format!("there is no schedule `{}`", one.id.escape_debug()),
            "`lattice schedules` lists them with their ids",
        )
    };
    let store = reach::open(app, &one.data)?;
    let id = TriggerId::new(one.id.as_str());
    let row = match is_trigger_id(id.as_str()) {
        true => store.trigger(&id).await?,
        false => None,
    };
    let row = row.filter(|row| matches!(row.on, TriggerKind::Schedule(_)));
    let row = row.ok_or_else(none)?;
    let (workflow, node) = (&row.workflow, &row.node);
    let now = SystemClock::new()?.now();
    let Some(pause) = pause_of(&row, rests, now) else {
        let stands = if rests {
            "is paused already"
        } else {
            "is not paused"
        };
        app.screen
            .line(format!("{id} of `{workflow}` (node `{node}`) {stands}"));
        return Ok(Exit::Completed);
    };
    if !store.pause_trigger(&id, pause).await? {
        return Err(none());
    }
    let done = if rests { "is paused" } else { "fires again" };
    app.screen
        .line(format!("{id} of `{workflow}` (node `{node}`) {done}"));
    Ok(Exit::Completed)
}

async fn list(args: &Args, app: &App) -> Result<Exit, CliError> {
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
            "overlap": schedule.overlap,
            "missed": schedule.missed,
            "nextAt": schedule.next_at,
            "pausedAt": schedule.paused_at,
            "waitingAt": schedule.waiting_at,
            "lastSkipped": schedule.last_skipped,
            "storedAt": schedule.stored_at,
        }));
        let next = match &schedule.paused_at {
            Some(since) => format!("paused since {since}"),
            None => schedule.next_at.unwrap_or_else(|| "never again".to_owned()),
        };
        lines.push(vec![
            schedule.workflow.to_string(),
            schedule.node.to_string(),
            schedule.expression,
            schedule.timezone,
            next,
            schedule.id.to_string(),
        ]);
    }
    table(&lines).iter().for_each(|line| app.screen.line(line));
    if lines.is_empty() {
        app.screen
            .line("no schedules; a workflow with a `scheduleTrigger` node has one");
    }
    Ok(Exit::Completed)
}
