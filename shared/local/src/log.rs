//! The log, checkpoints, summaries and start keys in SQLite.

use crate::error::Trouble;
use crate::sql::{self, int};
use crate::store::LocalStore;
use crate::writer::Session;
use crate::{inbox, rows};
use lattice_journal::{Commit, RunSummary};
use lattice_model::limits::FOLD_ITEMS_MAX;
use lattice_model::{CommitId, RunId, Seq};
use lattice_ports::{Appended, Checkpoint, Keys, LogPage, PortError, Put, RunLog};
use rusqlite::{Connection, OptionalExtension, Row};
use std::sync::Arc;

/// A put with what the writer's thread should not have to compute.
struct Prepared {
    put: Put,
    prev: [u8; 32],
    hash: [u8; 32],
    /// The bodies of its notices.
    notices: Vec<String>,
    summary: Option<String>,
}

impl RunLog for LocalStore {
    async fn append(&self, put: Put) -> Result<Appended, PortError> {
        let prepared = prepare(put).map_err(Trouble::into_port)?;
        self.write(move |session| append(session, &prepared)).await
    }

    async fn load(&self, run: &RunId, from: Seq) -> Result<Vec<Commit>, PortError> {
        let run = run.clone();
        self.read(move |connection| load(connection, &run, from))
            .await
    }

    async fn page(&self, run: &RunId, after: Seq, events: usize) -> Result<Vec<Commit>, PortError> {
        let run = run.clone();
        self.read(move |connection| page(connection, &run, after, events))
            .await
    }

    async fn put_checkpoint(&self, checkpoint: Checkpoint) -> Result<bool, PortError> {
        self.write(move |session| {
            let mut put = session.connection.prepare_cached(
                "INSERT INTO checkpoints (run, seq, hash, body) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (run) DO UPDATE
                 SET seq = excluded.seq, hash = excluded.hash, body = excluded.body
                 WHERE excluded.seq > seq",
            )?;
            let (run, seq) = (checkpoint.run.as_str(), int(checkpoint.seq.get()));
            Ok(put.execute((run, seq, checkpoint.hash.as_bytes(), &*checkpoint.body))? > 0)
        })
        .await
    }

    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, PortError> {
        let run = run.clone();
        self.read(move |connection| {
            let mut read = connection
                .prepare_cached("SELECT seq, hash, body FROM checkpoints WHERE run = ?1")?;
            let mut rows = read.query([run.as_str()])?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let (seq, hash) = (sql::seq(row.get(0)?), sql::hash(sql::blob(row, 1)?)?);
            Ok(Some(Checkpoint {
                run,
                seq,
                hash,
                body: Arc::from(sql::blob(row, 2)?),
            }))
        })
        .await
    }

    async fn summary(&self, run: &RunId) -> Result<Option<RunSummary>, PortError> {
        let run = run.clone();
        self.read(move |connection| {
            let mut read =
                connection.prepare_cached("SELECT body FROM summaries WHERE run = ?1")?;
            let text: Option<String> = read
                .query_row([run.as_str()], |row| row.get(0))
                .optional()?;
            Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
        })
        .await
    }
}

impl Keys for LocalStore {
    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, PortError> {
        let key = key.to_owned();
        self.read(move |connection| run_of_key(connection, &key))
            .await
    }
}

fn prepare(put: Put) -> Result<Prepared, Trouble> {
    if put.folds.len() > FOLD_ITEMS_MAX {
        let count = put.folds.len();
        return Err(Trouble::corrupt(format!(
            "a put folds {count} inbox items, over the limit of {FOLD_ITEMS_MAX}"
        )));
    }
    Ok(Prepared {
        prev: *put.commit.prev.as_bytes(),
        hash: *put.commit.hash.as_bytes(),
        notices: put
            .notices
            .iter()
            .map(inbox::text)
            .collect::<Result<_, _>>()?,
        summary: put
            .summary
            .as_ref()
            .map(serde_json::to_string)
            .transpose()?,
        put,
    })
}

/// Everything that may refuse the put comes before the first change.
fn append(session: &mut Session, prepared: &Prepared) -> Result<Appended, Trouble> {
    let Prepared { put, .. } = prepared;
    let known = session.number(&put.commit.run)?;
    // A put that only its place can refuse goes straight at it, and looks after a conflict.
    if (put.start_key.is_some() || !put.folds.is_empty())
        && let Some(number) = known
        && let Some(winner) = standing(&session.connection, number, &put.commit)?
    {
        return Ok(Appended::Taken(winner));
    }
    if let Some(key) = &put.start_key
        && let Some(owner) = run_of_key(&session.connection, key)?
    {
        return Ok(Appended::KeyTaken(owner));
    }
    let items = inbox::unread_places(&session.connection, &put.commit.run, &put.folds)?;
    let number = match known {
        Some(number) => number,
        None => session.add_run(&put.commit.run)?,
    };
    if !insert(session, prepared, number)? {
        let winner = standing(&session.connection, number, &put.commit)?;
        let gone = || Trouble::corrupt("a place is taken, and no commit stands there");
        return winner.map(Appended::Taken).ok_or_else(gone);
    }
    inbox::fold(&session.connection, &items)?;
    for (item, body) in put.notices.iter().zip(&prepared.notices) {
        inbox::insert(&session.connection, item, body)?;
        session.put_item = true;
    }
    insert_parts(&session.connection, prepared)?;
    Ok(Appended::Written)
}

