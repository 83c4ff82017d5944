//! `lattice events`: the log of a run, and what comes while somebody follows it.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::reach;
use crate::text::one_line;
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
    let mut tail = Tail::empty(run.clone());
    let mut over = false;
    loop {
        let commits = store.load(&run, tail.last().next()).await?;
        for commit in &commits {
            // INVARIANT: a reader shows a dense log or an error, never half of one.
            tail = tail.follow(commit).map_err(DriverError::from)?;
            over |= commit.events.iter().any(|event| event.body.is_terminal());
            for event in commit
                .events
                .iter()
                .filter(|event| event.seq.get() >= args.from)
            {
                app.screen.record(event);
                app.screen.line(line(event));
            }
        }
        if tail.last() == Seq::ZERO {
            return Err(DriverError::NoRun(run).into());
        }
        if over || !args.follow || app.screen.is_closed() {
            if args.from > tail.last().get() {
                app.screen
                    .note(format!("the log of `{run}` ends at event {}", tail.last()));
            }
            return Ok(Exit::Completed);
        }
        tokio::time::sleep(Duration::from_millis(FOLLOW_POLL_MS)).await;
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
