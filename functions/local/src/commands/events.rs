//! `lattice events`: the log of a run, and what comes while somebody follows it.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::reach;
use crate::text::one_line;
use lattice_client::{Server, Told, WatchError, WatchOptions};
use lattice_driver::DriverError;
use lattice_journal::{Event, Tail};
use lattice_model::limits::FOLLOW_POLL_MS;
use lattice_model::{RunId, Seq};
use lattice_ports::RunLog;
use std::time::Duration;

/// The words of `events`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice events run_01k00000000000000000000000 --follow")]
pub struct Args {
    /// The run.
    pub run: String,
    /// Begin at this event.
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub from: u64,
    /// Stay until the run is over.
    #[arg(long)]
    pub follow: bool,
    #[command(flatten)]
    pub data: Data,
    /// One event per line, as stored.
    #[arg(long)]
    pub json: bool,
}

/// Characters of a payload in a line.
const PAYLOAD_CHARS_MAX: usize = 100;

/// Prints events.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let run: RunId = args.run.parse()?;
    let store = reach::open(app, &args.data)?;
    let served = reach::owner(&app.data_dir(&args.data)).and_then(|owner| owner.url);
    let mut from = args.from;
    if let Some(url) = served.filter(|_| args.follow) {
        match watch(app, &url, &run, from).await? {
            Watched::Over => return Ok(Exit::Completed),
            Watched::Lost(last) => from = last.get() + 1,
        }
    }
    let mut tail = Tail::empty(run.clone());
    let mut over = false;
    loop {
        let commits = store.load(&run, tail.last().next()).await?;
        for commit in &commits {
            // INVARIANT: a reader shows a dense log or an error, never half of one.
            tail = tail.follow(commit).map_err(DriverError::from)?;
            over |= commit.events.iter().any(|event| event.body.is_terminal());
            for event in commit.events.iter().filter(|event| event.seq.get() >= from) {
                app.screen.record(event);
                app.screen.line(line(event));
            }
        }
        if tail.last() == Seq::ZERO {
            return Err(DriverError::NoRun(run).into());
        }
        if over || !args.follow || app.screen.is_closed() {
            if from > tail.last().get() {
                app.screen
                    .note(format!("the log of `{run}` ends at event {}", tail.last()));
            }
            return Ok(Exit::Completed);
        }
        tokio::time::sleep(Duration::from_millis(FOLLOW_POLL_MS)).await;
    }
}

/// How following over HTTP ended.
enum Watched {
    /// With the run, or with whoever read.
    Over,
    /// The server is gone; this event was the last.
    Lost(Seq),
}

/// Tries in a row after which a server counts as gone: the file tells the rest.
const TRIES_MAX: u32 = 3;

/// Follows through the server that owns the directory: each event as soon as it is stored.
async fn watch(app: &App, url: &str, run: &RunId, from: u64) -> Result<Watched, CliError> {
    let options = WatchOptions {
        from: Seq::from_stored(from.saturating_sub(1)),
        max_tries: Some(TRIES_MAX),
        ..WatchOptions::default()
    };
    let mut watcher = Server::new(url)?.watch(run.clone(), options)?;
    loop {
        match watcher.next().await {
            Ok(Some(Told::Event(event))) => {
                app.screen.record(&event);
                app.screen.line(line(&event));
            }
            Ok(Some(Told::Text(_))) => {}
            Ok(None) => return Ok(Watched::Over),
            // What the server says about a run that it does not have, or not so far, the file says
            // in this command's own words.
            Err(WatchError::GaveUp { .. } | WatchError::Refused { .. }) => {
                return Ok(Watched::Lost(watcher.last()));
            }
            Err(error) => return Err(error.into()),
        }
        if app.screen.is_closed() {
            return Ok(Watched::Over);
        }
    }
}

fn line(event: &Event) -> String {
    let stored = serde_json::to_value(event).unwrap_or_default();
    let payload = stored
        .get("payload")
        .map(ToString::to_string)
        .unwrap_or_default();
    let (seq, at, kind) = (event.seq.get(), event.timestamp, event.body.kind());
    let payload = one_line(&payload, PAYLOAD_CHARS_MAX);
    format!("{seq:>5}  {at}  {kind:<18}  {payload}")
}
