//! Opens connections, and brings the file to the schema of this build.

use crate::error::LocalError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Each step takes the file from the version of its place to the next. Steps are only added.
const MIGRATIONS: &[&str] = &[include_str!("schema/1.sql")];

/// How long a writer waits for the other process that writes at this moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pages in the write-ahead log before they are copied into the file: 16 MB.
const CHECKPOINT_PAGES: u32 = 4_096;

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;

/// A connection that writes, durably: each commit is synced before it is acknowledged.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, LocalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(path, flags, |connection| {
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.pragma_update(None, "cache_size", -16_384)
    })
}

/// A connection that only reads. The file must have been opened by a writer.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, LocalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(path, flags, |connection| {
        connection.pragma_update(None, "cache_size", -4_096)
    })
}

fn open(
    path: &Path,
    flags: OpenFlags,
    settle: impl FnOnce(&Connection) -> rusqlite::Result<()>,
) -> Result<Connection, LocalError> {
    let ready = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "temp_store", "memory")?;
        settle(&connection)?;
        Ok(connection)
    });
    ready.map_err(|source| LocalError::Database {
        path: path.to_owned(),
        source,
    })
}

/// Brings the file to the newest schema, all steps or none. A newer file is left untouched.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), LocalError> {
    let (found, known) = (version(connection, path)?, newest());
    if found > known {
        return Err(LocalError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    let steps = MIGRATIONS.iter().skip(found as usize);
    let run = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for step in steps {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", known)?;
        transaction.commit()
    };
    run().map_err(|source| LocalError::Database {
        path: path.to_owned(),
        source,
    })
}

/// Demands the schema of this build, for those who may not change it.
pub(crate) fn demand(connection: &Connection, path: &Path) -> Result<(), LocalError> {
    let (found, known, path) = (version(connection, path)?, newest(), path.to_owned());
    match found {
        found if found > known => Err(LocalError::Newer { path, found, known }),
        found if found < known => Err(LocalError::Older { path, found, known }),
        _ => Ok(()),
    }
}

fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

fn version(connection: &Connection, path: &Path) -> Result<u32, LocalError> {
    let read = connection.pragma_query_value(None, "user_version", |row| row.get(0));
    read.map_err(|source| LocalError::Database {
        path: path.to_owned(),
        source,
    })
}
