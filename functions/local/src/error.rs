//! Why a command could not do what it was asked: what is wrong, and what to do.

use lattice_client::WatchError;
use lattice_document::Problem;
use lattice_driver::{DriverError, ForkRefused, RequestError};
use lattice_effects::ConfigError;
use lattice_local::LocalError;
use lattice_model::IdError;
use lattice_ports::PortError;
use rusqlite::ErrorCode;
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
    /// A run was not forked.
    #[error(transparent)]
    Fork(#[from] ForkRefused),
    /// No model provider could be chosen.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A run could not be followed over HTTP.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// A task of this process broke.
    #[error("internal: a task ended without an answer ({0}); please report it")]
    Task(String),
    /// The system refused what every program needs.
    #[error("cannot start: the system refused threads or timers; free some and try again")]
    Runtime(#[source] std::io::Error),
}

const HELP_PROBLEMS: &str = "mend the errors above and try again";
const HELP_SERVED: &str = "it carries on every run by itself: start, fork and watch runs there, or stop \
                           it, or name another directory with `--data`";
const HELP_FULL: &str = "free some space and run `lattice resume`; if `LATTICE_DATA_BYTES_MAX` is \
                         set, raise it";
const HELP_CORRUPT: &str = "`lattice doctor` looks closer; restore a copy, or name another directory \
                            with `--data`";

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
            // SQLite's codes come with the words that stand there already.
            let last = text.rsplit(": ").next().unwrap_or_default();
            if !text.contains(&said) && !said.ends_with(last) {
                text = format!("{text}: {said}");
            }
            cause = error.source();
        }
        (text, self.remedy().unwrap_or(help).to_owned())
    }

    /// What to do, where the kind of the failure tells more than its sentence.
    fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Id(_) => Some("`lattice runs` lists the runs"),
            Self::Local(LocalError::Database { source, .. }) => remedy_of_database(source),
            Self::Local(LocalError::Owned { holder, .. }) if holder.url.is_some() => {
                Some(HELP_SERVED)
            }
            Self::Port(error)
            | Self::Driver(DriverError::Port(error))
            | Self::Fork(ForkRefused::Driver(DriverError::Port(error)))
            | Self::Request(RequestError::Driver(DriverError::Port(error))) => match error {
                PortError::Full { .. } => Some(HELP_FULL),
                PortError::Corrupt { .. } | PortError::Broken { .. } => Some(HELP_CORRUPT),
                _ => None,
            },
            _ => None,
        }
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

/// What to do about what SQLite says, where a broken disk is not the likely reason.
pub fn remedy_of_database(error: &rusqlite::Error) -> Option<&'static str> {
    match error.sqlite_error_code()? {
        ErrorCode::DiskFull => Some("free some space on the disk and try again"),
        // On a full disk SQLite cannot even make the file that its readers share.
        ErrorCode::SystemIoFailure => {
            Some("free some space if the disk is full, else check the disk, or restore a copy")
        }
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
            Some("check the owner and permissions of the directory; reading writes there too")
        }
        _ => None,
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

    #[test]
    fn a_full_disk_is_not_called_broken_and_nothing_is_said_twice() {
        let of = |code: i32, said: &str| {
            let code = rusqlite::ffi::Error::new(code);
            CliError::from(LocalError::Database {
                path: PathBuf::from("x"),
                source: rusqlite::Error::SqliteFailure(code, Some(said.to_owned())),
            })
            .sentences()
        };
        let (text, help) = of(rusqlite::ffi::SQLITE_FULL, "database or disk is full");
        assert_eq!(
            text,
            "cannot open the database `x`: database or disk is full"
        );
        assert!(help.starts_with("free some space"), "{help}");
        let (_, help) = of(rusqlite::ffi::SQLITE_IOERR_SHMSIZE, "disk I/O error");
        assert!(help.starts_with("free some space"), "{help}");
        let (_, help) = of(rusqlite::ffi::SQLITE_READONLY, "read-only");
        assert!(help.contains("permissions"), "{help}");
        let (_, help) = of(rusqlite::ffi::SQLITE_CORRUPT, "malformed");
        assert_eq!(help, "check the disk, or restore a copy");
    }
}