/// Puts the commit at its place; says whether that was free.
fn insert(session: &mut Session, prepared: &Prepared, number: i64) -> Result<bool, Trouble> {
    let commit = &prepared.put.commit;
    let mut insert = session.connection.prepare_cached(
        "INSERT INTO commits (run, first, id, prev, hash, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (run, first) DO NOTHING",
    )?;
    let (first, id) = (int(commit.first.get()), commit.id.as_str());
    let values = (
        number,
        first,
        id,
        &prepared.prev[..],
        &prepared.hash[..],
        &*commit.body,
    );
    let written = insert.execute(values)? > 0;
    session.commits += u64::from(written);
    Ok(written)
}

/// Writes what comes with a commit.
fn insert_parts(connection: &Connection, prepared: &Prepared) -> Result<(), Trouble> {
    let Prepared { put, summary, .. } = prepared;
    let run = put.commit.run.as_str();
    if let Some(key) = &put.start_key {
        let insert = "INSERT INTO start_keys (key, run) VALUES (?1, ?2)";
        connection.prepare_cached(insert)?.execute((key, run))?;
    }
    if let Some(head) = &put.head {
        rows::put_head(connection, head)?;
    }
    if let Some(summary) = summary {
        let insert = "INSERT OR REPLACE INTO summaries (run, body) VALUES (?1, ?2)";
        connection.prepare_cached(insert)?.execute((run, summary))?;
    }
    Ok(())
}

fn run_of_key(connection: &Connection, key: &str) -> Result<Option<RunId>, Trouble> {
    let mut read = connection.prepare_cached("SELECT run FROM start_keys WHERE key = ?1")?;
    let run: Option<String> = read.query_row([key], |row| row.get(0)).optional()?;
    run.map(|run| sql::run(&run)).transpose()
}

/// The commit that stands where this one wants to.
fn standing(
    connection: &Connection,
    number: i64,
    commit: &Commit,
) -> Result<Option<Commit>, Trouble> {
    let mut read = connection.prepare_cached(
        "SELECT first, id, prev, hash, body FROM commits WHERE run = ?1 AND first = ?2",
    )?;
    let mut rows = read.query((number, int(commit.first.get())))?;
    rows.next()?.map(|row| open(&commit.run, row)).transpose()
}

fn load(connection: &Connection, run: &RunId, from: Seq) -> Result<Vec<Commit>, Trouble> {
    let mut read = connection.prepare_cached(
        "SELECT first, id, prev, hash, body FROM commits
         WHERE run = (SELECT no FROM runs WHERE run = ?1) AND first >= ?2 ORDER BY first",
    )?;
    let mut rows = read.query((run.as_str(), int(from.get())))?;
    let mut commits = Vec::new();
    while let Some(row) = rows.next()? {
        commits.push(open(run, row)?);
    }
    Ok(commits)
}

/// The commit that holds the event behind `after` is the last that begins so early: one step in
/// the index, wherever that is, and every further row is wanted.
fn page(
    connection: &Connection,
    run: &RunId,
    after: Seq,
    events: usize,
) -> Result<Vec<Commit>, Trouble> {
    let mut read = connection.prepare_cached(
        "SELECT first, id, prev, hash, body FROM commits
         WHERE run = (SELECT no FROM runs WHERE run = ?1)
           AND first >= coalesce((SELECT max(first) FROM commits
               WHERE run = (SELECT no FROM runs WHERE run = ?1) AND first <= ?2), 0)
         ORDER BY first",
    )?;
    let wanted = int(after.get().saturating_add(1));
    let mut rows = read.query((run.as_str(), wanted))?;
    let mut page = LogPage::new(after, events);
    while page.is_open()
        && let Some(row) = rows.next()?
    {
        page.push(open(run, row)?);
    }
    Ok(page.into_commits())
}

/// Reads a row of `first, id, prev, hash, body`.
fn open(run: &RunId, row: &Row<'_>) -> Result<Commit, Trouble> {
    let (first, id) = (
        sql::seq(row.get(0)?),
        CommitId::new(row.get::<_, String>(1)?),
    );
    let (prev, hash) = (
        sql::hash(sql::blob(row, 2)?)?,
        sql::hash(sql::blob(row, 3)?)?,
    );
    Ok(Commit::open(
        run.clone(),
        first,
        id,
        prev,
        hash,
        sql::blob(row, 4)?,
    )?)
}

impl Session {
    /// The number of a run that has a row.
    fn number(&mut self, run: &RunId) -> Result<Option<i64>, Trouble> {
        if let Some(number) = self.numbers.get(run) {
            return Ok(Some(*number));
        }
        let mut read = self
            .connection
            .prepare_cached("SELECT no FROM runs WHERE run = ?1")?;
        let number: Option<i64> = read
            .query_row([run.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(number) = number {
            self.numbers.insert(run.clone(), number);
        }
        Ok(number)
    }

    /// Gives a run its number.
    fn add_run(&mut self, run: &RunId) -> Result<i64, Trouble> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT INTO runs (run) VALUES (?1)")?;
        let number = insert.insert([run.as_str()])?;
        self.numbers.insert(run.clone(), number);
        Ok(number)
    }
}
