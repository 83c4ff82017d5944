//! `lattice workflows`: the workflows that are stored.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::reach;
use crate::text::{one_line, table};
use lattice_ports::Workflows;
use serde_json::json;

/// The words of `workflows`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice workflows")]
pub struct Args {
    #[command(flatten)]
    pub data: Data,
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Lists the newest version of each workflow.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let workflows = reach::open(app, &args.data)?.workflows().await?;
    for stored in &workflows {
        app.screen.record(&json!({
            "workflow": stored.id,
            "name": stored.name,
            "version": stored.version,
            "program": stored.program,
            "storedAt": stored.stored_at.rfc3339(),
        }));
    }
    let rows: Vec<Vec<String>> = workflows
        .iter()
        .map(|stored| {
            let version: String = stored.version.to_hex().chars().take(12).collect();
            vec![
                stored.id.to_string(),
                version,
                stored.stored_at.rfc3339(),
                one_line(&stored.name, 40),
            ]
        })
        .collect();
    table(&rows).iter().for_each(|line| app.screen.line(line));
    if workflows.is_empty() {
        app.screen
            .line("no workflows; `lattice run FILE` stores one");
    }
    Ok(Exit::Completed)
}
