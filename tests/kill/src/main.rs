//! Kills `lattice` with SIGKILL at random moments and carries on with `lattice resume`, over and
//! over; then reads what is stored and counts what was lost, repeated or done twice.
//!
//! `process` starts and kills, `harness` is the loop, `verdict` reads the logs and counts.
//! The processes it starts are this very program in its other
//! role, which is `lattice` itself; `--binary` takes another one.

mod harness;
mod process;
mod verdict;

use clap::Parser;
use harness::{Harness, Plan};
use std::path::PathBuf;
use std::process::ExitCode;
use verdict::Verdict;

/// Kills `lattice` at random moments and checks that nothing is lost.
#[derive(Debug, Parser)]
#[command(after_help = "Example: lattice-kill --kills 300 --seed 7")]
struct Arguments {
    /// Kills for each kind of receiver.
    #[arg(long, default_value_t = 300)]
    kills: u32,
    /// The same seed makes the same choices; the machine's timing still differs.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The `lattice` to kill [default: the one built into this program].
    #[arg(long)]
    binary: Option<PathBuf>,
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
    match try_all(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn try_all(arguments: &Arguments) -> Result<bool, KillError> {
    let runtime = tokio::runtime::Runtime::new().map_err(io("no runtime"))?;
    let own = std::env::current_exe().map_err(io("no path of this program"))?;
    let mut verdicts = Vec::new();
    for honour_keys in [true, false] {
        let plan = Plan {
            binary: arguments.binary.clone().unwrap_or_else(|| own.clone()),
            kills: arguments.kills,
            seed: arguments.seed,
            honour_keys,
        };
        verdicts.push(runtime.block_on(Harness::perform(plan))?);
    }
    println!("{}", Verdict::table(&verdicts));
    let faults: Vec<String> = verdicts.iter().flat_map(Verdict::faults).collect();
    faults.iter().for_each(|fault| println!("FAULT: {fault}"));
    Ok(faults.is_empty())
}
