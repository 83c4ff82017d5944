//! What a step costs: calls and billed units, counted between the functions and the engine.

use super::documents;
use super::world::World;
use super::wrong::Wrong;
use crate::proxy::Counts;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write;

/// Stages of the chain.
pub const CHAIN: usize = 32;
/// Steps that come from the queue one by one.
pub const HOPS: usize = 8;

/// Items of the list, and of each batch of it.
pub const ITEMS: usize = 1_000;
const BATCH: usize = 50;

/// One workload.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Costly stages of it.
    pub stages: usize,
    /// What the start function asked for.
    pub start: Counts,
    /// What the step function asked for.
    pub step: Counts,
    /// Messages that were sent. The event source mapping receives and deletes each, at worst alone.
    pub messages: u64,
    /// DynamoDB write calls of the step function, by stage.
    pub write_calls_per_stage: f64,
    /// DynamoDB read calls of the step function, by stage.
    pub read_calls_per_stage: f64,
    /// DynamoDB write units of the step function, by stage.
    pub write_units_per_stage: f64,
    /// DynamoDB read units of the step function, by stage.
    pub read_units_per_stage: f64,
    /// Requests to SQS by stage: sends as counted, a receive and a delete for each.
    pub sqs_requests_per_stage: f64,
}

/// All that is measured.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measured {
    /// A run of costly stages, one behind the other.
    pub chain: Workload,
    /// Stages that each come from the queue: there is no time for a second one.
    pub hops: Workload,
    /// Stages behind a wait of a second each, which comes from the queue too.
    pub waits: Workload,
    /// The items of a long list, each one stage, in batches that are runs of their own.
    pub list: Workload,
}

/// What AWS allows in a row before it asks for another delivery: a send, a receive, a delete.
const REQUESTS_PER_MESSAGE: u64 = 3;

impl Workload {
    /// The figures of this many stages.
    #[allow(clippy::cast_precision_loss, reason = "counts of one run")]
    pub fn new(stages: usize, start: Counts, step: Counts) -> Self {
        let sends = |counts: &Counts| {
            counts.of("sqs", "SendMessage") + counts.of("sqs", "SendMessageBatch")
        };
        let messages = sends(&start) + sends(&step);
        let by_stage = |total: f64| total / stages.max(1) as f64;
        Self {
            write_calls_per_stage: by_stage(step.writes() as f64),
            read_calls_per_stage: by_stage(step.reads() as f64),
            write_units_per_stage: by_stage(step.write_units),
            read_units_per_stage: by_stage(step.read_units),
            sqs_requests_per_stage: by_stage((messages * REQUESTS_PER_MESSAGE) as f64),
            stages,
            start,
            step,
            messages,
        }
    }
}

impl Measured {
    /// For people.
    pub fn table(&self) -> String {
        let mut text = String::from("by costly stage           chain     hops    waits     list\n");
        type Row = (&'static str, fn(&Workload) -> f64);
        let rows: [Row; 5] = [
            ("DynamoDB write calls", |one| one.write_calls_per_stage),
            ("DynamoDB read calls", |one| one.read_calls_per_stage),
            ("DynamoDB write units", |one| one.write_units_per_stage),
            ("DynamoDB read units", |one| one.read_units_per_stage),
            ("SQS requests", |one| one.sqs_requests_per_stage),
        ];
        for (name, value) in rows {
            let all = [&self.chain, &self.hops, &self.waits, &self.list];
            let cells: String = all.map(|one| format!("{:>9.3}", value(one))).concat();
            // INVARIANT: writing to a String cannot fail.
            let _ = writeln!(text, "{name:<22}{cells}");
        }
        text
    }
}

/// A function that may run as long as one stage may take has time for one stage.
const ONE_STAGE_S: u64 = 60;

/// Runs the workloads and counts.
pub async fn measure(world: &World) -> Result<Measured, Wrong> {
    let chain = workload(world, CHAIN, &documents::chain("chain", CHAIN)).await?;
    let waits = workload(world, HOPS, &documents::waits("waits", HOPS)).await?;
    let batches =
        json!({"batchSize": BATCH, "processingMode": "parallel", "maxConcurrentBatches": 4});
    let list = workload(world, ITEMS, &documents::list("items", ITEMS, batches)).await?;
    let before = world.stack.set_timeout("step", ONE_STAGE_S).await?;
    let long = documents::patient(documents::chain("hops", HOPS), ONE_STAGE_S * 1_000);
    let hops = workload(world, HOPS, &long).await;
    world.stack.set_timeout("step", before).await?;
    Ok(Measured {
        chain,
        hops: hops?,
        waits,
        list,
    })
}

async fn workload(
    world: &World,
    stages: usize,
    document: &serde_json::Value,
) -> Result<Workload, Wrong> {
    world.store(document).await?;
    let id = document["id"].as_str().unwrap_or_default();
    // Nothing of another run may be counted.
    world
        .wait("an empty queue", async || {
            Ok(world.waiting(&world.queue).await? == 0)
        })
        .await?;
    let before = ["start", "step"].map(|function| world.proxy.counts(function));
    let run = world.start(id, &format!("key-{id}")).await?;
    world.until(&run, "completed").await?;
    let mut after = ["start", "step"].map(|function| world.proxy.counts(function));
    for (after, before) in after.iter_mut().zip(&before) {
        *after -= before;
    }
    let [start, step] = after;
    Ok(Workload::new(stages, start, step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_by_stage() {
        let count = |calls: &[(&str, u64)], write_units: f64| Counts {
            calls: calls
                .iter()
                .map(|(name, count)| ((*name).to_owned(), *count))
                .collect(),
            write_units,
            ..Counts::default()
        };
        let start = count(
            &[("sqs.SendMessage", 1), ("dynamodb.TransactWriteItems", 1)],
            9.0,
        );
        let step = count(&[("dynamodb.PutItem", 33), ("dynamodb.Query", 1)], 64.0);
        let made = Workload::new(32, start, step);
        assert_eq!(made.write_calls_per_stage, 33.0 / 32.0);
        assert_eq!(made.write_units_per_stage, 2.0);
        assert_eq!(made.sqs_requests_per_stage, 3.0 / 32.0);
        assert_eq!(json!(made)["messages"], 1);
    }
}
