//! `lattice show`: how a run stands, or stood at an earlier event.

use crate::app::{App, Flags};
use crate::cli::Data;
use crate::commands::fork::origin;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::progress::{answer_command, question_lines};
use crate::reach;
use crate::text::{clean, preview, table};
use lattice_api::{budget, state_answer, value, waits_for};
use lattice_driver::{DriverError, load_run, state_at};
use lattice_engine::RunState;
use lattice_journal::RunSummary;
use lattice_model::{Guards, RunId, Seq};
use lattice_ports::RunLog;
use serde_json::{Value, json};

/// The words of `show`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice show run_01k00000000000000000000000 --at 4")]
pub struct Args {
    /// The run.
    pub run: String,
    /// As it stood after this event.
    #[arg(long, value_name = "SEQ")]
    pub at: Option<u64>,
    #[command(flatten)]
    pub data: Data,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Shows a run.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let run: RunId = args.run.parse()?;
    let store = reach::open(app, &args.data)?;
    let loaded = load_run(&store, &run, Guards::ALL).await?;
    let now = loaded.ok_or_else(|| DriverError::NoRun(run.clone()))?.state;
    let state = match args.at {
        None => now,
        Some(0) => {
            let text = "there is no event 0, the first one is 1";
            return Err(CliError::said(text, "name a later event"));
        }
        Some(at) if at > now.seq.get() => {
            let text = format!("run `{run}` has no event {at}, the last one is {}", now.seq);
            return Err(CliError::said(text, "name an earlier event"));
        }
        Some(at) => state_at(&store, &run, Seq::from_stored(at)).await?,
    };
    let summary = match state.status.is_terminal() {
        true => store.summary(&run).await?,
        false => None,
    };
    if app.screen.is_json() {
        app.screen
            .record(&object(&store, &run, &state, summary.as_ref()).await?);
    } else {
        show(app, &run, &state, summary.as_ref(), &app.flags(&args.data));
        if let Some(place) = waits_for(&store, &run, &state).await? {
            app.screen
                .line(place_line(&place.key, place.max_runs, place.before));
        }
    }
    Ok(Exit::Completed)
}

fn place_line(key: &str, max_runs: u32, before: Option<u64>) -> String {
    let of = match key {
        "" => String::new(),
        key => format!(" with the key `{}`", clean(key)),
    };
    let before = before.map(|count| format!(", {count} before it"));
    let before = before.unwrap_or_default();
    format!("waits for a place: at most {max_runs} runs{of} are open at once{before}")
}

/// What the API answers about the state, and how the run ended if it did.
async fn object<S: RunLog + lattice_ports::Blobs + lattice_ports::Slots>(
    store: &S,
    run: &RunId,
    state: &RunState,
    summary: Option<&RunSummary>,
) -> Result<Value, CliError> {
    let shown = state_answer(store, run, state).await?;
    let mut shown =
        serde_json::to_value(shown).map_err(|error| CliError::Task(error.to_string()))?;
    let output = match summary.and_then(|summary| summary.output.as_ref()) {
        Some(output) => Some(value(store, output).await?),
        None => None,
    };
    shown["waitsFor"] = json!(waits_for(store, run, state).await?);
    shown["endedAt"] = json!(summary.map(|summary| summary.ended_at.rfc3339()));
    shown["output"] = json!(output);
    shown["failure"] = json!(summary.and_then(|summary| summary.failure.as_ref()));
    shown["node"] = json!(summary.and_then(|summary| summary.node.as_ref()));
    Ok(shown)
}

fn show(app: &App, run: &RunId, state: &RunState, summary: Option<&RunSummary>, flags: &Flags) {
    let screen = &app.screen;
    let pair = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        pair("run", run.to_string()),
        pair(
            "workflow",
            format!("{} ({})", clean(&state.name), state.workflow),
        ),
        pair("status", format!("{} at event {}", state.status, state.seq)),
        pair("started", state.started_at.rfc3339()),
        pair("input", preview(&state.input)),
        pair("tokens", state.totals.usage.total().to_string()),
    ];
    rows.extend(budget(state).map(|budget| {
        let (tokens, used, reserved) = (budget.tokens, budget.used, budget.reserved);
        let text = format!("{tokens} tokens, {used} used, {reserved} reserved");
        pair("budget", text)
    }));
    let forked = state.forked_from.as_ref();
    rows.extend(forked.map(|from| pair("forked", format!("from {}", origin(from)))));
    if let Some(summary) = summary {
        rows.push(pair("ended", summary.ended_at.rfc3339()));
        rows.extend(
            summary
                .output
                .as_ref()
                .map(|output| pair("output", preview(output))),
        );
        rows.extend(summary.failure.as_ref().map(|failure| {
            let place = summary.node.as_ref().map(|node| format!("node `{node}`: "));
            let place = place.unwrap_or_default();
            pair(
                "failure",
                format!("{place}{}: {}", failure.kind, clean(&failure.message)),
            )
        }));
    }
    let values = state
        .variables
        .iter()
        .map(|(name, value)| (format!("vars.{name}"), value));
    let outputs = state
        .all_outputs()
        .map(|(node, value)| (format!("nodes.{node}"), value));
    rows.extend(
        values
            .chain(outputs)
            .map(|(name, value)| vec![name, preview(value)]),
    );
    rows.extend(state.stages.keys().map(|stage| {
        let waits = match state.is_held(stage) {
            true => ", waits for what others have reserved of the budget",
            false => "",
        };
        pair("open", format!("{stage}{waits}"))
    }));
    table(&rows).iter().for_each(|line| screen.line(line));
    for (_, node, question, _) in state.questions() {
        screen.line(format!("question of node `{node}`:"));
        question_lines(question)
            .iter()
            .for_each(|line| screen.line(line));
        screen.line(format!(
            "answer: {}",
            answer_command(run, node, question, &flags.data)
        ));
    }
}
