//! `lattice resume`: carries on what a crash, a stop or an open question left unfinished.

use crate::app::App;
use crate::carry::{Carry, OnInterrupt};
use crate::cli::{Data, ProviderChoice};
use crate::commands::report::report_all;
use crate::error::CliError;
use crate::host::Host;
use crate::outcome::Exit;
use lattice_model::RunId;
use std::sync::Arc;

/// The words of `resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The run [default: every run that is not over].
    pub run: Option<String>,
    #[command(flatten)]
    pub provider: ProviderChoice,
    #[command(flatten)]
    pub data: Data,
    /// One event per line, as stored, and a last line for each run with its result.
    #[arg(long)]
    pub json: bool,
}

const AFTER_HELP: &str = "\
Exit codes:
  as of `lattice run`; of several runs, 1 if any failed, else 3 if any waits for a person.
  Ctrl-C stops (130) and leaves the runs as they are; `lattice cancel` ends one.

Example:
  lattice resume";

/// Carries runs on and stays until there is nothing left to do.
pub async fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let named = args.run.as_deref().map(str::parse::<RunId>).transpose()?;
    let provider = app.provider(&args.provider, None)?;
    let described = App::describe(&provider);
    let flags = app.flags_of_run(&args.data, &args.provider, &provider);
    // A directory without data is not made by looking into it.
    drop(crate::reach::open(app, &args.data)?);
    let mut host = Host::open(app, &args.data, provider)?;
    let runs = match named {
        Some(run) => vec![run],
        None => {
            let open = host.driver.unfinished().await?;
            open.into_iter().map(|head| head.run).collect()
        }
    };
    let mut carry = Carry::new(app, &mut host, flags.clone());
    let mut awake = Vec::new();
    let mut worst = Exit::Completed;
    for run in runs {
        match carry.follow_all(&run).await {
            Ok(true) => awake.push(run),
            Ok(false) => {}
            Err(error) if args.run.is_some() => return Err(error),
            Err(error) => worst = app.screen.fail(&error),
        }
    }
    if awake.is_empty() && args.run.is_none() {
        app.screen.line("no run is unfinished");
    } else if !awake.is_empty() {
        app.screen.note(described);
    }
    for run in &awake {
        carry.wake(run).await?;
    }
    let exit = carry.wait(OnInterrupt::Leave).await;
    let states: Vec<_> = carry
        .states()
        .map(|(run, state)| (run.clone(), state.clone()))
        .collect();
    let driver = Arc::clone(&host.driver);
    host.close().await;
    let exit = exit?;
    report_all(app, &driver, &states, &flags).await?;
    Ok(match exit {
        Exit::Completed | Exit::Waiting => Exit::worst([exit, worst]),
        other => other,
    })
}
