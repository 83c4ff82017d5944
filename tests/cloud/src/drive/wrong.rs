//! What is not as it must be.

use crate::deploy::{AdminError, IssueError, PackError, StackError};
use crate::http::{Answer, HttpError};
use serde_json::Value;

/// What is not as it must be, in words.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// A connection.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The engine.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The stack.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The functions' packages.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The tokens.
    #[error("no token: {0}")]
    Issue(#[from] IssueError),
    /// The system around.
    #[error("{0}: {1}")]
    Io(&'static str, std::io::Error),
    /// The system under test.
    #[error("{0}")]
    Found(String),
}

/// Something that was found to be wrong.
pub fn wrong<T>(text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Found(text.into()))
}

/// Holds, or is wrong.
pub fn must(holds: bool, text: impl FnOnce() -> String) -> Result<(), Wrong> {
    match holds {
        true => Ok(()),
        false => wrong(text()),
    }
}

/// The body of an answer that has to have this status.
pub fn want(status: u16, what: &str, answer: &Answer) -> Result<Value, Wrong> {
    let found = answer.status;
    must(found == status, || {
        format!("{what}: {found} instead of {status}: {}", answer.text())
    })?;
    Ok(answer.json())
}
