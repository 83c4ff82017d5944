//! The log, checkpoints, summaries and start keys in the table.

use crate::append::open;
use crate::error::{TABLE, corrupt};
use crate::item::{Builder, Item, Reader, bytes, hash, key, number, text};
use crate::keys::{self, CHECKPOINT, COMMITS, SUMMARY};
use crate::rows::newer;
use crate::store::AwsStore;
use crate::table::{Ask, Expression};
use lattice_journal::{Commit, RunSummary};
use lattice_model::limits::CLOUD_CHECKPOINT_BYTES_MAX;
use lattice_model::{RunId, Seq};
use lattice_ports::{Appended, Checkpoint, Keys, LogPage, PortError, Put, RunLog};
use std::sync::Arc;

impl RunLog for AwsStore {
    async fn append(&self, put: Put) -> Result<Appended, PortError> {
        self.append_put(put).await
    }

    async fn load(&self, run: &RunId, from: Seq) -> Result<Vec<Commit>, PortError> {
        let items = self.table.ask(&commits_from(run, from), usize::MAX).await?;
        items.iter().map(|item| open(run, item)).collect()
    }

    /// Mostly one query: whoever reads page by page asks from the end of a commit on. Only if none
    /// begins there, another one looks for the commit in which the asked event stands.
    async fn page(&self, run: &RunId, after: Seq, events: usize) -> Result<Vec<Commit>, PortError> {
        let wanted = Seq::from_stored(after.get().saturating_add(1));
        let mut ask = commits_from(run, wanted);
        // A commit has one event at least, so no more of them are wanted than events.
        ask.look_at = Some(i32::try_from(events.clamp(1, 1_000)).unwrap_or(1_000));
        let (mut items, mut next) = self.table.ask_page(&ask, None).await?;
        let mut page = LogPage::new(after, events);
        let begins = items.first().and_then(first_of);
        if begins != Some(wanted)
            && after > Seq::ZERO
            && let Some(before) = self.last_commit(run, after).await?
        {
            page.push(before);
        }
        loop {
            for item in &items {
                if page.is_open() {
                    page.push(open(run, item)?);
                }
            }
            if next.is_none() || !page.is_open() {
                return Ok(page.into_commits());
            }
            (items, next) = self.table.ask_page(&ask, next).await?;
        }
    }

    async fn put_checkpoint(&self, checkpoint: Checkpoint) -> Result<bool, PortError> {
        if let Some(place) = object(&checkpoint) {
            self.bucket.put(&place, checkpoint.body.to_vec()).await?;
        }
        let item = self.checkpoint_item(&checkpoint);
        let written = self.table.put(item, Some(newer(checkpoint.seq))).await?;
        Ok(written.is_done())
    }

    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, PortError> {
        let Some(item) = self.table.get(key(keys::run(run), CHECKPOINT)).await? else {
            return Ok(None);
        };
        let reader = Reader(&item);
        let body = match reader.has("object") {
            false => Some(Arc::from(reader.bytes("body")?)),
            true => self
                .bucket
                .get(reader.text("object")?)
                .await?
                .map(Arc::from),
        };
        // A checkpoint is a cache: one whose bytes are gone was never there.
        let Some(body) = body else {
            return Ok(None);
        };
        Ok(Some(Checkpoint {
            run: run.clone(),
            seq: reader.seq("seq")?,
            hash: reader.hash("hash")?,
            body,
        }))
    }

    async fn summary(&self, run: &RunId) -> Result<Option<RunSummary>, PortError> {
        let Some(item) = self.table.get(key(keys::run(run), SUMMARY)).await? else {
            return Ok(None);
        };
        let summary = serde_json::from_str(Reader(&item).text("body")?);
        let wrong = |error| corrupt(TABLE, format!("the summary of `{run}`: {error}"));
        summary.map(Some).map_err(wrong)
    }
}

impl Keys for AwsStore {
    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, PortError> {
        self.run_of_start(key).await
    }
}

impl AwsStore {
    pub(crate) fn checkpoint_item(&self, checkpoint: &Checkpoint) -> Item {
        let run = &checkpoint.run;
        let item = Builder::at(keys::run(run), CHECKPOINT)
            .with("seq", number(checkpoint.seq.get()))
            .with("hash", hash(&checkpoint.hash));
        let item = match object(checkpoint) {
            Some(place) => item.with("object", text(place)),
            None => item.with("body", bytes(&checkpoint.body)),
        };
        item.until(self.keep.expiry(run)).build()
    }

    /// The last commit that begins at `until` or before.
    async fn last_commit(&self, run: &RunId, until: Seq) -> Result<Option<Commit>, PortError> {
        let keys = Expression::new("p = :p AND s BETWEEN :from AND :until")
            .value("p", text(keys::run(run)))
            .value("from", text(COMMITS))
            .value("until", text(keys::commit(until)));
        let ask = Ask {
            keys,
            backward: true,
            look_at: Some(1),
            ..Ask::default()
        };
        let (items, _) = self.table.ask_page(&ask, None).await?;
        items.first().map(|item| open(run, item)).transpose()
    }
}

/// Where the body of a checkpoint stands that is too large for its item.
fn object(checkpoint: &Checkpoint) -> Option<String> {
    let large = checkpoint.body.len() > CLOUD_CHECKPOINT_BYTES_MAX;
    large.then(|| keys::checkpoint_object(&checkpoint.run, checkpoint.hash))
}

fn commits_from(run: &RunId, from: Seq) -> Ask {
    let keys = Expression::new("p = :p AND s BETWEEN :from AND :last")
        .value("p", text(keys::run(run)))
        .value("from", text(keys::commit(from)))
        .value("last", text(keys::commit(Seq::from_stored(u64::MAX))));
    Ask {
        keys,
        ..Ask::default()
    }
}

fn first_of(item: &Item) -> Option<Seq> {
    keys::first_of(Reader(item).text(keys::S).ok()?)
}
