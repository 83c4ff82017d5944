//! Why a worker could not go on with a run.

use lattice_engine::{DecideError, StartError};
use lattice_ir::VerifyError;
use lattice_journal::ChainError;
use lattice_model::RunId;
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
    #[error("the program of run `{run}` cannot be run by this build: {}", list(.errors))]
    Program {
        /// The run.
        run: RunId,
        /// What is wrong.
        errors: Vec<VerifyError>,
    },
    /// No such run.
    #[error("there is no run `{0}`; `lattice runs` lists them")]
    NoRun(RunId),
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
