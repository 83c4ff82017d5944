//! The rows of triggers in SQLite.

use crate::error::Trouble;
use crate::sql::{self, int, limit, millis, tenant};
use crate::store::LocalStore;
use lattice_model::{NodeId, Tenant, TriggerId, WorkflowId};
use lattice_ports::{FiringNote, Pause, PortError, TriggerRow, Triggers};
use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;

/// The columns that `row` expects, in its order.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, workflow, node, stored_at, listens, pause, note FROM triggers ",
            $rest
        )
    };
}

impl Triggers for LocalStore {
    async fn put_trigger(&self, row: TriggerRow) -> Result<(), PortError> {
        let listens = serde_json::to_string(&row.on);
        let listens = listens.map_err(|error| Trouble::from(error).into_port())?;
        self.write(move |session| {
            let mut put = session.connection.prepare_cached(
                "INSERT INTO triggers (id, tenant, workflow, node, stored_at, listens)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET tenant = ?2, workflow = ?3, node = ?4,
                     stored_at = ?5, listens = ?6",
            )?;
            put.execute((
                row.id.as_str(),
                row.tenant.as_str(),
                row.workflow.as_str(),
                row.node.as_str(),
                int(row.stored_at.get()),
                &listens,
            ))?;
            Ok(())
        })
        .await
    }

    /// A guest may do it too: a person who pauses a schedule need not own the directory.
    async fn pause_trigger(&self, id: &TriggerId, pause: Pause) -> Result<bool, PortError> {
        let id = id.clone();
        let pause = serde_json::to_string(&pause);
        let pause = pause.map_err(|error| Trouble::from(error).into_port())?;
        self.write_as_guest(move |session| {
            let update = "UPDATE triggers SET pause = ?2 WHERE id = ?1";
            let mut update = session.connection.prepare_cached(update)?;
            Ok(update.execute((id.as_str(), &pause))? > 0)
        })
        .await
    }

    async fn note_firing(&self, id: &TriggerId, note: FiringNote) -> Result<bool, PortError> {
        let id = id.clone();
        let body = serde_json::to_string(&note);
        let body = body.map_err(|error| Trouble::from(error).into_port())?;
        self.write(move |session| {
            let mut update = session.connection.prepare_cached(
                "UPDATE triggers SET note = ?2, note_revision = ?3, is_open = ?4
                 WHERE id = ?1 AND note_revision = ?3 - 1",
            )?;
            let (revision, is_open) = (int(note.revision), note.is_open());
            Ok(update.execute((id.as_str(), &body, revision, is_open))? > 0)
        })
        .await
    }

    async fn open_firings(&self, most: usize) -> Result<Vec<TriggerRow>, PortError> {
        self.read(move |connection| {
            let sql = select!("WHERE is_open = 1 ORDER BY id LIMIT ?1");
            list(connection, sql, [limit(most)])
        })
        .await
    }

    async fn delete_trigger(&self, id: &TriggerId) -> Result<(), PortError> {
        let id = id.clone();
        self.write(move |session| {
            let delete = "DELETE FROM triggers WHERE id = ?1";
            let mut delete = session.connection.prepare_cached(delete)?;
            delete.execute([id.as_str()])?;
            Ok(())
        })
        .await
    }

    async fn trigger(&self, id: &TriggerId) -> Result<Option<TriggerRow>, PortError> {
        let id = id.clone();
        self.read(move |connection| {
            let rows = list(connection, select!("WHERE id = ?1"), [id.as_str()])?;
            Ok(rows.into_iter().next())
        })
        .await
    }

    async fn triggers(
        &self,
        tenant: Option<&Tenant>,
        workflow: Option<&WorkflowId>,
        after: Option<&TriggerId>,
        most: usize,
    ) -> Result<Vec<TriggerRow>, PortError> {
        let (tenant, workflow) = (tenant.cloned(), workflow.cloned());
        // No trigger has an empty id, so everything stands behind it.
        let after = after.map_or_else(String::new, |id| id.as_str().to_owned());
        self.read(move |connection| {
            let sql = match (&tenant, &workflow) {
                (Some(_), Some(_)) => {
                    select!("WHERE tenant = ?1 AND workflow = ?2 AND id > ?3 ORDER BY id LIMIT ?4")
                }
                (Some(_), None) => {
                    select!("WHERE tenant = ?1 AND ?2 IS NULL AND id > ?3 ORDER BY id LIMIT ?4")
                }
                (None, _) => select!(
                    "WHERE ?1 IS NULL AND (?2 IS NULL OR workflow = ?2) AND id > ?3
                     ORDER BY id LIMIT ?4"
                ),
            };
            let tenant = tenant.as_ref().map(Tenant::as_str);
            let workflow = workflow.as_ref().map(WorkflowId::as_str);
            list(connection, sql, (tenant, workflow, &after, limit(most)))
        })
        .await
    }
}

fn list(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<TriggerRow>, Trouble> {
    let mut read = connection.prepare_cached(sql)?;
    let mut rows = read.query(params)?;
    let mut triggers = Vec::new();
    while let Some(read) = rows.next()? {
        triggers.push(row(read)?);
    }
    Ok(triggers)
}

/// A column of JSON that may be empty.
fn optional<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<Option<T>, Trouble> {
    let text: Option<String> = row.get(column)?;
    Ok(text.map(|text| serde_json::from_str(&text)).transpose()?)
}

fn row(row: &Row<'_>) -> Result<TriggerRow, Trouble> {
    Ok(TriggerRow {
        id: TriggerId::new(sql::text(row, 0)?),
        tenant: tenant(sql::text(row, 1)?)?,
        workflow: WorkflowId::new(sql::text(row, 2)?),
        node: NodeId::new(sql::text(row, 3)?),
        stored_at: millis(row.get(4)?),
        on: serde_json::from_str(sql::text(row, 5)?)?,
        pause: optional(row, 6)?,
        note: optional(row, 7)?.unwrap_or_default(),
    })
}
