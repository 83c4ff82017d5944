//! A batch of messages: all of them at once, each with its own outcome.

use crate::counts::{Counts, MESSAGES, STREAM_GAPS};
use crate::trace::{Trace, within};
use futures::FutureExt;
use futures::future::{Either, join_all, select};
use lattice_driver::{Driver, DriverError, error_pause_ms};
use lattice_model::RunId;
use lattice_ports::{Clock, Message, Performer, Receipt, Saw, StageQueue, Store};
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use tracing::Instrument;

/// What the mapping hands over, as far as it is read here.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Batch {
    /// The messages.
    #[serde(rename = "Records", default)]
    pub records: Vec<Record>,
}

/// One message.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id, under which its failure is reported.
    pub message_id: String,
    /// For a change of its visibility.
    pub receipt_handle: String,
    /// Its text.
    #[serde(default)]
    pub body: String,
    /// What the queue says of it.
    #[serde(default)]
    pub attributes: Attributes,
    /// What its sender says of it.
    #[serde(default)]
    pub message_attributes: BTreeMap<String, Attribute>,
}

/// What the queue says of a message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attributes {
    /// How often it was delivered, this time included; a number as a text.
    #[serde(default)]
    pub approximate_receive_count: String,
}

/// What a sender says of a message.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// Its value, if it is a text.
    #[serde(default)]
    pub string_value: Option<String>,
}

/// The answer to the mapping: whatever is not named here is deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// The messages that have to come again.
    pub batch_item_failures: Vec<Failed>,
}

/// A message that has to come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// Its id.
    pub item_identifier: String,
}

/// Why the messages of a run have to come again.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Driver(#[from] DriverError),
    #[error("the worker panicked: {0}")]
    Panic(String),
    #[error("the invocation's time is over")]
    Late,
}

/// The messages of one run.
#[derive(Debug, Default)]
struct Group {
    records: Vec<Record>,
    /// Claims of others that a message waited for.
    saw: BTreeSet<Saw>,
    hint: Option<Message>,
    trace: Option<Trace>,
}

/// How long a run of the batch is left in peace before the invocation ends, so that its messages are
/// reported one by one: an invocation that runs out of time fails all of them.
const REPORT_MS: u64 = 1_000;

impl Record {
    fn receives(&self) -> u32 {
        let count = &self.attributes.approximate_receive_count;
        count.parse().unwrap_or(1).max(1)
    }

    fn trace(&self) -> Option<Trace> {
        let sent = self.message_attributes.get("traceparent")?;
        Trace::parse(sent.string_value.as_deref()?)
    }
}

/// Serves all messages of a batch concurrently and says which have to come again. `until_ms` is the
/// moment of the clock at which the invocation ends. Messages of one run are served as one.
// INVARIANT: a message is left out of the answer only when its run was served; one that panics, or
// cannot be read, is reported and takes none of the others with it.
pub async fn serve_batch<S: Store, Q: StageQueue, P: Performer, C: Clock>(
    driver: &Driver<S, Q, P, C>,
    counts: &Counts,
    batch: Batch,
    until_ms: Option<u64>,
) -> BatchAnswer {
    let (groups, unreadable) = group(batch.records);
    let works = groups.into_iter().map(|(run, group)| async move {
        let span = tracing::error_span!("message", %run, messages = group.records.len());
        let trace = group
            .trace
            .clone()
            .map(|trace| trace.next(driver.clock().fresh()));
        let work = serve_group(driver, counts, &run, group, until_ms);
        within(trace, work.instrument(span)).await
    });
    let mut failed: Vec<Record> = join_all(works).await.into_iter().flatten().collect();
    for record in &unreadable {
        // It will never be more readable: without a pause it is soon set aside.
        give_back(driver, record, 0).await;
    }
    let label = |outcome: &str| vec![("outcome", outcome.to_owned())];
    counts.add(MESSAGES, label("failed"), failed.len() as u64);
    counts.add(MESSAGES, label("unreadable"), unreadable.len() as u64);
    failed.extend(unreadable);
    let named = |record: Record| Failed {
        item_identifier: record.message_id,
    };
    BatchAnswer {
        batch_item_failures: failed.into_iter().map(named).collect(),
    }
}

