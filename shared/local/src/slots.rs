//! Places and lines in SQLite.

use crate::error::Trouble;
use crate::sql::{self, int, limit, millis};
use crate::store::LocalStore;
use lattice_model::{Hash, RunId};
use lattice_ports::{Asker, PortError, Slot, SlotKey, Slots};
use rusqlite::{Connection, OptionalExtension};

impl Slots for LocalStore {
    async fn acquire(&self, key: &SlotKey, asker: &Asker, max: u32) -> Result<Slot, PortError> {
        let (key, asker) = (key.hash(), asker.clone());
        self.write(move |session| {
            let connection = &session.connection;
            let (run, since) = (asker.run.as_str(), int(asker.since.get()));
            let held: Option<bool> = connection
                .prepare_cached("SELECT is_held FROM slots WHERE key = ?1 AND run = ?2")?
                .query_row((key.as_bytes(), run), |row| row.get(0))
                .optional()?;
            if held == Some(true) {
                return Ok(Slot::Held);
            }
            let ahead: i64 = connection
                .prepare_cached(
                    "SELECT count(*) FROM slots
                     WHERE key = ?1 AND is_held = 0 AND (since, run) < (?2, ?3)",
                )?
                .query_row((key.as_bytes(), since, run), |row| row.get(0))?;
            let is_free = ahead < free(connection, &key, max)?;
            connection
                .prepare_cached(
                    "INSERT INTO slots (key, run, since, is_held) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (key, run) DO UPDATE SET is_held = ?4",
                )?
                .execute((key.as_bytes(), run, since, is_free))?;
            Ok(match is_free {
                true => Slot::Held,
                false => Slot::Waits,
            })
        })
        .await
    }

    async fn release(
        &self,
        key: &SlotKey,
        asker: &Asker,
        max: u32,
    ) -> Result<Vec<RunId>, PortError> {
        let (key, run) = (key.hash(), asker.run.clone());
        self.write(move |session| {
            let connection = &session.connection;
            connection
                .prepare_cached("DELETE FROM slots WHERE key = ?1 AND run = ?2")?
                .execute((key.as_bytes(), run.as_str()))?;
            let free = free(connection, &key, max)?;
            let next = line(connection, &key, free)?.into_iter();
            Ok(next.map(|asker| asker.run).collect())
        })
        .await
    }

    async fn holders(&self, key: &SlotKey) -> Result<Vec<RunId>, PortError> {
        let key = key.hash();
        self.read(move |connection| {
            let sql = "SELECT run FROM slots WHERE key = ?1 AND is_held = 1 ORDER BY run";
            let mut read = connection.prepare_cached(sql)?;
            let mut rows = read.query([key.as_bytes()])?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                runs.push(sql::run(sql::text(row, 0)?)?);
            }
            Ok(runs)
        })
        .await
    }

    async fn line(&self, key: &SlotKey, most: usize) -> Result<Vec<Asker>, PortError> {
        let key = key.hash();
        self.read(move |connection| line(connection, &key, limit(most)))
            .await
    }
}

/// Places that nobody has.
fn free(connection: &Connection, key: &Hash, max: u32) -> Result<i64, Trouble> {
    let sql = "SELECT count(*) FROM slots WHERE key = ?1 AND is_held = 1";
    let mut count = connection.prepare_cached(sql)?;
    let held: i64 = count.query_row([key.as_bytes()], |row| row.get(0))?;
    Ok(i64::from(max).saturating_sub(held).max(0))
}

fn line(connection: &Connection, key: &Hash, most: i64) -> Result<Vec<Asker>, Trouble> {
    let sql = "SELECT since, run FROM slots WHERE key = ?1 AND is_held = 0
               ORDER BY since, run LIMIT ?2";
    let mut read = connection.prepare_cached(sql)?;
    let mut rows = read.query((key.as_bytes(), most))?;
    let mut askers = Vec::new();
    while let Some(row) = rows.next()? {
        askers.push(Asker {
            since: millis(row.get(0)?),
            run: sql::run(sql::text(row, 1)?)?,
        });
    }
    Ok(askers)
}
