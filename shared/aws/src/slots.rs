//! Places and lines in the table: one item for who has a place, one for each run that waits.
//!
//! A run stands in line before it looks at the places, and a place is given back before the line is
//! read: so of one who asks and one who leaves at the same time, one sees the other.

use crate::item::{Builder, Item, Reader, key, number, text};
use crate::keys::{self, EXP, S};
use crate::store::AwsStore;
use crate::table::{Ask, Expression};
use aws_sdk_dynamodb::types::AttributeValue;
use lattice_model::limits::LIFETIME_MS_MAX;
use lattice_model::{Millis, RunId};
use lattice_ports::{Asker, PortError, Slot, SlotKey, Slots};
use std::collections::BTreeSet;

/// Who has a place: a set of ids. A thousand of them are 30 KB, far below the 400 KB of an item.
const RUNS: &str = "runs";
/// The run that waits, and since when it was queued.
const RUN: &str = "run";
const SINCE: &str = "since";

impl Slots for AwsStore {
    async fn acquire(&self, slot: &SlotKey, asker: &Asker, max: u32) -> Result<Slot, PortError> {
        if self.holders_of(slot).await?.contains(&asker.run) {
            // Whoever gave it the place may have died before it left the line.
            self.table.delete(place_in_line(slot, asker)).await?;
            return Ok(Slot::Held);
        }
        self.table.put(line_item(slot, asker), None).await?;
        let (line, holders) = self.look(slot, max).await?;
        let mut waiting = line.iter().filter(|it| !holders.contains(&it.run));
        let ahead = waiting.position(|it| it == asker);
        let free = (max as usize).saturating_sub(holders.len());
        if ahead.is_none_or(|ahead| ahead >= free) {
            return Ok(Slot::Waits);
        }
        let room = "attribute_not_exists(#runs) OR size(#runs) < :max";
        let room = Expression::new(room)
            .name(RUNS)
            .name(EXP)
            .value("exp", number(expiry(asker)))
            .value("max", number(max.into()))
            .value("run", one(&asker.run));
        // INVARIANT: no more than `max` have a place, whoever else asks at the same time.
        let change = "ADD #runs :run SET #exp = :exp";
        let taken = self.table.update(places(slot), change, room);
        if !taken.await?.is_done() {
            return Ok(Slot::Waits);
        }
        self.table.delete(place_in_line(slot, asker)).await?;
        Ok(Slot::Held)
    }

    async fn release(
        &self,
        slot: &SlotKey,
        asker: &Asker,
        max: u32,
    ) -> Result<Vec<RunId>, PortError> {
        let there = Expression::new("contains(#runs, :id)")
            .name(RUNS)
            .value("id", text(asker.run.as_str()))
            .value("run", one(&asker.run));
        self.table
            .update(places(slot), "DELETE #runs :run", there)
            .await?;
        self.table.delete(place_in_line(slot, asker)).await?;
        let (line, holders) = self.look(slot, max).await?;
        let free = (max as usize).saturating_sub(holders.len());
        let waiting = line.into_iter().filter(|it| !holders.contains(&it.run));
        Ok(waiting.take(free).map(|it| it.run).collect())
    }

    async fn holders(&self, slot: &SlotKey) -> Result<Vec<RunId>, PortError> {
        Ok(self.holders_of(slot).await?.into_iter().collect())
    }

    async fn line(&self, slot: &SlotKey, limit: usize) -> Result<Vec<Asker>, PortError> {
        let ask = Ask {
            keys: Expression::new("p = :slot AND begins_with(s, :line)")
                .value("slot", text(keys::slot(slot.hash())))
                .value("line", text(keys::LINE)),
            ..Ask::default()
        };
        let items = self.table.ask(&ask, limit).await?;
        items.iter().map(read).collect()
    }
}

impl AwsStore {
    /// The head of the line, and then who has a place. Those who have one and were not taken out of
    /// the line may stand before the others.
    async fn look(
        &self,
        slot: &SlotKey,
        max: u32,
    ) -> Result<(Vec<Asker>, BTreeSet<RunId>), PortError> {
        let line = self.line(slot, 2 * max as usize).await?;
        Ok((line, self.holders_of(slot).await?))
    }

    async fn holders_of(&self, slot: &SlotKey) -> Result<BTreeSet<RunId>, PortError> {
        let Some(item) = self.table.get(places(slot)).await? else {
            return Ok(BTreeSet::new());
        };
        let wrong = || Reader(&item).wrong(RUNS, "a set of runs");
        match item.get(RUNS) {
            None => Ok(BTreeSet::new()),
            Some(AttributeValue::Ss(ids)) => {
                let runs = ids.iter().map(|id| id.parse().map_err(|_| wrong()));
                runs.collect()
            }
            Some(_) => Err(wrong()),
        }
    }
}

/// When what is kept of a place expires, in seconds: whoever had one when this one asked was over by
/// then, and so was this one.
fn expiry(asker: &Asker) -> u64 {
    asker.since.plus(2 * LIFETIME_MS_MAX).get() / 1_000
}

fn one(run: &RunId) -> AttributeValue {
    AttributeValue::Ss(vec![run.to_string()])
}

fn places(slot: &SlotKey) -> Item {
    key(keys::slot(slot.hash()), keys::PLACES)
}

fn place_in_line(slot: &SlotKey, asker: &Asker) -> Item {
    let sort = keys::in_line(asker.since, &asker.run);
    key(keys::slot(slot.hash()), sort)
}

fn line_item(slot: &SlotKey, asker: &Asker) -> Item {
    let sort = keys::in_line(asker.since, &asker.run);
    Builder::at(keys::slot(slot.hash()), sort)
        .with(RUN, text(asker.run.as_str()))
        .with(SINCE, number(asker.since.get()))
        .until(expiry(asker))
        .build()
}

pub(crate) fn read(item: &Item) -> Result<Asker, PortError> {
    let reader = Reader(item);
    let run = reader.text(RUN)?.parse();
    Ok(Asker {
        since: Millis::new(reader.number(SINCE)?),
        run: run.map_err(|_| reader.wrong(S, "a run that waits"))?,
    })
}

/// A run that stands in line, as it is stored.
#[cfg(test)]
pub(crate) fn sample() -> Item {
    use lattice_model::{Tenant, WorkflowId};
    use lattice_ports::suites::sample::{NOON, run};
    let key = SlotKey {
        tenant: Tenant::local(),
        workflow: WorkflowId::new("w"),
        key: "customer-7".to_owned(),
    };
    let (since, run) = (NOON, run(1));
    line_item(&key, &Asker { since, run })
}
