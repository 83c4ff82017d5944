//! `lattice fork`: a new run that begins with what another one was.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::reach;
use lattice_driver::{ForkFrom, ForkWish, Forked};
use lattice_local::{LocalOptions, LocalStore};
use lattice_model::{RunId, Seq, Tenant};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The words of `fork`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[command(group(clap::ArgGroup::new("from").required(true).args(["at", "from_failed"])))]
pub struct Args {
    /// The run that is forked.
    pub run: String,
    /// As it was after this event; inside a step, as it was before the step.
    #[arg(long, value_name = "SEQ")]
    pub at: Option<u64>,
    /// As it was before the failure that ended it.
    #[arg(long)]
    pub from_failed: bool,
    /// Sets a value first: `vars.NAME`, `nodes.ID.output` or `in`, and names inside it.
    #[arg(long, value_name = "PATH=JSON")]
    pub set: Vec<String>,
    /// The same key gives the same run.
    #[arg(long)]
    pub key: Option<String>,
    #[command(flatten)]
    pub data: Data,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
The other run stays as it is. The fork keeps what was done before the event and does the rest
itself: its calls, timers and questions are its own.

Example:
  lattice fork run_01k00000000000000000000000 --at 6 --set 'vars.tone=\"kind\"'
  lattice fork run_01k00000000000000000000000 --from-failed";

/// Forks a run; `resume` carries the fork on.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let run: RunId = args.run.parse()?;
    let from = match args.at {
        Some(at) => ForkFrom::At(Seq::from_stored(at)),
        None => ForkFrom::Failed,
    };
    let wish = ForkWish {
        tenant: Tenant::local(),
        run,
        from,
        set: changes(&args.set)?,
        key: args.key,
    };
    // A directory without data is not made by looking into it.
    drop(reach::open(app, &args.data)?);
    let store = LocalStore::open(&app.data_dir(&args.data), &LocalOptions::default())?;
    let forked = reach::hand(app, store)?.fork(wish).await?;
    match app.screen.is_json() {
        true => app.screen.record(&json!({
            "runId": forked.run,
            "known": forked.known,
            "forkedFrom": forked.from,
        })),
        false => say(app, &args.data, &forked),
    }
    Ok(Exit::Completed)
}

fn say(app: &App, data: &Data, forked: &Forked) {
    let (run, from) = (&forked.run, &forked.from);
    let known = match forked.known {
        true => " (it was there already, under the same key)",
        false => "",
    };
    app.screen
        .line(format!("{run} is forked from {}{known}", origin(from)));
    let flags = app.flags(data);
    app.screen
        .line(format!("go on: lattice resume {run}{}", flags.resume));
}

/// Where a fork comes from, in words.
pub fn origin(from: &lattice_journal::ForkedFrom) -> String {
    let named = from
        .named
        .map(|named| format!(" (event {named} stands inside a step, which is done anew)"));
    format!(
        "{} at seq {}{}",
        from.run,
        from.seq,
        named.unwrap_or_default()
    )
}

/// What is set, by its path.
fn changes(set: &[String]) -> Result<BTreeMap<String, Value>, CliError> {
    let mut changes = BTreeMap::new();
    for change in set {
        let Some((path, text)) = change.split_once('=') else {
            let text = format!("`{change}` is not `PATH=JSON`");
            return Err(CliError::said(text, "such as `--set vars.count=3`"));
        };
        let value = serde_json::from_str(text).map_err(|error| {
            let said = format!("the value of `{path}` is not JSON: {error}");
            CliError::said(
                said,
                "a text stands in quotes: `--set 'vars.tone=\"kind\"'`",
            )
        })?;
        if changes.insert(path.to_owned(), value).is_some() {
            let text = format!("`{path}` is set twice");
            return Err(CliError::said(text, "set it once"));
        }
    }
    Ok(changes)
}