/// The messages by run, and those that are none.
fn group(records: Vec<Record>) -> (BTreeMap<RunId, Group>, Vec<Record>) {
    let mut groups: BTreeMap<RunId, Group> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for record in records {
        match read(&record.body) {
            Ok(message) => {
                let group = groups.entry(message.run.clone()).or_default();
                group.saw.extend(message.saw.iter().cloned());
                group.trace = group.trace.take().or_else(|| record.trace());
                group.hint.get_or_insert(message);
                group.records.push(record);
            }
            Err(error) => {
                let (message_id, receives) = (&record.message_id, record.receives());
                tracing::error!(
                    message_id, receives, %error,
                    "the body of a message names no run; it is set aside once the queue has \
                     delivered it often enough"
                );
                unreadable.push(record);
            }
        }
    }
    (groups, unreadable)
}

/// The body as a message about a run; else what is wrong with it.
fn read(body: &str) -> Result<Message, String> {
    let message: Message = serde_json::from_str(body).map_err(|error| error.to_string())?;
    let run: Result<RunId, _> = message.run.as_str().parse();
    run.map(|_| message).map_err(|error| error.to_string())
}

/// Serves the messages of one run; gives those back that have to come again.
async fn serve_group<S: Store, Q: StageQueue, P: Performer, C: Clock>(
    driver: &Driver<S, Q, P, C>,
    counts: &Counts,
    run: &RunId,
    group: Group,
    until_ms: Option<u64>,
) -> Vec<Record> {
    let Some(message) = group.message() else {
        return Vec::new();
    };
    let served = serve(driver, &message, until_ms).await;
    let Err(trouble) = served else {
        let done = vec![("outcome", "served".to_owned())];
        counts.add(MESSAGES, done, group.records.len() as u64);
        return Vec::new();
    };
    if let Trouble::Driver(error) = &trouble
        && error.is_broken_log()
    {
        counts.add(STREAM_GAPS, Vec::new(), 1);
    }
    let receives = group.records.iter().map(Record::receives).max();
    let pause_ms = error_pause_ms(receives.unwrap_or(1));
    tracing::warn!(%run, receives, pause_ms, error = %trouble, "the run could not be carried on, it comes again");
    for record in &group.records {
        give_back(driver, record, pause_ms).await;
    }
    group.records
}

impl Group {
    /// What is served for these messages: the run once, with every claim that one of them waited for.
    fn message(&self) -> Option<Message> {
        let first = self.hint.as_ref()?;
        Some(Message {
            saw: self.saw.iter().cloned().collect(),
            ..first.clone()
        })
    }
}

async fn serve<S: Store, Q: StageQueue, P: Performer, C: Clock>(
    driver: &Driver<S, Q, P, C>,
    message: &Message,
    until_ms: Option<u64>,
) -> Result<(), Trouble> {
    let work = async {
        driver.serve(message, until_ms).await?;
        Ok(())
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    let work = work.map(|done| done.unwrap_or_else(|panic| Err(Trouble::Panic(said(&*panic)))));
    let Some(until_ms) = until_ms else {
        return work.await;
    };
    let left_ms = until_ms.saturating_sub(driver.clock().monotonic_ms());
    let late = driver.clock().sleep(left_ms.saturating_sub(REPORT_MS));
    match select(pin!(work), pin!(late)).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(Trouble::Late),
    }
}

async fn give_back<S: Store, Q: StageQueue, P: Performer, C: Clock>(
    driver: &Driver<S, Q, P, C>,
    record: &Record,
    pause_ms: u64,
) {
    let receipt = Receipt(record.receipt_handle.clone());
    if let Err(error) = driver.queue().give_back(&receipt, pause_ms).await {
        // It comes again all the same, when the queue's own time for it is over.
        let message_id = &record.message_id;
        tracing::warn!(message_id, %error, "a message's pause could not be set");
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no text".to_owned())
}

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;
