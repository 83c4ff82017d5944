//! The data directory, the secrets that stored workflows name, and the system's limits.

use super::Finding;
use crate::app::App;
use crate::cli::Data;
use crate::commands::workflows;
use crate::error::remedy_of_database;
use crate::reach;
use crate::text::one_line;
use lattice_ports::Workflows;
use rusqlite::{Connection, OpenFlags};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Free space below which a disk is nearly full.
const FREE_BYTES_MIN: u64 = 256 * 1024 * 1024;
/// Characters of what SQLite finds.
const PROBLEM_CHARS_MAX: usize = 200;
/// Open files that a busy process needs.
const FILES_MIN: u64 = 256;

/// Whether the secrets that stored workflows name are set.
pub async fn secrets(app: &App, data: &Data) -> Vec<Finding> {
    let secrets = app.secrets();
    let set: BTreeSet<&str> = secrets.names().collect();
    let named = named_secrets(app, data).await;
    let missing = named
        .iter()
        .filter(|(name, _)| !set.contains(name.as_str()));
    let mut findings: Vec<Finding> = missing
        .map(|(name, workflow)| {
            let text = format!("workflow `{workflow}` needs the secret `{name}`, which is not set");
            let help = format!("set the environment variable `LATTICE_SECRET_{name}`");
            Finding::broken("secrets", text, help)
        })
        .collect();
    if findings.is_empty() {
        let text = format!(
            "{} are set, and no stored workflow needs another",
            set.len()
        );
        findings.push(Finding::good("secrets", text));
    }
    findings
}

/// The secrets that the newest versions of stored workflows name, each with one of them.
async fn named_secrets(app: &App, data: &Data) -> BTreeSet<(String, String)> {
    let Ok(store) = reach::open(app, data) else {
        return BTreeSet::new();
    };
    let workflows = workflows::all(&store).await.unwrap_or_default();
    let mut named = BTreeSet::new();
    for row in &workflows {
        let stored = store.workflow(&row.tenant, &row.id, Some(row.version));
        let Ok(Some(workflow)) = stored.await else {
            continue;
        };
        for (at, _) in workflow.document.match_indices("secret.") {
            let rest = workflow
                .document
                .get(at + "secret.".len()..)
                .unwrap_or_default();
            let is_name = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_';
            let name: String = rest.chars().take_while(is_name).collect();
            let before = workflow.document.get(..at).unwrap_or_default().trim_end();
            if !name.is_empty() && before.ends_with("{{") {
                named.insert((name, row.id.to_string()));
            }
        }
    }
    named
}

/// Whether the data directory can be used.
pub fn data(app: &App, data: &Data) -> Vec<Finding> {
    let dir = app.data_dir(data);
    let shown = dir.display();
    if !dir.exists() {
        let found = Finding::good("data", format!("`{shown}` will be made by the first run"));
        return vec![found, writable(&parent(&dir)), space(&parent(&dir))];
    }
    let mut findings = vec![writable(&dir), space(&dir)];
    findings.push(match reach::owner(&dir) {
        Some(holder) => Finding::good("owner", format!("`{shown}` is in use by {holder}")),
        None => Finding::good("owner", format!("`{shown}` is free")),
    });
    let database = dir.join(reach::DATABASE_FILE);
    if database.exists() {
        findings.push(store(app, data));
        findings.push(sound(&database));
    }
    findings
}

fn parent(dir: &Path) -> PathBuf {
    let mut parents = dir
        .ancestors()
        .skip(1)
        .filter(|parent| !parent.as_os_str().is_empty());
    parents
        .find(|parent| parent.exists())
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Only writing tells: permissions, read-only disks and quotas all show.
fn writable(dir: &Path) -> Finding {
    let (shown, probe) = (
        dir.display(),
        dir.join(format!(".lattice-doctor-{}", std::process::id())),
    );
    let tried = std::fs::write(&probe, b"ok").and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Finding::good("data", format!("`{shown}` can be written")),
        Err(error) => Finding::broken(
            "data",
            format!("`{shown}` cannot be written: {error}"),
            match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space on the disk",
                _ => "check its owner and permissions, or name another directory with `--data`",
            },
        ),
    }
}

fn space(dir: &Path) -> Finding {
    let free = match rustix::fs::statvfs(dir) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => {
            let text = format!(
                "the free space of `{}` cannot be read: {error}",
                dir.display()
            );
            return Finding::warn("space", text, "check the disk");
        }
    };
    let text = format!("{} MB are free", free / 1024 / 1024);
    match free {
        0..FREE_BYTES_MIN => Finding::broken("space", text, "free some space on the disk"),
        _ => Finding::good("space", text),
    }
}

/// Opening as a guest checks the version of the schema.
fn store(app: &App, data: &Data) -> Finding {
    match reach::open(app, data) {
        Ok(_) => Finding::good("schema", "the store has the version of this build"),
        Err(error) => Finding::of_error("schema", error),
    }
}

fn sound(database: &Path) -> Finding {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let checked = Connection::open_with_flags(database, flags).and_then(|connection| {
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    let help = "restore a copy, or move the directory away and start anew";
    match checked.as_ref().map(String::as_str) {
        Ok("ok") => Finding::good("store", "SQLite finds nothing wrong"),
        Ok(problem) => {
            let problem = one_line(problem, PROBLEM_CHARS_MAX);
            Finding::broken("store", format!("SQLite finds: {problem}"), help)
        }
        Err(error) => {
            let help = remedy_of_database(error).unwrap_or(help);
            Finding::broken("store", format!("SQLite cannot read it: {error}"), help)
        }
    }
}

/// How many files the process may open.
pub fn files() -> Finding {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    match limit {
        Some(limit) if limit < FILES_MIN => Finding::warn(
            "files",
            format!("only {limit} files may be open at once"),
            format!("raise the limit: `ulimit -n {FILES_MIN}`"),
        ),
        Some(limit) => Finding::good("files", format!("{limit} files may be open at once")),
        None => Finding::good("files", "any number of files may be open at once"),
    }
}
