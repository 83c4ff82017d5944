//! The store: the owner's handle, and a guest's.

use crate::error::{LocalError, PORT, Trouble};
use crate::owner::{self, Owner};
use crate::readers::Readers;
use crate::schema;
use crate::writer::{Session, Status, WriteCounts, Writer};
use lattice_model::BootId;
use lattice_ports::PortError;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a store is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalOptions {
    /// Threads that read.
    pub readers: usize,
    /// The size that the file may grow to; unset = as far as the disk goes.
    pub bytes_max: Option<u64>,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            readers: 2,
            bytes_max: None,
        }
    }
}

/// Everything durable in one data directory. Clones are the same store; the last one to go waits
/// for what is being written and gives the directory up.
#[derive(Debug, Clone)]
pub struct LocalStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // Dropped in this order: the last connection to close must be one that may write, because it
    // tidies the write-ahead log away; the lock goes last.
    readers: Readers,
    writer: Writer,
    owner: Option<Owner>,
    dir: PathBuf,
}

impl LocalStore {
    /// Opens the directory as its owner, and makes it if it is not there. One process at a time
    /// owns a directory, until its last handle is dropped or the process ends in whatever way.
    pub fn open(dir: &Path, options: &LocalOptions) -> Result<Self, LocalError> {
        let owner = owner::take(dir)?;
        let path = owner::database(dir)?;
        let mut connection = schema::open_writer(&path)?;
        schema::migrate(&mut connection, &path)?;
        settle(&connection, &owner, options).map_err(|source| LocalError::Database {
            path: path.clone(),
            source,
        })?;
        Self::start(dir, &path, connection, Some(owner), options)
    }

    /// Opens a directory beside its owner, or without one: everything can be read, items can be put
    /// into inboxes, and values can be put under their hashes. Other writes are refused.
    pub fn open_guest(dir: &Path) -> Result<Self, LocalError> {
        let path = owner::existing_database(dir)?;
        let connection = schema::open_writer(&path)?;
        schema::demand(&connection, &path)?;
        let options = LocalOptions {
            readers: 1,
            ..LocalOptions::default()
        };
        Self::start(dir, &path, connection, None, &options)
    }

    fn start(
        dir: &Path,
        path: &Path,
        connection: Connection,
        owner: Option<Owner>,
        options: &LocalOptions,
    ) -> Result<Self, LocalError> {
        let writer = Writer::start(connection).map_err(|source| LocalError::Io {
            path: path.to_owned(),
            source,
        })?;
        let readers = Readers::start(path, options.readers)?;
        let inner = Inner {
            readers,
            writer,
            owner,
            dir: dir.to_owned(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The id of this start, for claims; a guest has none, because it claims nothing.
    pub fn boot(&self) -> Option<&BootId> {
        self.inner.owner.as_ref().map(|owner| &owner.boot)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.inner.dir
    }

    /// Tells other processes where this one answers, until it gives the directory up: the address
    /// stands in the lock file, as `Holder::url`. A guest is refused.
    pub fn announce(&self, url: &str) -> Result<(), LocalError> {
        let dir = self.dir();
        match &self.inner.owner {
            Some(owner) => owner.announce(dir, url),
            None => Err(LocalError::Guest {
                dir: dir.to_owned(),
            }),
        }
    }

    /// What the writer's thread shares.
    pub(crate) fn status(&self) -> &Arc<Status> {
        &self.inner.writer.status
    }

    /// How many writes there were since it was opened, and how many syncs they took.
    pub fn write_counts(&self) -> WriteCounts {
        self.inner.writer.status.counts()
    }

    /// Calls back, from a thread of the store, within about 50 ms of any write by another process:
    /// time to look at `runs_with_unread`. The callback must be quick, and must not hold the store,
    /// which would never close.
    pub fn watch_foreign_writes(&self, on_write: impl FnMut() + Send + 'static) {
        self.inner.writer.watch(Box::new(on_write));
    }

    /// A write that only the owner may make.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: FnMut(&mut Session) -> Result<T, Trouble> + Send + 'static,
    {
        if self.inner.owner.is_none() {
            let reason = format!("this process does not own `{}`", self.inner.dir.display());
            return Err(PortError::ReadOnly { port: PORT, reason });
        }
        self.write_as_guest(work).await
    }

    /// A write that anybody may make.
    pub(crate) async fn write_as_guest<T, F>(&self, work: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: FnMut(&mut Session) -> Result<T, Trouble> + Send + 'static,
    {
        self.inner.writer.write(work).await
    }

    /// A read of what is committed.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    {
        self.inner.writer.status.sound()?;
        self.inner.readers.read(read).await
    }
}

/// Notes this start, and sets the ceiling of the file.
fn settle(connection: &Connection, owner: &Owner, options: &LocalOptions) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO boots (id, started_at, pid) VALUES (?1, ?2, ?3)",
        (
            owner.boot.as_str(),
            crate::sql::int(owner.since.get()),
            std::process::id(),
        ),
    )?;
    let Some(bytes_max) = options.bytes_max else {
        return Ok(());
    };
    let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let pages = (crate::sql::int(bytes_max) / page.max(1)).clamp(1, 4_294_967_294);
    let set = format!("PRAGMA max_page_count = {pages}");
    connection.query_row(&set, [], |_| Ok(()))
}
