//! Why a worker could not go on with a run, and why a request is refused.

use lattice_engine::{DecideError, StartError};
use lattice_ir::VerifyError;
use lattice_journal::{ChainError, RunStatus};
use lattice_model::{NodeId, ProgramHash, RunId, limits};
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

impl DriverError {
    /// Whether a log was found with a hole or a broken chain: the store lost something, or somebody
    /// changed it.
    pub fn is_broken_log(&self) -> bool {
        matches!(self, Self::Chain(_) | Self::Port(PortError::Chain(_)))
    }
}

/// Why a request is refused. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The run is over.
    #[error("run `{run}` is over ({status}), so there is nothing to answer or cancel")]
    Over {
        /// The run.
        run: RunId,
        /// How it ended.
        status: RunStatus,
    },
    /// No node of the run asks under this name.
    #[error("run `{run}` has no question at node `{node}`; its questions are {questions}")]
    NoQuestion {
        /// The run.
        run: RunId,
        /// The node that was named.
        node: NodeId,
        /// The nodes that ask.
        questions: String,
    },
    /// The question was answered or its time is up.
    #[error("the question of node `{node}` is over; `lattice show` says what became of it")]
    Answered {
        /// The node.
        node: NodeId,
    },
    /// The answer is not one that the question takes.
    #[error("the answer to node `{node}` was not taken: {reason}")]
    Answer {
        /// The node.
        node: NodeId,
        /// What would be.
        reason: String,
    },
    /// The key belongs to an answer to another question, or to another answer to this one.
    #[error("the key belongs to another answer to run `{run}`")]
    KeyReused {
        /// The run.
        run: RunId,
    },
    /// The answer is too large.
    #[error(
        "the answer has {bytes} bytes, the limit is {}",
        limits::INPUT_BYTES_MAX
    )]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// The answer is nested too deep.
    #[error(
        "the answer is nested {depth} levels deep, the limit is {}",
        limits::JSON_DEPTH_MAX
    )]
    TooDeep {
        /// How deep.
        depth: usize,
    },
    /// The run could not be read or written.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

impl From<PortError> for RequestError {
    fn from(error: PortError) -> Self {
        Self::Driver(error.into())
    }
}

fn list(errors: &[VerifyError]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}
