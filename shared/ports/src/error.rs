//! Why a port could not do what it was asked.

use lattice_journal::ChainError;

/// Why a port could not do what it was asked. The driver tries again later on `Unavailable` and
/// gives the message back to the queue; the others need a person.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PortError {
    /// Not now: throttled, no answer, busy. The call may or may not have taken effect.
    #[error("the {port} did not answer: {reason}")]
    Unavailable {
        /// Which port.
        port: &'static str,
        /// What was met.
        reason: String,
    },
    /// There is no room to write.
    #[error("the {port} is full: {reason}; free some space and run `lattice resume`")]
    Full {
        /// Which port.
        port: &'static str,
        /// What was met.
        reason: String,
    },
    /// Writing is not allowed.
    #[error("the {port} cannot be written: {reason}; check its owner and permissions")]
    ReadOnly {
        /// Which port.
        port: &'static str,
        /// What was met.
        reason: String,
    },
    /// Nothing can be trusted any more: a write failed in a way that leaves the disk unknown, or the
    /// file is damaged. Only a fresh start reads the truth back.
    #[error("the {port} is broken: {reason}")]
    Broken {
        /// Which port.
        port: &'static str,
        /// What was met.
        reason: String,
    },
    /// One thing that is stored is not what was written; others are not concerned.
    #[error("the {port} holds something broken: {reason}")]
    Corrupt {
        /// Which port.
        port: &'static str,
        /// What was met.
        reason: String,
    },
    /// A name that nothing is stored under.
    #[error("the {port} has no `{name}`; {help}")]
    Missing {
        /// Which port.
        port: &'static str,
        /// What was asked for.
        name: String,
        /// How to provide it.
        help: String,
    },
    /// What is to be written does not fit what the port is set up for.
    #[error("the {port} does not take it: {reason}; {help}")]
    Unfit {
        /// Which port.
        port: &'static str,
        /// What does not fit.
        reason: String,
        /// What to change.
        help: String,
    },
    /// The log of a run is not a chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
}
