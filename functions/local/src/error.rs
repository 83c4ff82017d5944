//! Why a command could not do what it was asked: what is wrong, and what to do.

use lattice_document::Problem;
use lattice_driver::{DriverError, RequestError};
use lattice_effects::ConfigError;
use lattice_local::LocalError;
use lattice_model::IdError;
use lattice_ports::PortError;
use serde_json::{Value, json};
use std::error::Error;

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Something that a person typed, set or wrote is not right.
    #[error("{text}; {help}")]
    Said {
        /// What is wrong.
        text: String,
        /// What to do.
        help: String,
    },
    /// The workflow has problems; they are shown already, or go into the JSON of the error.
    #[error("`{file}` cannot be run: {}; {HELP_PROBLEMS}", count(.problems))]
    Problems {
        /// The file.
        file: String,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
    /// A run id that is none.
    #[error(transparent)]
    Id(#[from] IdError),
    /// The data directory cannot be opened.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The store refused.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A run could not be carried on.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// An answer or a cancel was refused.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// No model provider could be chosen.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A task of this process broke.
    #[error("internal: a task ended without an answer ({0}); please report it")]
    Task(String),
    /// The system refused what every program needs.
    #[error("cannot start: the system refused threads or timers; free some and try again")]
    Runtime(#[source] std::io::Error),
}

const HELP_PROBLEMS: &str = "mend the errors above and try again";

impl CliError {
    /// Something that a person typed, set or wrote is not right.
    pub fn said(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Said {
            text: text.into(),
            help: help.into(),
        }
    }

    /// What is wrong with its causes, and what to do about it.
    pub fn sentences(&self) -> (String, String) {
        if let Self::Said { text, help } = self {
            return (text.clone(), help.clone());
        }
        let said = self.to_string();
        // Everywhere in this system a remedy stands behind the last semicolon.
        let (text, help) = said.rsplit_once("; ").unwrap_or((&said, ""));
        let mut text = text.to_owned();
        let mut cause = self.source();
        while let Some(error) = cause {
            let said = error.to_string();
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            cause = error.source();
        }
        (text, help.to_owned())
    }

    /// The error as one JSON object.
    pub fn to_json(&self) -> Value {
        let (text, help) = self.sentences();
        match self {
            Self::Problems { problems, .. } => {
                json!({ "error": text, "help": help, "problems": problems })
            }
            _ => json!({ "error": text, "help": help }),
        }
    }
}

/// How many problems, in words.
pub fn count(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let plural = |number: usize, word: &str| match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    };
    match problems.len() - errors {
        0 => plural(errors, "error"),
        warnings => format!(
            "{}, {}",
            plural(errors, "error"),
            plural(warnings, "warning")
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use std::path::PathBuf;

    #[test]
    fn the_remedy_stands_apart_and_the_cause_is_named() {
        let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
        let error = CliError::from(LocalError::Io {
            path: PathBuf::from("x/y"),
            source,
        });
        let (text, help) = error.sentences();
        assert!(text.starts_with("cannot use `x/y`: "), "{text}");
        assert!(text.contains("not a directory"), "{text}");
        assert_eq!(help, "check that it is a directory on a sound disk");
    }
}
