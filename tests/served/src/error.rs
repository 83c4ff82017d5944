//! Why a harness could not do its work.

use std::io::Error as IoError;

/// Why a harness could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ServedError {
    /// The system refused.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: IoError,
    },
    /// Nobody was there to take the request.
    #[error("nobody took `{asked}`: {why}")]
    Unreachable {
        /// The request.
        asked: String,
        /// What happened instead.
        why: String,
    },
    /// No answer came, or not all of one: what was asked may or may not have been done.
    #[error("no answer to `{asked}`: {why}")]
    Lost {
        /// The request.
        asked: String,
        /// What happened instead.
        why: String,
    },
    /// The answer is another one than the harness needs.
    #[error("`{asked}` was answered with {status}: {body}")]
    Refused {
        /// The request.
        asked: String,
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
    /// The process is not as it must be.
    #[error("`lattice dev` {what}; it said:\n{said}")]
    Process {
        /// What is wrong.
        what: String,
        /// What stands on its standard error.
        said: String,
    },
}

impl ServedError {
    /// Whether the request has to be sent again: nobody took it, or nobody knows what became of it,
    /// or the server asks for that.
    pub fn asks_again(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } => true,
            Self::Refused { status, .. } => *status == 503,
            Self::Io { .. } | Self::Process { .. } => false,
        }
    }
}

/// Names what was tried.
pub fn io(what: &'static str) -> impl Fn(IoError) -> ServedError {
    move |source| ServedError::Io { what, source }
}
