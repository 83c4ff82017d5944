//! What each word does: one file per command, and how a run's end is reported.

pub mod bench;
pub mod cancel;
pub mod compile;
pub mod dev;
pub mod doctor;
pub mod events;
pub mod export;
pub mod fork;
pub mod hooks;
pub mod import;
pub mod nodes;
mod report;
pub mod resume;
pub mod run;
pub mod runs;
pub mod schedules;
pub mod show;
pub mod signal;
pub mod workflows;

use crate::app::App;
use crate::cli::Command;
use crate::error::CliError;
use crate::outcome::Exit;

/// Performs a command.
pub async fn perform(command: Command, app: &App) -> Result<Exit, CliError> {
    match command {
        Command::Run(args) => run::perform(args, app).await,
        Command::Resume(args) => resume::perform(args, app).await,
        Command::Dev(args) => dev::perform(args, app).await,
        Command::Compile(args) => compile::perform(args, app),
        Command::Export(args) => export::perform(args, app),
        Command::Import(args) => import::perform(args, app),
        Command::Events(args) => events::perform(args, app).await,
        Command::Runs(args) => runs::perform(args, app).await,
        Command::Show(args) => show::perform(args, app).await,
        Command::Signal(args) => signal::perform(args, app).await,
        Command::Cancel(args) => cancel::perform(args, app).await,
        Command::Fork(args) => fork::perform(args, app).await,
        Command::Workflows(args) => workflows::perform(args, app).await,
        Command::Hooks(args) => hooks::perform(args, app).await,
        Command::Schedules(args) => schedules::perform(args, app).await,
        Command::Nodes(args) => nodes::perform(args, app),
        Command::Doctor(args) => doctor::perform(args, app).await,
        Command::Bench(args) => bench::perform(args, app).await,
    }
}
