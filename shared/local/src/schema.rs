//! Opens connections, and brings the file to the schema of this build.

use crate::error::LocalError;
use lattice_model::limits::{LOCAL_BUSY_MS_MAX, LOCAL_LOG_PAGES};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// Each step takes the file from the version of its place to the next. Steps are only added.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// Prepared statements that a connection keeps.
const STATEMENTS: usize = 64;

/// A connection that writes, durably: each commit is synced before it is acknowledged.
pub(crate) fn open_writer(path: &Path) -> Result<Connection, LocalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    open(path, flags, |connection| {
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "wal_autocheckpoint", LOCAL_LOG_PAGES)?;
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
        connection.busy_timeout(Duration::from_millis(LOCAL_BUSY_MS_MAX))?;
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use lattice_model::Hash;
    use rusqlite::types::Value;

    /// A step that files out there have gone through is never edited; a new one is added.
    #[test]
    fn steps_that_were_released_stand_as_they_were() {
        let steps: Vec<String> = MIGRATIONS
            .iter()
            .map(|step| Hash::of(step.as_bytes()).short())
            .collect();
        assert_eq!(
            steps,
            [
                "3e16adbe8e26",
                "ee4699c07e68",
                "22c21aeaf335",
                "eca324758553",
                "47e97713d9ea"
            ]
        );
    }

    #[test]
    fn a_file_is_brought_up_to_date_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        std::fs::File::create(&path).unwrap();
        let mut connection = open_writer(&path).unwrap();
        assert!(matches!(
            demand(&connection, &path),
            Err(LocalError::Older { found: 0, .. })
        ));
        for _ in 0..2 {
            migrate(&mut connection, &path).unwrap();
            demand(&connection, &path).unwrap();
        }
        let setting =
            |name| connection.pragma_query_value(None, name, |row| row.get::<_, Value>(0));
        assert_eq!(
            setting("journal_mode").unwrap(),
            Value::Text("wal".to_owned())
        );
        // FULL: the write-ahead log is synced at each commit.
        assert_eq!(setting("synchronous").unwrap(), Value::Integer(2));
    }
}
