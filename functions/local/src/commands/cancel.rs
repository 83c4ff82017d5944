//! `lattice cancel`: the end of a run, on request.

use crate::app::App;
use crate::cli::Data;
use crate::commands::signal::say;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::reach;
use lattice_local::{LocalError, LocalOptions, LocalStore};
use lattice_model::{RunId, Seq};
use lattice_ports::Message;

/// The words of `cancel`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice cancel run_01k00000000000000000000000")]
pub struct Args {
    /// The run.
    pub run: String,
    /// Why, for the record.
    #[arg(long, default_value = "cancelled with `lattice cancel`")]
    pub reason: String,
    #[command(flatten)]
    pub data: Data,
}

/// Ends a run: by itself if nobody owns the data, else through its owner.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let run: RunId = args.run.parse()?;
    // A directory without data is not made by looking into it.
    let guest = reach::open(app, &args.data)?;
    match LocalStore::open(&app.data_dir(&args.data), &LocalOptions::default()) {
        Ok(store) => {
            drop(guest);
            let hand = reach::hand(app, store)?;
            hand.cancel(&run, &args.reason).await?;
            hand.serve(&Message::new(run.clone(), Seq::ZERO), None)
                .await?;
            app.screen.line(format!("{run} is cancelled"));
        }
        Err(LocalError::Owned { .. }) => {
            reach::hand(app, guest)?.cancel(&run, &args.reason).await?;
            say(app, &args.data, &run, "the cancel", "ends");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Exit::Completed)
}
