//! Why the data directory could not be opened, and what a failure of SQLite means to a port.

use crate::owner::Holder;
use lattice_journal::ChainError;
use lattice_ports::PortError;
use rusqlite::ErrorCode;
use std::path::PathBuf;

/// Why the data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// Another process owns it.
    #[error(
        "the data directory `{}` is in use by {holder}; stop that process, or name another \
         directory with `--data`", dir.display()
    )]
    Owned {
        /// The directory.
        dir: PathBuf,
        /// Who has it.
        holder: Holder,
    },
    /// It cannot be written.
    #[error(
        "the data directory `{}` cannot be written; check its owner and permissions, or name \
         another directory with `--data`", dir.display()
    )]
    ReadOnly {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error(
        "the directory `{}` holds no data; start a run there first, or name another directory \
         with `--data`", dir.display()
    )]
    Empty {
        /// The directory.
        dir: PathBuf,
    },
    /// A newer build wrote it.
    #[error(
        "`{}` has schema version {found}, and this build knows up to {known}; install a newer \
         `lattice`, or name another directory with `--data`", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// An older build wrote it, and only an owner brings it up to date.
    #[error(
        "`{}` has schema version {found}, and this build needs {known}; stop the older `lattice` \
         that uses it and run `lattice resume`", path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u32,
        /// The version that is needed.
        known: u32,
    },
    /// Only the owner may do what was asked for.
    #[error(
        "this process does not own the data directory `{}`; leave it to the process that does",
        dir.display()
    )]
    Guest {
        /// The directory.
        dir: PathBuf,
    },
    /// The file system failed.
    #[error("cannot use `{}`; check that it is a directory on a sound disk", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite failed.
    #[error("cannot open the database `{}`; check the disk, or restore a copy", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes, which ids are made of")]
    Random(#[source] getrandom::Error),
}

/// The name of this adapter in errors of ports.
pub(crate) const PORT: &str = "local store";

/// Why one call did not work: SQLite failed under it, or it was refused.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// SQLite failed: nothing that shares the transaction is stored.
    Sql(rusqlite::Error),
    /// The call was refused before it changed anything; its neighbours are not touched.
    Port(PortError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<ChainError> for Trouble {
    fn from(error: ChainError) -> Self {
        Self::Port(error.into())
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Self {
        Self::corrupt(error.to_string())
    }
}

impl Trouble {
    /// What is stored, or what was asked for, is broken.
    pub(crate) fn corrupt(reason: impl Into<String>) -> Self {
        Self::Port(PortError::Corrupt {
            port: PORT,
            reason: reason.into(),
        })
    }

    /// What the port answers.
    pub(crate) fn into_port(self) -> PortError {
        match self {
            Self::Port(error) => error,
            Self::Sql(error) => port_error(&error),
        }
    }
}

/// What a failure of SQLite means to a port.
pub(crate) fn port_error(error: &rusqlite::Error) -> PortError {
    let (port, reason) = (PORT, error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => PortError::Full { port, reason },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            PortError::ReadOnly { port, reason }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            PortError::Unavailable { port, reason }
        }
        _ => PortError::Broken { port, reason },
    }
}

/// Whether nobody knows any more what is on the disk: only a fresh start reads the truth back. A
/// full disk, a busy or a read-only file and a refused statement are known, and pass.
pub(crate) fn is_fatal(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::InternalMalfunction
        )
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use rusqlite::ffi;

    #[test]
    fn every_failure_of_the_disk_has_its_meaning() {
        let drawn = [
            (ffi::SQLITE_FULL, "is full", false),
            (ffi::SQLITE_READONLY, "cannot be written", false),
            (ffi::SQLITE_BUSY, "did not answer", false),
            (ffi::SQLITE_IOERR_FSYNC, "broken", true),
            (ffi::SQLITE_IOERR_WRITE, "broken", true),
            (ffi::SQLITE_CORRUPT, "broken", true),
            (ffi::SQLITE_CONSTRAINT, "broken", false),
        ];
        for (code, said, fatal) in drawn {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert!(port_error(&error).to_string().contains(said), "{code}");
            assert_eq!(is_fatal(&error), fatal, "{code}");
        }
    }
}
