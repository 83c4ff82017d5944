//! The rows of runs in SQLite.

use crate::error::Trouble;
use crate::sql::{self, int, limit};
use crate::store::LocalStore;
use lattice_journal::{ForkPoint, Head, RunStatus};
use lattice_model::{Millis, RunId, Seq, Tenant, WorkflowId};
use lattice_ports::{PortError, RunFilter, RunIndex};
use rusqlite::{Connection, Params, Row, ToSql};

/// The columns that `head` expects, in its order. A run without a row has no status: the words are
/// those of the indices, which leave it out.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT run, workflow, name, program, seq, status, started_at, updated_at, due_at, ",
            "tenant, forked_run, forked_seq FROM runs WHERE status IS NOT NULL AND ",
            $rest
        )
    };
}

/// Above every run id, which begins with `run_`.
const BEFORE_ALL: &str = "~";

/// Grouped as the index lies, so that nothing is sorted.
const COUNT: &str =
    "SELECT status, count(*) FROM runs WHERE status IS NOT NULL GROUP BY tenant, status";

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
        self.read(move |connection| heads(connection, &filter))
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

impl LocalStore {
    /// How many runs of all tenants stand how, each status once.
    pub async fn count_by_status(&self) -> Result<Vec<(RunStatus, u64)>, PortError> {
        self.read(count).await
    }
}

/// The question as SQL. Only what is asked for is said, so that each finds its index.
fn question(filter: &RunFilter) -> String {
    let mut sql = select!("run < :before AND started_at BETWEEN :since AND :last").to_owned();
    for (asked, condition) in [
        (filter.tenant.is_some(), " AND tenant = :tenant"),
        (filter.status.is_some(), " AND status = :status"),
        (filter.workflow.is_some(), " AND workflow = :workflow"),
    ] {
        sql.push_str(if asked { condition } else { "" });
    }
    sql.push_str(" ORDER BY run DESC LIMIT :limit");
    sql
}

fn heads(connection: &Connection, filter: &RunFilter) -> Result<Vec<Head>, Trouble> {
    let before = filter.before.as_ref().map_or(BEFORE_ALL, RunId::as_str);
    let since = filter.since.map_or(0, |since| int(since.get()));
    let last = filter.until.map_or(i64::MAX, |until| int(until.get()) - 1);
    let limit = limit(filter.limit);
    let mut values: Vec<(&str, &dyn ToSql)> = vec![
        (":before", &before),
        (":since", &since),
        (":last", &last),
        (":limit", &limit),
    ];
    let tenant = filter.tenant.as_ref().map(Tenant::as_str);
    let status = filter.status.map(RunStatus::as_str);
    let workflow = filter.workflow.as_ref().map(WorkflowId::as_str);
    let asked = [
        (":tenant", &tenant),
        (":status", &status),
        (":workflow", &workflow),
    ];
    for (name, value) in asked.into_iter().filter(|(_, value)| value.is_some()) {
        values.push((name, value));
    }
    list(connection, &question(filter), values.as_slice())
}

fn count(connection: &Connection) -> Result<Vec<(RunStatus, u64)>, Trouble> {
    let mut counts = RunStatus::ALL.map(|status| (status, 0));
    let mut read = connection.prepare_cached(COUNT)?;
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let (found, runs) = (sql::status(sql::text(row, 0)?)?, row.get::<_, i64>(1)?);
        for (_, count) in counts.iter_mut().filter(|(status, _)| *status == found) {
            *count += runs.unsigned_abs();
        }
    }
    Ok(counts.to_vec())
}

/// Writes the row if it moves forward; says whether it did.
pub(crate) fn put_head(connection: &Connection, head: &Head) -> Result<bool, Trouble> {
    let mut put = connection.prepare_cached(
        "INSERT INTO runs
             (run, workflow, name, program, seq, status, started_at, updated_at, due_at, tenant,
              forked_run, forked_seq)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (run) DO UPDATE
         SET workflow = excluded.workflow, name = excluded.name, program = excluded.program,
             seq = excluded.seq, status = excluded.status, started_at = excluded.started_at,
             updated_at = excluded.updated_at, due_at = excluded.due_at, tenant = excluded.tenant,
             forked_run = excluded.forked_run, forked_seq = excluded.forked_seq
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
        head.tenant.as_str(),
        head.forked_from.as_ref().map(|from| from.run.as_str()),
        head.forked_from.as_ref().map(|from| int(from.seq.get())),
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
        tenant: sql::tenant(sql::text(row, 9)?)?,
        forked_from: forked_from(row)?,
    })
}

fn forked_from(row: &Row<'_>) -> Result<Option<ForkPoint>, Trouble> {
    if row.get::<_, Option<i64>>(11)?.is_none() {
        return Ok(None);
    }
    let (run, seq) = (sql::run(sql::text(row, 10)?)?, sql::seq(row.get(11)?));
    Ok(Some(ForkPoint { run, seq }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::schema;

    fn with_file(check: impl FnOnce(&Connection)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        std::fs::File::create(&path).unwrap();
        let mut connection = schema::open_writer(&path).unwrap();
        schema::migrate(&mut connection, &path).unwrap();
        check(&connection);
    }

    fn plan(connection: &Connection, sql: &str) -> String {
        let mut read = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        // Nothing is bound: the plan does not depend on the values.
        let mut rows = read.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get::<_, String>(3).unwrap());
        }
        steps.join("; ")
    }

    /// Lists come in the order of an index whatever is asked for, because a page must not cost as
    /// much as all runs together.
    #[test]
    fn no_list_is_sorted() {
        let filter = |tenant: bool, status: bool, workflow: bool| RunFilter {
            tenant: tenant.then(Tenant::local),
            status: status.then_some(RunStatus::Waiting),
            workflow: workflow.then(|| WorkflowId::new("w")),
            ..RunFilter::default()
        };
        with_file(|connection| {
            for (filter, index) in [
                (filter(false, false, false), "sqlite_autoindex_runs_1"),
                (filter(true, false, false), "runs_by_tenant"),
                (filter(true, true, false), "runs_by_status"),
                (filter(true, false, true), "runs_by_workflow"),
            ] {
                let plan = plan(connection, &question(&filter));
                assert!(plan.contains(index), "{filter:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
            }
            let plan = plan(connection, COUNT);
            assert!(plan.contains("COVERING INDEX runs_by_status"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        });
    }
}
