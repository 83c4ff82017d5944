//! What can be typed. Each command's arguments stand in its own file.

use crate::commands::{
    bench, cancel, compile, dev, doctor, events, export, fork, hooks, import, nodes, resume, run,
    runs, schedules, show, signal, workflows,
};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Draws, compiles and runs agent workflows that survive a crash.
#[derive(Debug, Parser)]
#[command(name = "lattice", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Example:
  lattice run examples/release-notes.json

Every command has its own help: `lattice run --help`.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a run of a workflow file and show what it does.
    Run(run::Args),
    /// Carry on what a crash, a stop or an open question left unfinished.
    Resume(resume::Args),
    /// Serve the API and a page on this machine, and carry every run on, until stopped.
    Dev(dev::Args),
    /// Check a workflow file and say everything that is wrong with it.
    Compile(compile::Args),
    /// Write a workflow as the files of a coding agent.
    Export(export::Args),
    /// Read what a coding agent has in a project as a workflow.
    Import(import::Args),
    /// Print the events of a run, and follow it while it goes on.
    Events(events::Args),
    /// List runs, newest first.
    Runs(runs::Args),
    /// Show how a run stands, or stood at an earlier event.
    Show(show::Args),
    /// Answer a question that a run asks.
    Signal(signal::Args),
    /// End a run.
    Cancel(cancel::Args),
    /// Begin a new run with what another one was.
    Fork(fork::Args),
    /// List the workflows that are stored.
    Workflows(workflows::Args),
    /// List where webhooks are taken, and how their senders prove who they are.
    Hooks(hooks::Args),
    /// List what the clock starts, and when next.
    Schedules(schedules::Args),
    /// List the node types and say which of them this build runs.
    Nodes(nodes::Args),
    /// Check settings, model provider and data directory, and say what to do.
    Doctor(doctor::Args),
    /// Measure durable steps and compiling on this machine, beside the floor.
    Bench(bench::Args),
}

impl Command {
    /// What operators read of this command unless they ask for more or less.
    pub fn log_filter(&self) -> Option<&'static str> {
        matches!(self, Self::Dev(_))
            .then_some("warn,lattice=info,lattice_api=info,lattice_driver=info")
    }

    /// Whether standard output is for programs.
    pub fn is_json(&self) -> bool {
        match self {
            Self::Run(args) => args.json,
            Self::Resume(args) => args.json,
            Self::Compile(args) => args.json,
            Self::Events(args) => args.json,
            Self::Export(args) => args.json,
            Self::Import(args) => args.json,
            Self::Runs(args) => args.json,
            Self::Show(args) => args.json,
            Self::Signal(_) | Self::Cancel(_) | Self::Dev(_) => false,
            Self::Fork(args) => args.json,
            Self::Workflows(args) => args.json,
            Self::Hooks(args) => args.json,
            Self::Schedules(args) => args.json,
            Self::Nodes(args) => args.json,
            Self::Doctor(args) => args.json,
            Self::Bench(args) => args.json,
        }
    }
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct Data {
    /// The data directory [default: `LATTICE_DATA`, or `.lattice` in the current directory].
    #[arg(long = "data", value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Which model provider answers.
#[derive(Debug, Clone, Args)]
pub struct ProviderChoice {
    /// Which provider answers, whatever the settings say: `mock`, `openai`, `openai-compatible`.
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// A file with the answers of the mock provider.
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::Cli;
    use clap::CommandFactory;
    use lattice_model::RunId;

    #[test]
    fn the_words_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn examples_name_runs_as_they_are_named() {
        let mut texts = vec![include_str!("../../../docs/cli.md").to_owned()];
        let commands = Cli::command();
        texts.extend(
            commands
                .get_subcommands()
                .filter_map(|command| Some(command.get_after_help()?.to_string())),
        );
        let words = texts.iter().flat_map(|text| text.split_whitespace());
        let runs: Vec<&str> = words.filter(|word| word.starts_with("run_")).collect();
        assert!(runs.len() >= 9, "{runs:?}");
        for run in runs {
            assert!(run.parse::<RunId>().is_ok(), "{run}");
        }
    }
}
