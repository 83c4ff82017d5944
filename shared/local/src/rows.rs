//! The rows of runs in SQLite.

use crate::error::Trouble;
use crate::sql::{self, int, limit};
use crate::store::LocalStore;
use lattice_journal::Head;
use lattice_model::{Millis, RunId, Seq, WorkflowId};
use lattice_ports::{PortError, RunFilter, RunIndex};
use rusqlite::{Connection, Params, Row};

/// The columns that `read` expects, in its order.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT run, workflow, name, program, seq, status, started_at, updated_at, due_at ",
            "FROM runs WHERE seq IS NOT NULL AND ",
            $rest
        )
    };
}

/// Above every run id, which begins with `run_`.
const BEFORE_ALL: &str = "~";

impl RunIndex for LocalStore {
    async fn put_head(&self, head: Head) -> Result<bool, PortError> {
        self.write(move |session| put_head(&session.connection, &head))
            .await
    }

    async fn head(&self, run: &RunId) -> Result<Option<Head>, PortError> {
        let run = run.clone();
        let heads =
            move |connection: &Connection| list(connection, select!("run = ?1"), [run.as_str()]);
        Ok(self.read(heads).await?.pop())
    }

    async fn heads(&self, filter: RunFilter) -> Result<Vec<Head>, PortError> {
        self.read(move |connection| {
            let before = filter.before.as_ref().map_or(BEFORE_ALL, RunId::as_str);
            let limit = limit(filter.limit);
            match filter.status {
                None => {
                    let sql = select!("run < ?1 ORDER BY run DESC LIMIT ?2");
                    list(connection, sql, (before, limit))
                }
                Some(status) => {
                    let sql = select!("status = ?3 AND run < ?1 ORDER BY run DESC LIMIT ?2");
                    list(connection, sql, (before, limit, status.as_str()))
                }
            }
        })
        .await
    }

    async fn due(&self, now: Millis, most: usize) -> Result<Vec<Head>, PortError> {
        self.read(move |connection| {
            let sql = select!("due_at <= ?1 ORDER BY due_at, run LIMIT ?2");
            list(connection, sql, (int(now.get()), limit(most)))
        })
        .await
    }

    async fn defer(
        &self,
        run: &RunId,
        seq: Seq,
        was: Millis,
        until: Millis,
    ) -> Result<bool, PortError> {
        let run = run.clone();
        let (seq, was, until) = (int(seq.get()), int(was.get()), int(until.get()));
        self.write(move |session| {
            let mut update = session.connection.prepare_cached(
                "UPDATE runs SET due_at = ?4 WHERE run = ?1 AND seq = ?2 AND due_at = ?3",
            )?;
            Ok(update.execute((run.as_str(), seq, was, until))? > 0)
        })
        .await
    }
}

/// Writes the row if it moves forward; says whether it did.
pub(crate) fn put_head(connection: &Connection, head: &Head) -> Result<bool, Trouble> {
    let mut put = connection.prepare_cached(
        "INSERT INTO runs (run, workflow, name, program, seq, status, started_at, updated_at, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (run) DO UPDATE
         SET workflow = excluded.workflow, name = excluded.name, program = excluded.program,
             seq = excluded.seq, status = excluded.status, started_at = excluded.started_at,
             updated_at = excluded.updated_at, due_at = excluded.due_at
         WHERE seq IS NULL OR excluded.seq > seq",
    )?;
    let changed = put.execute((
        head.run.as_str(),
        head.workflow.as_str(),
        &head.name,
        head.program.as_bytes(),
        int(head.seq.get()),
        head.status.as_str(),
        int(head.started_at.get()),
        int(head.updated_at.get()),
        head.due_at.map(|due| int(due.get())),
    ))?;
    Ok(changed > 0)
}

fn list(connection: &Connection, sql: &str, params: impl Params) -> Result<Vec<Head>, Trouble> {
    let mut read = connection.prepare_cached(sql)?;
    let mut rows = read.query(params)?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        heads.push(head(row)?);
    }
    Ok(heads)
}

fn head(row: &Row<'_>) -> Result<Head, Trouble> {
    Ok(Head {
        run: sql::run(sql::text(row, 0)?)?,
        workflow: WorkflowId::new(sql::text(row, 1)?),
        name: row.get(2)?,
        program: sql::hash(sql::blob(row, 3)?)?,
        seq: sql::seq(row.get(4)?),
        status: sql::status(sql::text(row, 5)?)?,
        started_at: sql::millis(row.get(6)?),
        updated_at: sql::millis(row.get(7)?),
        due_at: row.get::<_, Option<i64>>(8)?.map(sql::millis),
    })
}
