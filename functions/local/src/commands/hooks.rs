//! `lattice hooks`: where webhooks are taken.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::text::table;
use crate::{reach, triggers};
use lattice_api::hook_row;
use lattice_model::limits::DEV_PORT;
use serde_json::json;

/// The words of `hooks`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice hooks")]
pub struct Args {
    #[command(flatten)]
    pub data: Data,
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Lists the webhooks of all workflows, with the address at which `lattice dev` takes them.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let rows = triggers::all(&reach::open(app, &args.data)?, None).await?;
    let owner = reach::owner(&app.data_dir(&args.data)).and_then(|holder| holder.url);
    let url = owner.unwrap_or_else(|| format!("http://127.0.0.1:{DEV_PORT}"));
    let secrets = app.secrets();
    let mut lines = Vec::new();
    for hook in rows.iter().filter_map(hook_row) {
        let set = secrets.names().any(|name| name == hook.secret);
        let address = format!("{url}{}", hook.path);
        app.screen.record(&json!({
            "id": hook.id,
            "workflow": hook.workflow,
            "node": hook.node,
            "address": address,
            "methods": hook.methods,
            "authentication": hook.authentication,
            "header": hook.header,
            "secret": hook.secret,
            "secretIsSet": set,
            "payload": hook.payload,
            "storedAt": hook.stored_at,
        }));
        let secret = match set {
            true => hook.secret,
            false => format!("{} (not set: LATTICE_SECRET_{})", hook.secret, hook.secret),
        };
        lines.push(vec![
            hook.workflow.to_string(),
            hook.node.to_string(),
            hook.authentication,
            secret,
            address,
        ]);
    }
    table(&lines).iter().for_each(|line| app.screen.line(line));
    if lines.is_empty() {
        app.screen
            .line("no webhooks; a workflow with a `webhookTrigger` node has one");
    }
    Ok(Exit::Completed)
}
