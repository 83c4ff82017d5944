//! Many subscribers on one run of a real `lattice dev`, each dropped at random over and over, some
//! of them as slow as can be: does every one get exactly the log, and does the server stay small?
//!
//! `plan` makes the workflow and says who drops where, `crowd` are the subscribers, `slow` is one
//! who takes a byte a second, `harness` brings them all together and `report` counts. The server is
//! this very program in its other role, which is `lattice` itself; `--binary` takes another one.

mod cloud;
mod crowd;
mod harness;
mod plan;
mod report;
mod slow;

use clap::Parser;
use lattice_served::{ROLE, ServedError, io};
use plan::Plan;
use std::path::PathBuf;
use std::process::ExitCode;

/// Follows one run with many subscribers that lose their connections, and counts what they miss.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  lattice-streams --subscribers 1000 --events 10000 --drops 50")]
struct Arguments {
    /// Subscribers.
    #[arg(long, default_value_t = 100)]
    subscribers: usize,
    /// Events of the run, at least.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(100..=19_000))]
    events: u64,
    /// How often each subscriber is dropped.
    #[arg(long, default_value_t = 10)]
    drops: usize,
    /// Readers of a byte a second beside them.
    #[arg(long, default_value_t = 0)]
    slow: usize,
    /// The same seed makes the same choices; the machine's timing still differs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Serves from DynamoDB and S3 at `AWS_ENDPOINT_URL`, as the stream function does.
    #[arg(long, conflicts_with = "binary")]
    aws: bool,
    /// The `lattice` that serves [default: the one built into this program].
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// Why the harness could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StreamsError {
    /// The server did not do what the harness needs.
    #[error(transparent)]
    Served(#[from] ServedError),
    /// No client can be made.
    #[error(transparent)]
    Client(#[from] lattice_client::WatchError),
    /// The system gives too few open files.
    #[error("{wanted} open files are needed and {allowed} allowed; raise that with `ulimit -n`")]
    Files {
        /// For every subscriber, and some more.
        wanted: u64,
        /// What the system allows.
        allowed: u64,
    },
    /// A part of the harness broke off.
    #[error("a part of the harness broke off: {0}")]
    Task(#[from] tokio::task::JoinError),
}

fn main() -> ExitCode {
    if std::env::var_os(ROLE).is_some() {
        if std::env::var_os(cloud::TABLE).is_some() {
            return cloud::main();
        }
        return lattice::main();
    }
    match try_all(Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn try_all(arguments: Arguments) -> Result<bool, StreamsError> {
    let own = std::env::current_exe().map_err(io("no path of this program"))?;
    let plan = Plan {
        binary: arguments.binary.unwrap_or(own),
        subscribers: arguments.subscribers,
        events: arguments.events,
        drops: arguments.drops,
        slow: arguments.slow,
        seed: arguments.seed,
        aws: arguments.aws,
    };
    let runtime = tokio::runtime::Runtime::new().map_err(io("no runtime"))?;
    let report = runtime.block_on(harness::perform(&plan))?;
    println!("{}", report.table());
    let faults = report.faults();
    faults.iter().for_each(|fault| println!("FAULT: {fault}"));
    Ok(faults.is_empty())
}
