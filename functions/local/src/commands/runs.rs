//! `lattice runs`: the runs that are stored.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::reach;
use crate::text::{one_line, table};
use lattice_journal::{Head, RunStatus};
use lattice_model::{Millis, Tenant};
use lattice_ports::{RunFilter, RunIndex};
use serde_json::{Value, json};

/// The words of `runs`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice runs --status waiting")]
pub struct Args {
    /// Only runs that stand so.
    #[arg(long, value_parser = status)]
    pub status: Option<RunStatus>,
    #[command(flatten)]
    pub data: Data,
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Runs read at once.
const PAGE: usize = 256;

fn status(text: &str) -> Result<RunStatus, String> {
    let found = RunStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == text);
    found.ok_or_else(|| {
        let words: Vec<&str> = RunStatus::ALL
            .iter()
            .map(|status| status.as_str())
            .collect();
        format!("expected one of {}", words.join(", "))
    })
}

/// Lists runs.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let store = reach::open(app, &args.data)?;
    let mut before = None;
    let mut any = false;
    loop {
        let filter = RunFilter {
            tenant: Some(Tenant::local()),
            status: args.status,
            before: before.take(),
            limit: PAGE,
            ..RunFilter::default()
        };
        let page = store.heads(filter).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.run.clone());
        any = true;
        page.iter()
            .for_each(|head| app.screen.record(&object(head)));
        let rows: Vec<Vec<String>> = page.iter().map(row).collect();
        table(&rows).iter().for_each(|line| app.screen.line(line));
        if app.screen.is_closed() {
            break;
        }
    }
    if !any {
        app.screen.line(match args.status {
            None => "no runs; `lattice run FILE` starts one".to_owned(),
            Some(status) => format!("no run is {status}"),
        });
    }
    Ok(Exit::Completed)
}

fn object(head: &Head) -> Value {
    json!({
        "runId": head.run,
        "status": head.status,
        "workflow": head.workflow,
        "name": head.name,
        "seq": head.seq,
        "startedAt": head.started_at.rfc3339(),
        "updatedAt": head.updated_at.rfc3339(),
        "dueAt": head.due_at.map(Millis::rfc3339),
        "forkedFrom": head.forked_from,
    })
}

fn row(head: &Head) -> Vec<String> {
    let name = one_line(&head.name, 40);
    vec![
        head.run.to_string(),
        head.status.to_string(),
        head.started_at.rfc3339(),
        name,
    ]
}
