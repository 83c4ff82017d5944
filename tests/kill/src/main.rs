//! Kills `lattice` with SIGKILL at random moments and carries on with `lattice resume`, over and
//! over; then reads what is stored and counts what was lost, repeated or done twice. `dev` does the
//! same to `lattice dev`, with watchers who follow every run over HTTP.
//!
//! `process` starts and kills, `harness` is the loop, `dev` the one over HTTP, `verdict` reads the logs and counts,
//! `workflows` is what is run.
//! The processes it starts are this very program in its other
//! role, which is `lattice` itself; `--binary` takes another one.

mod dev;
mod harness;
mod process;
mod verdict;
mod workflows;

use clap::Parser;
use harness::{Harness, Plan};
use std::path::PathBuf;
use std::process::ExitCode;
use verdict::Verdict;

/// Kills `lattice` at random moments and checks that nothing is lost.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
#[command(
    after_help = "Examples:\n  lattice-kill --kills 300 --seed 7\n  lattice-kill dev --runs 50"
)]
struct Arguments {
    #[command(subcommand)]
    mode: Option<Mode>,
    /// Kills for each kind of receiver.
    #[arg(long, default_value_t = 300)]
    kills: u32,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Subcommand)]
enum Mode {
    /// Kills `lattice dev` while runs are live and watched.
    Dev {
        /// Kills.
        #[arg(long, default_value_t = 100)]
        kills: u32,
        /// Runs that are live at the same time.
        #[arg(long, default_value_t = 50)]
        runs: usize,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// The same seed makes the same choices; the machine's timing still differs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The `lattice` to kill [default: the one built into this program].
    #[arg(long)]
    binary: Option<PathBuf>,
}

impl Common {
    fn binary(self) -> Result<PathBuf, KillError> {
        let own = || std::env::current_exe().map_err(io("no path of this program"));
        self.binary.map_or_else(own, Ok)
    }
}

/// Why the harness could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    /// The system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store could not be read.
    #[error(transparent)]
    Local(#[from] lattice_local::LocalError),
    /// The store could not be read.
    #[error(transparent)]
    Port(#[from] lattice_ports::PortError),
    /// The server did not do what the harness needs.
    #[error(transparent)]
    Served(#[from] lattice_served::ServedError),
    /// Something is not as it must be.
    #[error("{0}")]
    Wrong(String),
}

/// Names what was tried.
pub fn io(what: &'static str) -> impl Fn(std::io::Error) -> KillError {
    move |source| KillError::Io { what, source }
}

fn main() -> ExitCode {
    if std::env::var_os(lattice_served::ROLE).is_some() {
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

fn try_all(arguments: Arguments) -> Result<bool, KillError> {
    let runtime = tokio::runtime::Runtime::new().map_err(io("no runtime"))?;
    let (table, faults): (String, Vec<String>) = match arguments.mode {
        None => {
            let seed = arguments.common.seed;
            let binary = arguments.common.binary()?;
            let mut verdicts = Vec::new();
            for honour_keys in [true, false] {
                let plan = Plan {
                    binary: binary.clone(),
                    kills: arguments.kills,
                    seed,
                    honour_keys,
                };
                verdicts.push(runtime.block_on(Harness::perform(plan))?);
            }
            let faults = verdicts.iter().flat_map(Verdict::faults).collect();
            (Verdict::table(&verdicts), faults)
        }
        Some(Mode::Dev {
            kills,
            runs,
            common,
        }) => {
            let plan = dev::Plan {
                kills,
                runs,
                seed: common.seed,
                binary: common.binary()?,
            };
            let outcome = runtime.block_on(dev::perform(&plan))?;
            (outcome.table(), outcome.faults())
        }
    };
    println!("{table}");
    faults.iter().for_each(|fault| println!("FAULT: {fault}"));
    Ok(faults.is_empty())
}
