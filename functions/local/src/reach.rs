//! Reads a data directory, and writes into inboxes, beside its owner or without one.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use lattice_driver::{Driver, Settings, Unobserved};
use lattice_ir::{CallOutcome, CallRequest};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_local::{Holder, LocalError, LocalQueue, LocalStore, SystemClock};
use lattice_model::BootId;
use lattice_ports::{LiveText, Performer};
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

/// The driver of a process that performs nothing.
pub type Hand = Driver<LocalStore, LocalQueue, NoEffects, SystemClock>;

const LOCK_FILE: &str = "lattice.lock";
/// The file that holds the data.
pub const DATABASE_FILE: &str = "lattice.db";

/// Performs nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoEffects;

impl Performer for NoEffects {
    async fn perform(&self, _request: CallRequest, _live: &dyn LiveText) -> CallOutcome {
        // INVARIANT: never reached, because a `Hand` claims nothing.
        let failure = Failure::new(
            FailureKind::Configuration,
            "this process performs no effects",
        );
        Err((failure, Usage::default()))
    }
}

/// Opens the store as a guest.
pub fn open(app: &App, data: &Data) -> Result<LocalStore, CliError> {
    let dir = app.data_dir(data);
    LocalStore::open_guest(&dir).map_err(|error| match (&error, hidden(&dir)) {
        (LocalError::Empty { .. }, Some(reason)) => CliError::said(
            format!(
                "the data directory `{}` cannot be read: {reason}",
                dir.display()
            ),
            "check its owner and permissions, or name another directory with `--data`",
        ),
        _ => error.into(),
    })
}

/// Why nobody can tell whether there is data.
fn hidden(dir: &Path) -> Option<std::io::Error> {
    let found = std::fs::metadata(dir.join(DATABASE_FILE)).err();
    found.filter(|error| error.kind() != std::io::ErrorKind::NotFound)
}

/// A driver that asks and answers but claims nothing.
pub fn hand(app: &App, store: LocalStore) -> Result<Hand, CliError> {
    let boot = store.boot().cloned();
    let settings = Settings {
        exclusive: boot.is_some(),
        chain_stages: 0,
        ..Settings::new(boot.unwrap_or_else(|| BootId::new("guest")))
    };
    Ok(Driver::new(
        (Arc::new(store), Arc::new(LocalQueue::new())),
        (Arc::new(NoEffects), Arc::new(SystemClock::new()?)),
        Arc::clone(&app.redactor),
        Arc::new(Unobserved),
        settings,
    ))
}

/// The process that owns the directory at this moment, if one does.
pub fn owner(dir: &Path) -> Option<Holder> {
    let file = File::open(dir.join(LOCK_FILE)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        // Nobody has it; dropping the file gives the shared lock up at once.
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    Some(Holder::read(&file))
}
