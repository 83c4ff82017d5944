//! What the disk and SQLite allow without an engine: the same schema, the same durability, the
//! same groups, one loop. The engine's own speed is read against this.

use crate::{LocalError, schema};
use rusqlite::Connection;
use std::path::Path;
use std::time::{Duration, Instant};

/// Bytes of the body of one commit.
const BODY_BYTES: usize = 600;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FloorReport {
    /// Commits written.
    pub commits: u64,
    /// How long that took.
    pub elapsed_ms: f64,
    /// Commits a second.
    pub commits_per_s: f64,
    /// Steps a second: a run of n commits has n - 1 steps.
    pub steps_per_s: f64,
    /// Runs a second.
    pub runs_per_s: f64,
    /// Time of one commit, which is the time of its group: the median.
    pub p50_ms: f64,
    /// The 95th percentile.
    pub p95_ms: f64,
}

/// Writes `runs` runs of `commits_per_run` commits each, `concurrency` runs at a time, each commit
/// durable before the next one of its run. Works on a file of its own in `dir`, and removes it.
pub fn floor(
    dir: &Path,
    runs: u64,
    concurrency: u64,
    commits_per_run: u64,
) -> Result<FloorReport, LocalError> {
    let path = dir.join("floor.db");
    let database = |source| LocalError::Database {
        path: path.clone(),
        source,
    };
    remove(&path)?;
    std::fs::File::create(&path).map_err(|source| LocalError::Io {
        path: path.clone(),
        source,
    })?;
    let mut connection = schema::open_writer(&path)?;
    schema::migrate(&mut connection, &path)?;
    let (runs, concurrency) = (runs.max(1), concurrency.max(1));
    let began = Instant::now();
    let groups = write(&connection, runs, concurrency, commits_per_run).map_err(database)?;
    let elapsed = began.elapsed();
    drop(connection);
    remove(&path)?;
    Ok(report(runs, commits_per_run, elapsed, groups))
}

/// Gives the time of each group.
fn write(
    connection: &Connection,
    runs: u64,
    concurrency: u64,
    commits_per_run: u64,
) -> rusqlite::Result<Vec<Duration>> {
    let body = vec![b'x'; BODY_BYTES];
    let mut times = Vec::new();
    let mut begun = 0;
    while begun < runs {
        let ended = runs.min(begun + concurrency);
        for first in 1..=commits_per_run {
            let began = Instant::now();
            connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            for run in begun..ended {
                if first == 1 {
                    let name = format!("run_{run:026}");
                    connection
                        .prepare_cached("INSERT INTO runs (no, run) VALUES (?1, ?2)")?
                        .execute((run.cast_signed(), name))?;
                }
                let mut insert = connection.prepare_cached(
                    "INSERT INTO commits (run, first, id, prev, hash, body)
                     VALUES (?1, ?2, ?3, ?4, ?4, ?5) ON CONFLICT (run, first) DO NOTHING",
                )?;
                let (run, first) = (run.cast_signed(), first.cast_signed());
                insert.execute((run, first, "0123456789abcdef", [0_u8; 32], &body))?;
            }
            connection.prepare_cached("COMMIT")?.execute([])?;
            times.push(began.elapsed());
        }
        begun = ended;
    }
    Ok(times)
}

fn report(
    runs: u64,
    commits_per_run: u64,
    elapsed: Duration,
    mut groups: Vec<Duration>,
) -> FloorReport {
    groups.sort();
    let at = |share: usize| {
        let place = groups.len() * share / 100;
        groups
            .get(place)
            .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    let seconds = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let a_second = |count: u64| count as f64 / seconds;
    FloorReport {
        commits: runs * commits_per_run,
        elapsed_ms: seconds * 1_000.0,
        commits_per_s: a_second(runs * commits_per_run),
        steps_per_s: a_second(runs * commits_per_run.saturating_sub(1)),
        runs_per_s: a_second(runs),
        p50_ms: at(50),
        p95_ms: at(95),
    }
}

/// Removes the file and what SQLite keeps beside it.
fn remove(path: &Path) -> Result<(), LocalError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match std::fs::remove_file(&file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(LocalError::Io {
                    path: file.into(),
                    source,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::floor;

    #[test]
    fn the_floor_counts_what_it_wrote_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let report = floor(dir.path(), 5, 2, 3).unwrap();
        assert_eq!(report.commits, 15);
        assert!(report.p50_ms > 0.0 && report.p95_ms >= report.p50_ms);
        assert!(report.steps_per_s > 0.0 && report.steps_per_s < report.commits_per_s);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
