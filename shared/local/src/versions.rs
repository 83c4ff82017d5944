//! Versions of workflow documents in SQLite.

use crate::error::Trouble;
use crate::sql::{self, int, limit};
use lattice_model::{Hash, Tenant, WorkflowId};
use lattice_ports::{Expect, StoredWorkflow, WorkflowPut, WorkflowVersion};
use rusqlite::{Connection, Params, Row};
use std::sync::Arc;

/// The columns that `version` expects, in its order.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT tenant, id, name, version, program, stored_at FROM workflows ",
            $rest
        )
    };
}

/// Stores a version as the newest. The check and the write share the group's transaction.
pub(crate) fn put(
    connection: &Connection,
    workflow: &StoredWorkflow,
    expect: Expect,
) -> Result<WorkflowPut, Trouble> {
    let row = &workflow.row;
    if let Some(conflict) = conflict(connection, &row.tenant, &row.id, expect)? {
        return Ok(conflict);
    }
    // A version that is put again moves to the end, because AUTOINCREMENT never goes back.
    let mut put = connection.prepare_cached(
        "INSERT OR REPLACE INTO workflows
             (tenant, id, version, name, program, stored_at, document)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    put.execute((
        row.tenant.as_str(),
        row.id.as_str(),
        row.version.as_bytes(),
        &row.name,
        row.program.as_bytes(),
        int(row.stored_at.get()),
        &*workflow.document,
    ))?;
    Ok(WorkflowPut::Done)
}

/// Removes all versions.
pub(crate) fn delete(
    connection: &Connection,
    tenant: &Tenant,
    id: &WorkflowId,
    expect: Expect,
) -> Result<WorkflowPut, Trouble> {
    if let Some(conflict) = conflict(connection, tenant, id, expect)? {
        return Ok(conflict);
    }
    connection
        .prepare_cached("DELETE FROM workflows WHERE tenant = ?1 AND id = ?2")?
        .execute((tenant.as_str(), id.as_str()))?;
    Ok(WorkflowPut::Done)
}

/// What stands in the way of a write, if anything does.
fn conflict(
    connection: &Connection,
    tenant: &Tenant,
    id: &WorkflowId,
    expect: Expect,
) -> Result<Option<WorkflowPut>, Trouble> {
    let newest = all(connection, tenant, id, 1)?.pop();
    let newest = newest.map(|row| row.version);
    Ok((!expect.holds(newest)).then_some(WorkflowPut::Conflict(newest)))
}

/// A version with its document, or the newest.
pub(crate) fn read(
    connection: &Connection,
    tenant: &Tenant,
    id: &WorkflowId,
    wanted: Option<Hash>,
) -> Result<Option<StoredWorkflow>, Trouble> {
    let mut read = connection.prepare_cached(
        "SELECT tenant, id, name, version, program, stored_at, document FROM workflows
         WHERE tenant = ?1 AND id = ?2 AND (?3 IS NULL OR version = ?3)
         ORDER BY place DESC LIMIT 1",
    )?;
    let wanted = wanted.as_ref().map(|version| &version.as_bytes()[..]);
    let mut rows = read.query((tenant.as_str(), id.as_str(), wanted))?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    Ok(Some(StoredWorkflow {
        row: version(row)?,
        document: Arc::from(sql::text(row, 6)?),
    }))
}

/// The newest version of each workflow behind `after`, by id.
pub(crate) fn newest(
    connection: &Connection,
    tenant: &Tenant,
    after: Option<&WorkflowId>,
    most: usize,
) -> Result<Vec<WorkflowVersion>, Trouble> {
    let sql = select!(
        "WHERE place IN (SELECT max(place) FROM workflows WHERE tenant = ?1 AND id > ?2
                         GROUP BY id ORDER BY id LIMIT ?3)
         ORDER BY id"
    );
    // No workflow has an empty id, so everything stands behind it.
    let after = after.map_or("", WorkflowId::as_str);
    list(connection, sql, (tenant.as_str(), after, limit(most)))
}

/// The versions, newest first.
pub(crate) fn all(
    connection: &Connection,
    tenant: &Tenant,
    id: &WorkflowId,
    most: usize,
) -> Result<Vec<WorkflowVersion>, Trouble> {
    let sql = select!("WHERE tenant = ?1 AND id = ?2 ORDER BY place DESC LIMIT ?3");
    list(connection, sql, (tenant.as_str(), id.as_str(), limit(most)))
}

fn list(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<Vec<WorkflowVersion>, Trouble> {
    let mut read = connection.prepare_cached(sql)?;
    let mut rows = read.query(params)?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        versions.push(version(row)?);
    }
    Ok(versions)
}

fn version(row: &Row<'_>) -> Result<WorkflowVersion, Trouble> {
    Ok(WorkflowVersion {
        tenant: sql::tenant(sql::text(row, 0)?)?,
        id: WorkflowId::new(sql::text(row, 1)?),
        name: row.get(2)?,
        version: sql::hash(sql::blob(row, 3)?)?,
        program: sql::hash(sql::blob(row, 4)?)?,
        stored_at: sql::millis(row.get(5)?),
    })
}
