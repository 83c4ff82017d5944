//! The rows of triggers in the table.

use crate::error::{TABLE, corrupt};
use crate::item::{Builder, Item, Reader, key, number, text};
use crate::keys::{self, DUE, DUE_P, DUE_S, LIST, LIST_P, LIST_S, List, S, TRIGGER};
use crate::store::AwsStore;
use crate::table::{Ask, Expression};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use lattice_model::{Tenant, TriggerId, WorkflowId};
use lattice_ports::{FiringNote, Pause, PortError, TriggerRow, Triggers};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Attributes beside those of the row, which a save leaves alone.
const PAUSE: &str = "pause";
const NOTE: &str = "note";
const REVISION: &str = "rev";

impl Triggers for AwsStore {
    async fn put_trigger(&self, row: TriggerRow) -> Result<(), PortError> {
        let key = key(keys::trigger(&row.id), TRIGGER);
        let mut values = Expression::default();
        let mut sets = Vec::new();
        let item = trigger_item(&row)?;
        let own = item.into_iter().filter(|(name, _)| !key.contains_key(name));
        for (name, value) in own {
            sets.push(format!("#{name} = :{name}"));
            values = values.name(&name).value(&name, value);
        }
        sets.sort();
        let change = format!("SET {}", sets.join(", "));
        self.table.update(key, &change, values).await?;
        Ok(())
    }

    async fn pause_trigger(&self, id: &TriggerId, pause: Pause) -> Result<bool, PortError> {
        let (name, value) = pause_attribute(&pause)?;
        let there = Expression::new("attribute_exists(p)")
            .name(name)
            .value(name, value);
        let key = key(keys::trigger(id), TRIGGER);
        let paused = self.table.update(key, "SET #pause = :pause", there).await?;
        Ok(paused.is_done())
    }

    async fn note_firing(&self, id: &TriggerId, note: FiringNote) -> Result<bool, PortError> {
        let was = match note.revision {
            1 => "attribute_exists(p) AND attribute_not_exists(#rev)",
            _ => "attribute_exists(p) AND #rev = :was",
        };
        let mut values = Expression::new(was).name(NOTE).name(REVISION);
        if note.revision != 1 {
            values = values.value("was", number(note.revision.saturating_sub(1)));
        }
        let mut change = "SET #note = :note, #rev = :rev".to_owned();
        let open = note_attributes(id, &note)?;
        change.push_str(match note.is_open() {
            true => ", dp = :dp, ds = :ds",
            false => " REMOVE dp, ds",
        });
        for (name, value) in open {
            values = values.value(name, value);
        }
        let key = key(keys::trigger(id), TRIGGER);
        Ok(self.table.update(key, &change, values).await?.is_done())
    }

    async fn open_firings(&self, limit: usize) -> Result<Vec<TriggerRow>, PortError> {
        let asks: Vec<Ask> = keys::firing_shards().into_iter().map(open_in).collect();
        let found = asks.iter().map(|ask| self.table.ask(ask, limit));
        let found = try_join_all(found).await?;
        let rows = found.iter().flatten().take(limit).map(read);
        rows.collect()
    }

    async fn delete_trigger(&self, id: &TriggerId) -> Result<(), PortError> {
        self.table.delete(key(keys::trigger(id), TRIGGER)).await
    }

    async fn trigger(&self, id: &TriggerId) -> Result<Option<TriggerRow>, PortError> {
        let found = self.table.get(key(keys::trigger(id), TRIGGER)).await?;
        found.as_ref().map(read).transpose()
    }

    /// Of one tenant: a query for each shard of its list. Of all: a scan of the index, as `heads`.
    async fn triggers(
        &self,
        tenant: Option<&Tenant>,
        workflow: Option<&WorkflowId>,
        after: Option<&TriggerId>,
        limit: usize,
    ) -> Result<Vec<TriggerRow>, PortError> {
        let after = after.map_or(" ", TriggerId::as_str);
        let items = match tenant {
            Some(tenant) => {
                let filter = workflow.map(|workflow| {
                    let values = Expression::default()
                        .name("workflow")
                        .value("workflow", text(workflow.as_str()));
                    ("#workflow = :workflow", values)
                });
                self.listed(List::Triggers, tenant, after, filter, limit)
                    .await?
            }
            None => self.table.scan(LIST, everywhere(workflow, after)).await?,
        };
        let rows: Result<Vec<TriggerRow>, _> = items.iter().map(read).collect();
        let mut rows = rows?;
        rows.sort_by(|one, other| one.id.cmp(&other.id));
        rows.truncate(limit);
        Ok(rows)
    }
}

fn everywhere(workflow: Option<&WorkflowId>, after: &str) -> Expression {
    let filter = Expression::new("#s = :trigger AND ls > :after")
        .name(S)
        .value("trigger", text(TRIGGER))
        .value("after", text(after));
    let Some(workflow) = workflow else {
        return filter;
    };
    let mut filter = filter
        .name("workflow")
        .value("workflow", text(workflow.as_str()));
    filter.text.push_str(" AND #workflow = :workflow");
    filter
}

fn open_in(shard: String) -> Ask {
    Ask {
        index: Some(DUE),
        keys: Expression::new("dp = :shard").value("shard", text(shard)),
        ..Ask::default()
    }
}

fn json(what: &str, value: &impl Serialize) -> Result<AttributeValue, PortError> {
    let body = serde_json::to_string(value);
    let body = body.map_err(|error| corrupt(TABLE, format!("{what}: {error}")))?;
    Ok(text(body))
}

/// What a save writes.
pub(crate) fn trigger_item(row: &TriggerRow) -> Result<Item, PortError> {
    let own = TriggerRow {
        pause: None,
        note: FiringNote::default(),
        ..row.clone()
    };
    let id = row.id.as_str();
    let item = Builder::at(keys::trigger(&row.id), TRIGGER)
        .with("workflow", text(row.workflow.as_str()))
        .with("body", json("a trigger", &own)?)
        .with(LIST_P, text(List::Triggers.shard(&row.tenant, id)))
        .with(LIST_S, text(id));
    Ok(item.build())
}

/// What a pause writes.
pub(crate) fn pause_attribute(pause: &Pause) -> Result<(&'static str, AttributeValue), PortError> {
    Ok((PAUSE, json("a pause", pause)?))
}

/// What a note writes; in `due` while it is open.
pub(crate) fn note_attributes(
    id: &TriggerId,
    note: &FiringNote,
) -> Result<Vec<(&'static str, AttributeValue)>, PortError> {
    let mut all = vec![
        (NOTE, json("a note", note)?),
        (REVISION, number(note.revision)),
    ];
    if let Some(since) = note.since() {
        all.push((DUE_P, text(keys::firing_shard(id))));
        all.push((DUE_S, number(since.get())));
    }
    Ok(all)
}

pub(crate) fn read(item: &Item) -> Result<TriggerRow, PortError> {
    let reader = Reader(item);
    let row = serde_json::from_str(reader.text("body")?);
    let row: TriggerRow = row.map_err(|_| reader.wrong("body", "a trigger"))?;
    Ok(TriggerRow {
        pause: beside(reader, PAUSE, "a pause")?,
        note: beside(reader, NOTE, "a note")?.unwrap_or_default(),
        ..row
    })
}

/// An attribute that a trigger may be without.
fn beside<T: DeserializeOwned>(
    reader: Reader<'_>,
    name: &str,
    what: &str,
) -> Result<Option<T>, PortError> {
    if !reader.has(name) {
        return Ok(None);
    }
    let value = serde_json::from_str(reader.text(name)?);
    value.map(Some).map_err(|_| reader.wrong(name, what))
}
