//! Why a worker could not go on with a run.

use lattice_engine::{DecideError, StartError};
use lattice_ir::VerifyError;
use lattice_journal::ChainError;
use lattice_model::{ProgramHash, RunId};
use lattice_ports::PortError;

/// Why a worker could not go on with a run. The message goes back to the queue; nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// A port refused.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The log is not a chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The engine cannot decide.
    #[error(transparent)]
    Decide(#[from] DecideError),
    /// The run cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The stored Program is not one that this build can run.
    #[error("the program `{}` cannot be run by this build: {}", .program.short(), list(.errors))]
    Program {
        /// Which.
        program: ProgramHash,
        /// What is wrong.
        errors: Vec<VerifyError>,
    },
    /// No such run.
    #[error("there is no run `{0}`; `lattice runs` lists them")]
    NoRun(RunId),
    /// A start key that belongs to a start of something else.
    #[error(
        "the key belongs to run `{run}`, which was started with another workflow or input; choose a fresh key"
    )]
    KeyReused {
        /// The run that has the key.
        run: RunId,
    },
    /// Other workers were always faster.
    #[error("run `{run}` is contended: {conflicts} appends in a row met another worker's")]
    Contended {
        /// The run.
        run: RunId,
        /// How many.
        conflicts: u32,
    },
    /// A broken invariant of our own.
    #[error("internal: {0}; please report it")]
    Internal(String),
}

fn list(errors: &[VerifyError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
