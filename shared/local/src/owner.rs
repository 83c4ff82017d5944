//! The data directory: made, entered, and owned by one process at a time.

use crate::error::LocalError;
use lattice_model::{BootId, Millis};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LOCK_FILE: &str = "lattice.lock";
const DATABASE_FILE: &str = "lattice.db";
/// Bytes of the lock file.
const HOLDER_BYTES_MAX: usize = 4_096;
/// How often the lock file is read until its text is whole.
const READS_MAX: usize = 10;

/// Who owns a data directory, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// Its process id.
    pub pid: Option<u32>,
    /// When it took the directory.
    pub since: Option<Millis>,
    /// The id of its start.
    pub boot: Option<BootId>,
    /// Where it answers requests, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Holder {
    /// Reads the lock file of a directory that somebody owns. One who has not written yet, or is of
    /// another version, is known only by its lock: then every field is unset.
    pub fn read(lock: &File) -> Self {
        for _ in 0..READS_MAX {
            if let Some(holder) = Self::read_once(lock) {
                return holder;
            }
            // The owner may be writing at this very moment, which takes it far less than this.
            std::thread::sleep(Duration::from_millis(1));
        }
        Self::default()
    }

    fn read_once(lock: &File) -> Option<Self> {
        let mut bytes = [0; HOLDER_BYTES_MAX];
        let length = lock.read_at(&mut bytes, 0).ok()?;
        serde_json::from_slice(bytes.get(..length)?).ok()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("another process")?,
        }
        if let Some(since) = self.since {
            write!(f, " since {since}")?;
        }
        match &self.url {
            Some(url) => write!(f, ", which serves {url}"),
            None => Ok(()),
        }
    }
}

/// The ownership of a data directory. The lock is the system's, so it ends with the process
/// however that ends.
#[derive(Debug)]
pub(crate) struct Owner {
    /// Held open: closing the file gives the lock up.
    lock: File,
    /// The id of this start.
    pub(crate) boot: BootId,
    /// When this start took the directory.
    pub(crate) since: Millis,
}

impl Owner {
    /// Writes into the lock file where this process answers.
    pub(crate) fn announce(&self, dir: &Path, url: &str) -> Result<(), LocalError> {
        let holder = Holder {
            pid: Some(std::process::id()),
            since: Some(self.since),
            boot: Some(self.boot.clone()),
            url: Some(url.to_owned()),
        };
        write_holder(&self.lock, &holder).map_err(|source| denied(dir, source))
    }
}

/// Makes the directory if it is not there, and takes it.
pub(crate) fn take(dir: &Path) -> Result<Owner, LocalError> {
    make(dir)?;
    let path = dir.join(LOCK_FILE);
    let file = private(&path).map_err(|source| denied(dir, source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = Holder::read(&file);
            return Err(LocalError::Owned {
                dir: dir.to_owned(),
                holder,
            });
        }
        Err(TryLockError::Error(source)) => return Err(LocalError::Io { path, source }),
    }
    let (boot, since) = (fresh_boot()?, now());
    let holder = Holder {
        pid: Some(std::process::id()),
        since: Some(since),
        boot: Some(boot.clone()),
        url: None,
    };
    write_holder(&file, &holder).map_err(|source| denied(dir, source))?;
    Ok(Owner {
        lock: file,
        boot,
        since,
    })
}

/// The path of the database, which only its owner can read.
pub(crate) fn database(dir: &Path) -> Result<PathBuf, LocalError> {
    let path = dir.join(DATABASE_FILE);
    private(&path).map_err(|source| denied(dir, source))?;
    Ok(path)
}

/// The path of a database that must be there already.
pub(crate) fn existing_database(dir: &Path) -> Result<PathBuf, LocalError> {
    let path = dir.join(DATABASE_FILE);
    if path.is_file() {
        Ok(path)
    } else {
        Err(LocalError::Empty {
            dir: dir.to_owned(),
        })
    }
}

/// The wall clock.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis::new(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn make(dir: &Path) -> Result<(), LocalError> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .and_then(|()| sync_parent(dir))
        .map_err(|source| denied(dir, source))
}

/// Makes the new directory itself survive a power cut.
fn sync_parent(dir: &Path) -> io::Result<()> {
    match dir.canonicalize()?.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Opens a file that nobody else may read, and makes it if it is not there.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn denied(dir: &Path, source: io::Error) -> LocalError {
    let path = dir.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            LocalError::ReadOnly { dir: path, source }
        }
        _ => LocalError::Io { path, source },
    }
}

fn fresh_boot() -> Result<BootId, LocalError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(LocalError::Random)?;
    Ok(BootId::new(format!(
        "boot_{:016x}",
        u64::from_be_bytes(bytes)
    )))
}

/// Writes over what stands there in one piece, and fills up with spaces what was longer: the file
/// is never empty or half, but for the moment at which these bytes change.
fn write_holder(file: &File, holder: &Holder) -> io::Result<()> {
    let mut text = serde_json::to_vec(holder)?;
    let standing = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    text.resize(text.len().max(standing.min(HOLDER_BYTES_MAX)), b' ');
    file.write_all_at(&text, 0)?;
    file.set_len(text.len() as u64)
}
