//! The data directory: made, entered, and owned by one process at a time.

use crate::error::LocalError;
use lattice_model::{BootId, Millis};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const LOCK_FILE: &str = "lattice.lock";
const DATABASE_FILE: &str = "lattice.db";
/// What is kept at most of a longer text in the lock file, which nobody of ours wrote.
const HOLDER_BYTES_MAX: u64 = 4_096;

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

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("another process")?,
        }
        match self.since {
            Some(since) => write!(f, " since {since}"),
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
    let mut file = private(&path).map_err(|source| denied(dir, source))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = read_holder(&mut file);
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

/// The owner may not have written yet, or be of another version: then nothing is known of it.
fn read_holder(file: &mut File) -> Holder {
    let mut text = String::new();
    let read = file.read_to_string(&mut text).ok();
    read.and_then(|_| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Writes over what stands there in one piece, and fills up with spaces what was longer: whoever
/// reads at that moment finds the old text or the new one, never an empty file or half a text.
fn write_holder(file: &File, holder: &Holder) -> io::Result<()> {
    let mut text = serde_json::to_vec(holder)?;
    let standing = file.metadata()?.len().min(HOLDER_BYTES_MAX);
    let length = usize::try_from(standing).unwrap_or_default();
    text.resize(text.len().max(length), b' ');
    file.write_all_at(&text, 0)?;
    file.set_len(text.len() as u64)
}
