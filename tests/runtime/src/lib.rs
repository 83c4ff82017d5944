//! Lambda's Runtime API as far as a bootstrap uses it: hands out events, and takes what comes back
//! piece by piece. With it a bootstrap is tested and measured as the program that it is.
//!
//! `api` is the server, `function` the process that asks it; `unset` is one that cannot begin.

mod api;
mod function;
mod unset;

pub use api::{Answer, RuntimeApi};
pub use function::{Function, environment};
pub use unset::names_what_is_not_set;

/// Why a function could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The system refused.
    #[error("{what}")]
    Io {
        /// What was wanted.
        what: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The process did not do what it should in time.
    #[error("the function did not {0} in time; what it said: {1}")]
    Late(&'static str, String),
    /// The process ended.
    #[error("the function ended with {0}; what it said: {1}")]
    Ended(std::process::ExitStatus, String),
}

pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> RuntimeError {
    move |source| RuntimeError::Io { what, source }
}
