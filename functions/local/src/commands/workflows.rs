//! `lattice workflows`: the workflows that are stored.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::reach;
use crate::text::{one_line, table};
use lattice_model::Tenant;
use lattice_model::limits::LIST_ROWS_MAX;
use lattice_ports::{PortError, WorkflowVersion, Workflows};
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
    let workflows = all(&reach::open(app, &args.data)?).await?;
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

/// The newest version of each workflow that is stored.
pub async fn all(store: &impl Workflows) -> Result<Vec<WorkflowVersion>, PortError> {
    let (tenant, mut all) = (Tenant::local(), Vec::<WorkflowVersion>::new());
    loop {
        let after = all.last().map(|row| &row.id);
        let page = store.workflows(&tenant, after, LIST_ROWS_MAX).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
