//! The command line `lattice`: compiles workflows, runs them durably in a data directory, and reads what
//! is stored.
//!
//! `cli` is what can be typed and `commands` what each word does. `app` is what every command
//! knows: settings, screen, redaction. `source` reads workflow files, `input` what goes into them.
//! `host` owns a data directory and works in it, `serve` lets others see and act over HTTP, `triggers` lets clock and
//! webhooks start runs, `reach` reads and writes beside an owner. `watch`
//! folds what runs tell, `progress` shows it, `carry` waits until there is nothing left to do.

mod app;
mod bench;
mod carry;
mod cli;
mod commands;
mod error;
mod host;
mod input;
mod logs;
mod outcome;
mod progress;
mod reach;
mod screen;
mod serve;
mod source;
mod staged;
mod text;
mod triggers;
mod watch;

use clap::Parser;
use std::process::ExitCode;

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.command.is_json();
    let app = match app::App::read(json) {
        Ok(app) => app,
        Err(error) => return screen::Screen::bare(json).fail(&error).into(),
    };
    let filter = app.get("LATTICE_LOG").or(cli.command.log_filter());
    logs::start(&app.redactor, filter, app.get("LATTICE_LOG_FORMAT"));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let exit = match runtime {
        Ok(runtime) => runtime.block_on(commands::perform(cli.command, &app)),
        Err(source) => Err(error::CliError::Runtime(source)),
    };
    match exit {
        Ok(exit) => exit.into(),
        Err(error) => app.screen.fail(&error).into(),
    }
}
