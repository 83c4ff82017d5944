//! The inbox in the table. A tombstone keeps its id and its fingerprint, and leaves the index.

use crate::append::ABSENT;
use crate::error::{TABLE, corrupt};
use crate::item::{Builder, Item, Reader, bytes, hash, key, number, text};
use crate::keys::{self, DUE, DUE_P, DUE_S, INBOX_COUNT, ITEMS, P};
use crate::store::AwsStore;
use crate::table::{Ask, Expression, Written};
use futures::future::try_join_all;
use lattice_journal::{InboxBody, InboxItem};
use lattice_model::{Hash, InboxId, RunId};
use lattice_ports::{Inbox, InboxPut, PortError};
use std::collections::BTreeMap;

impl Inbox for AwsStore {
    /// Two writes: the item's place in the run's order, then the item. A place that is drawn and not
    /// used leaves a gap, which nobody minds.
    async fn put_item(&self, item: InboxItem) -> Result<InboxPut, PortError> {
        let place = self.next_place(&item.run).await?;
        let stored = self.item(&item, place)?;
        let written = self
            .table
            .put(stored, Some(Expression::new(ABSENT)))
            .await?;
        Ok(match written {
            Written::Done(_) => InboxPut::Stored,
            Written::Refused(_) => InboxPut::Known,
        })
    }

    async fn fingerprint(&self, run: &RunId, id: &InboxId) -> Result<Option<Hash>, PortError> {
        let found = self.table.get(key(keys::run(run), keys::item(id))).await?;
        found.map(|item| Reader(&item).hash("says")).transpose()
    }

    async fn unread(&self, run: &RunId, limit: usize) -> Result<Vec<InboxItem>, PortError> {
        let keys = Expression::new("p = :p AND begins_with(s, :items)")
            .value("p", text(keys::run(run)))
            .value("items", text(ITEMS));
        let ask = Ask {
            keys,
            filter: Some("attribute_exists(dp)".to_owned()),
            ..Ask::default()
        };
        // All of them: their order is not that of their keys. There are never many.
        let found = self.table.ask(&ask, usize::MAX).await?;
        let items: Result<BTreeMap<u64, InboxItem>, PortError> =
            found.iter().map(|item| read(run, item)).collect();
        Ok(items?.into_values().take(limit).collect())
    }

    async fn bury(&self, run: &RunId, ids: &[InboxId]) -> Result<(), PortError> {
        let burials = ids.iter().map(|id| {
            let (change, condition) = burial();
            let place = key(keys::run(run), keys::item(id));
            // What nobody put, or what is buried, is no mistake: the condition leaves it as it is.
            self.table.update(place, change, condition)
        });
        try_join_all(burials).await?;
        Ok(())
    }

    async fn runs_with_unread(&self, limit: usize) -> Result<Vec<RunId>, PortError> {
        let asks = keys::inbox_shards().into_iter().map(|shard| Ask {
            index: Some(DUE),
            keys: Expression::new("dp = :shard").value("shard", text(shard)),
            ..Ask::default()
        });
        let asks: Vec<Ask> = asks.collect();
        let found = try_join_all(asks.iter().map(|ask| self.runs_in(ask, limit))).await?;
        // The one that waits longest first, as far as clocks can tell.
        let mut runs: Vec<(u64, RunId)> = found.into_iter().flatten().collect();
        runs.sort();
        Ok(runs.into_iter().take(limit).map(|(_, run)| run).collect())
    }
}

/// How an item becomes a tombstone: the change, and the condition that it is none yet.
pub(crate) fn burial() -> (&'static str, Expression) {
    let condition = Expression::new("attribute_exists(dp)").name("body");
    ("REMOVE dp, ds, #body", condition)
}

impl AwsStore {
    /// Draws the next place in the order of a run's inbox.
    pub(crate) async fn next_place(&self, run: &RunId) -> Result<u64, PortError> {
        let counter = Expression::default()
            .name("exp")
            .value("one", number(1))
            .value("exp", number(self.keep.expiry(run)));
        let place = key(keys::run(run), INBOX_COUNT);
        let change = "SET #exp = :exp ADD puts :one";
        match self.table.update(place, change, counter).await? {
            Written::Done(Some(item)) => Reader(&item).number("puts"),
            _ => Err(corrupt(
                TABLE,
                format!("the inbox of `{run}` was not counted"),
            )),
        }
    }

    pub(crate) fn item(&self, item: &InboxItem, place: u64) -> Result<Item, PortError> {
        let body = serde_json::to_vec(&item.body);
        let body = body.map_err(|error| corrupt(TABLE, format!("an inbox item: {error}")))?;
        let stored = Builder::at(keys::run(&item.run), keys::item(&item.id))
            .with("id", text(item.id.as_str()))
            .with("at", number(item.at.get()))
            .with("n", number(place))
            .with("says", hash(&item.body.fingerprint()))
            .with("body", bytes(&body))
            .with(DUE_P, text(keys::inbox_shard(&item.run)))
            .with(DUE_S, number(item.at.get()))
            .until(self.keep.expiry(&item.run));
        Ok(stored.build())
    }

    /// The runs in a shard, each once with its earliest moment, until there are `limit`.
    async fn runs_in(&self, ask: &Ask, limit: usize) -> Result<Vec<(u64, RunId)>, PortError> {
        let (mut runs, mut from): (BTreeMap<RunId, u64>, _) = (BTreeMap::new(), None);
        while runs.len() < limit {
            let (items, next) = self.table.ask_page(ask, from).await?;
            for item in &items {
                let reader = Reader(item);
                let run = keys::run_of(reader.text(P)?);
                let run = run.ok_or_else(|| reader.wrong(P, "the key of a run"))?;
                runs.entry(run).or_insert(reader.number(DUE_S)?);
            }
            from = next;
            if from.is_none() {
                break;
            }
        }
        Ok(runs.into_iter().map(|(run, at)| (at, run)).collect())
    }
}

/// An item and its place in the order.
pub(crate) fn read(run: &RunId, item: &Item) -> Result<(u64, InboxItem), PortError> {
    let reader = Reader(item);
    let body: Result<InboxBody, _> = serde_json::from_slice(reader.bytes("body")?);
    let item = InboxItem {
        run: run.clone(),
        id: InboxId::new(reader.text("id")?),
        at: reader.millis("at")?,
        body: body.map_err(|_| reader.wrong("body", "an inbox item"))?,
    };
    Ok((reader.number("n")?, item))
}
