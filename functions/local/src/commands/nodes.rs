//! `lattice nodes`: the node types, and which of them this build runs.

use crate::app::App;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::text::table;
use lattice_nodes::{ALL, NOT_YET, find, runs};
use serde_json::json;

/// The words of `nodes`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice nodes --json")]
pub struct Args {
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Lists node types; of a type that works in part, the part that does not has a line of its own.
pub fn perform(_args: Args, app: &App) -> Result<Exit, CliError> {
    let mut rows = Vec::new();
    for kind in ALL.iter().filter(|kind| runs(kind.name())) {
        app.screen.record(&json!({
            "type": kind.name(), "status": "works", "title": kind.title(), "summary": kind.summary(),
        }));
        rows.push(vec![
            kind.name().to_owned(),
            "works".to_owned(),
            kind.summary().to_owned(),
        ]);
    }
    for name in NOT_YET {
        let kind = find(name);
        let (title, summary) = (kind.map(|it| it.title()), kind.map(|it| it.summary()));
        app.screen.record(
            &json!({ "type": name, "status": "notYet", "title": title, "summary": summary }),
        );
        rows.push(vec![
            (*name).to_owned(),
            "not yet".to_owned(),
            summary.unwrap_or_default().to_owned(),
        ]);
    }
    table(&rows).iter().for_each(|line| app.screen.line(line));
    Ok(Exit::Completed)
}
