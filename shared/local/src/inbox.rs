//! The inbox in SQLite.

use crate::error::Trouble;
use crate::sql::{self, int, limit};
use crate::store::LocalStore;
use lattice_journal::{InboxBody, InboxItem};
use lattice_model::{Hash, InboxId, RunId};
use lattice_ports::{Inbox, InboxPut, PortError};
use rusqlite::{Connection, OptionalExtension};
use std::sync::Arc;

impl Inbox for LocalStore {
    async fn put_item(&self, item: InboxItem) -> Result<InboxPut, PortError> {
        let body = text(&item).map_err(Trouble::into_port)?;
        self.write_as_guest(move |session| {
            session.put_item = true;
            Ok(match insert(&session.connection, &item, &body)? {
                true => InboxPut::Stored,
                false => InboxPut::Known,
            })
        })
        .await
    }

    async fn fingerprint(&self, run: &RunId, id: &InboxId) -> Result<Option<Hash>, PortError> {
        let (run, id) = (run.clone(), id.clone());
        self.read(move |connection| {
            let mut read =
                connection.prepare_cached("SELECT body FROM inbox WHERE run = ?1 AND id = ?2")?;
            let mut rows = read.query((run.as_str(), id.as_str()))?;
            let Some(row) = rows.next()? else {
                return Ok(None);
            };
            let body: InboxBody = serde_json::from_str(sql::text(row, 0)?)?;
            Ok(Some(body.fingerprint()))
        })
        .await
    }

    async fn unread(&self, run: &RunId, most: usize) -> Result<Vec<InboxItem>, PortError> {
        if self.status().inboxes_are_empty() {
            return Ok(Vec::new());
        }
        let (run, status) = (run.clone(), Arc::clone(self.status()));
        self.read(move |connection| {
            let mark = status.inbox_mark();
            let mut read = connection.prepare_cached(
                "SELECT id, at, body FROM inbox WHERE run = ?1 AND folded = 0
                 ORDER BY place LIMIT ?2",
            )?;
            let mut rows = read.query((run.as_str(), limit(most)))?;
            let mut items = Vec::new();
            while let Some(row) = rows.next()? {
                items.push(InboxItem {
                    run: run.clone(),
                    id: InboxId::new(sql::text(row, 0)?),
                    at: sql::millis(row.get(1)?),
                    body: serde_json::from_str(sql::text(row, 2)?)?,
                });
            }
            let any = "SELECT EXISTS (SELECT 1 FROM inbox WHERE folded = 0)";
            if items.is_empty()
                && !connection
                    .prepare_cached(any)?
                    .query_row([], |row| row.get(0))?
            {
                status.inboxes_empty(mark);
            }
            Ok(items)
        })
        .await
    }

    async fn bury(&self, run: &RunId, ids: &[InboxId]) -> Result<(), PortError> {
        let (run, ids) = (run.clone(), ids.to_vec());
        self.write(move |session| {
            let mut update = session
                .connection
                .prepare_cached("UPDATE inbox SET folded = 1 WHERE run = ?1 AND id = ?2")?;
            for id in &ids {
                update.execute((run.as_str(), id.as_str()))?;
            }
            Ok(())
        })
        .await
    }

    async fn runs_with_unread(&self, most: usize) -> Result<Vec<RunId>, PortError> {
        self.read(move |connection| {
            let mut read = connection.prepare_cached(
                "SELECT run FROM inbox WHERE folded = 0
                 GROUP BY run ORDER BY min(place) LIMIT ?1",
            )?;
            let mut rows = read.query([limit(most)])?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                runs.push(sql::run(sql::text(row, 0)?)?);
            }
            Ok(runs)
        })
        .await
    }
}

/// The places of the items, all of them unread and no two the same; refused otherwise. Commits of
/// a run are serial, so a second fold of an item can only come from a bug.
pub(crate) fn unread_places(
    connection: &Connection,
    run: &RunId,
    ids: &[InboxId],
) -> Result<Vec<i64>, Trouble> {
    let mut places = Vec::with_capacity(ids.len());
    for id in ids {
        let mut read = connection
            .prepare_cached("SELECT place FROM inbox WHERE run = ?1 AND id = ?2 AND folded = 0")?;
        let place = read
            .query_row((run.as_str(), id.as_str()), |row| row.get(0))
            .optional()?;
        let Some(place) = place.filter(|place| !places.contains(place)) else {
            let reason = format!("inbox item `{id}` of `{run}` is not there to be folded");
            return Err(Trouble::corrupt(reason));
        };
        places.push(place);
    }
    Ok(places)
}

/// Turns the items into tombstones.
pub(crate) fn fold(connection: &Connection, places: &[i64]) -> Result<(), Trouble> {
    for place in places {
        connection
            .prepare_cached("UPDATE inbox SET folded = 1 WHERE place = ?1")?
            .execute([place])?;
    }
    Ok(())
}

/// The body of an item as it is stored.
pub(crate) fn text(item: &InboxItem) -> Result<String, Trouble> {
    Ok(serde_json::to_string(&item.body)?)
}

/// Puts an item; says whether it was new.
pub(crate) fn insert(
    connection: &Connection,
    item: &InboxItem,
    body: &str,
) -> Result<bool, Trouble> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO inbox (run, id, at, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (run, id) DO NOTHING",
    )?;
    let at = int(item.at.get());
    Ok(insert.execute((item.run.as_str(), item.id.as_str(), at, body))? > 0)
}
