//! Batches over the memory adapters: what is reported, what is done, and what one message may do to
//! another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::*;
use crate::logs::Labels;
use lattice_driver::{Settings, StartRequest, Unobserved, load_run};
use lattice_ir::{CallDone, CallOutcome, CallRequest, EffectRequest, Plan};
use lattice_journal::{RunStatus, Usage};
use lattice_model::{BootId, Guards, Millis, Seq, Tenant};
use lattice_policy::Redactor;
use lattice_ports::memory::{ManualClock, MemoryQueue, MemoryStore, QueueRules};
use lattice_ports::{LiveText, RunIndex, Workflows};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

type Queue = MemoryQueue<ManualClock>;

/// Says what the prompt asks for: an answer, a panic, or nothing ever.
struct Model {
    asked: AtomicUsize,
    traces: Mutex<Vec<Option<String>>>,
}

impl Performer for Model {
    async fn perform(&self, request: CallRequest, _live: &dyn LiveText) -> CallOutcome {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let trace = crate::trace::current().map(|trace| trace.id().to_owned());
        self.traces.lock().unwrap().push(trace);
        let EffectRequest::Model(model) = &request.effect;
        let prompt = model.prompt.to_display();
        if prompt.contains("panic") {
            panic!("the model is not well");
        }
        if prompt.contains("never") {
            std::future::pending::<()>().await;
        }
        Ok(CallDone {
            text: "said".to_owned(),
            model: "small".to_owned(),
            finish: "stop".to_owned(),
            usage: Usage::default(),
            latency_ms: 1,
        })
    }
}

struct World {
    driver: Driver<MemoryStore, Queue, Model, ManualClock>,
    model: Arc<Model>,
    queue: Queue,
    clock: ManualClock,
    counts: Counts,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new(Millis::new(1_750_000_000_000), 7);
        let rules = QueueRules {
            visibility_ms: None,
        };
        let queue = MemoryQueue::new(clock.clone(), rules);
        let model = Arc::new(Model {
            asked: AtomicUsize::new(0),
            traces: Mutex::default(),
        });
        let driver = Driver::new(
            (Arc::new(MemoryStore::new()), Arc::new(queue.clone())),
            (Arc::clone(&model), Arc::new(clock.clone())),
            Arc::new(Redactor::new()),
            Arc::new(Unobserved),
            Settings::new(BootId::new("boot")),
        );
        let labels = Labels {
            function: "step",
            deployment: "dev".to_owned(),
        };
        Self {
            driver,
            model,
            queue,
            clock,
            counts: Counts::new(labels),
        }
    }

    /// Starts a run that asks a model twice, and takes its message from the queue.
    async fn start(&self, title: &str) -> Record {
        let document = json!({
            "format": "agent-lattice/workflow", "formatVersion": 1, "id": "talks", "name": "Talks",
            "nodes": [
                { "id": "start", "type": "start" },
                { "id": "one", "type": "prompt", "settings": { "prompt": "{{in.title}}", "model": "small" } },
                { "id": "two", "type": "prompt", "settings": { "prompt": "more", "model": "small" } },
                { "id": "end", "type": "end", "settings": { "output": "{{nodes.two.output}}" } },
            ],
            "edges": [
                { "id": "e1", "from": "start", "to": "one" },
                { "id": "e2", "from": "one", "to": "two" },
                { "id": "e3", "from": "two", "to": "end" },
            ],
        });
        let compiled = lattice_compiler::compile(document.to_string().as_bytes());
        let program = compiled.program.unwrap();
        let plan = Arc::new(Plan::new(Arc::new(program)).unwrap());
        let store = self.driver.store();
        store
            .put_program(plan.hash(), Arc::clone(plan.program()))
            .await
            .unwrap();
        let request = StartRequest {
            tenant: Tenant::local(),
            plan,
            input: json!({ "title": title }),
            key: None,
            trigger: None,
        };
        self.driver.start(request).await.unwrap();
        self.record().unwrap()
    }

    /// The next message that is visible, as the mapping hands it over.
    fn record(&self) -> Option<Record> {
        let delivery = self.queue.try_receive(self.clock.monotonic_ms())?;
        Some(record(
            &delivery.receipt.0,
            &serde_json::to_string(&delivery.message).unwrap(),
            delivery.receives,
        ))
    }

    async fn serve(&self, records: &[Record], until_ms: Option<u64>) -> Vec<String> {
        let batch = Batch {
            records: records.to_vec(),
        };
        let answer = serve_batch(&self.driver, &self.counts, batch, until_ms).await;
        let failures = answer.batch_item_failures.into_iter();
        failures.map(|failed| failed.item_identifier).collect()
    }

    async fn status(&self, record: &Record) -> RunStatus {
        let run = run_of(record);
        self.driver
            .store()
            .head(&run)
            .await
            .unwrap()
            .unwrap()
            .status
    }

    fn asked(&self) -> usize {
        self.model.asked.load(Ordering::SeqCst)
    }
}

fn run_of(record: &Record) -> RunId {
    serde_json::from_str::<Message>(&record.body).unwrap().run
}

/// A message as the mapping hands it over; its id is its receipt.
fn record(receipt: &str, body: &str, receives: u32) -> Record {
    serde_json::from_value(json!({
        "messageId": receipt, "receiptHandle": receipt, "body": body,
        "attributes": { "ApproximateReceiveCount": receives.to_string(), "SentTimestamp": "1" },
        "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:x:1:steps", "awsRegion": "x",
    }))
    .unwrap()
}

#[tokio::test]
async fn a_batch_is_served_and_nothing_of_it_comes_again() {
    let world = World::new();
    let mut records = Vec::new();
    for title in ["a", "b", "c"] {
        records.push(world.start(title).await);
    }
    assert!(world.serve(&records, None).await.is_empty());
    for record in &records {
        assert_eq!(world.status(record).await, RunStatus::Completed);
    }
    assert_eq!(world.asked(), 6);
}

#[tokio::test]
async fn a_panic_is_the_failure_of_its_own_message_alone() {
    let world = World::new();
    let (bad, good) = (world.start("panic").await, world.start("fine").await);
    let failed = world.serve(&[bad.clone(), good.clone()], None).await;
    assert_eq!(failed, std::slice::from_ref(&bad.message_id));
    assert_eq!(world.status(&good).await, RunStatus::Completed);
    // It comes again after a pause, and not before.
    assert!(world.record().is_none());
    world.clock.advance(error_pause_ms(1));
    let again = world.record().unwrap();
    assert_eq!(again.receives(), 2);
    let lines = world.counts.take(serde_json::Map::new()).join("\n");
    assert!(lines.contains(r#""outcome":"failed""#), "{lines}");
}

#[tokio::test]
async fn what_is_no_message_is_reported_at_once_and_takes_nobody_with_it() {
    let world = World::new();
    let good = world.start("fine").await;
    let run = run_of(&good);
    let poison = ["", "{", "{}", r#"{"run":"nobody","hint":0}"#, "[]"];
    let mut records = vec![good.clone()];
    for (at, body) in poison.iter().enumerate() {
        records.push(record(&format!("poison-{at}"), body, 3));
    }
    let failed = world.serve(&records, None).await;
    assert_eq!(failed.len(), poison.len(), "{failed:?}");
    assert!(failed.iter().all(|id| id.starts_with("poison-")));
    assert_eq!(world.status(&good).await, RunStatus::Completed);
    // A message of a newer build that says more is still one of ours.
    let newer = json!({ "run": run, "hint": 0, "branch": "b" }).to_string();
    assert!(
        world
            .serve(&[record("newer", &newer, 1)], None)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn messages_of_one_run_are_served_as_one() {
    let world = World::new();
    let first = world.start("a").await;
    let copies: Vec<Record> = ["r1", "r2", "r3"]
        .iter()
        .map(|receipt| record(receipt, &first.body, 1))
        .collect();
    assert!(world.serve(&copies, None).await.is_empty());
    assert_eq!(world.asked(), 2);
    assert_eq!(world.status(&first).await, RunStatus::Completed);
    // All of them fail together too.
    let bad = world.start("panic").await;
    let copies = [record("p1", &bad.body, 1), record("p2", &bad.body, 4)];
    assert_eq!(world.serve(&copies, None).await, ["p1", "p2"]);
}

#[tokio::test]
async fn a_message_that_waited_for_a_lost_claim_takes_it_over_beside_one_that_did_not() {
    let world = World::new();
    let bad = world.start("panic").await;
    assert_eq!(world.serve(std::slice::from_ref(&bad), None).await.len(), 1);
    let run = run_of(&bad);
    let loaded = load_run(&**world.driver.store(), &run, Guards::ALL).await;
    let state = loaded.unwrap().unwrap().state;
    let claimed = state.claims().next().unwrap();
    // Without the word of the message, the lease has to be waited out.
    assert!(
        world
            .serve(&[record("plain", &bad.body, 1)], None)
            .await
            .is_empty()
    );
    assert_eq!(world.asked(), 1);
    let waited = Message {
        saw: vec![Saw {
            stage: claimed.stage.clone(),
            attempt: claimed.attempt,
        }],
        ..Message::new(run, Seq::ZERO)
    };
    let waited = serde_json::to_string(&waited).unwrap();
    let both = [record("plain", &bad.body, 1), record("waited", &waited, 1)];
    assert_eq!(world.serve(&both, None).await, ["plain", "waited"]);
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_reported_before_the_invocation_ends() {
    let world = World::new();
    let (slow, good) = (world.start("never").await, world.start("fine").await);
    let records = [slow.clone(), good.clone()];
    let until_ms = world.clock.monotonic_ms() + 60_000;
    let clock = world.clock.clone();
    let moved = async {
        tokio::task::yield_now().await;
        clock.advance(60_000 - REPORT_MS);
    };
    let (failed, ()) = futures::join!(world.serve(&records, Some(until_ms)), moved);
    assert_eq!(failed, [slow.message_id]);
    // The other one was handed on after its first effect: there was no time for the second.
    let next = world.record().unwrap();
    assert_eq!(run_of(&next), run_of(&good));
}

#[tokio::test]
async fn a_run_for_which_there_is_no_time_goes_on_from_another_message() {
    let world = World::new();
    let first = world.start("a").await;
    // One effect is always performed; the second would not fit.
    let until_ms = world.clock.monotonic_ms() + 10_000;
    assert!(
        world
            .serve(std::slice::from_ref(&first), Some(until_ms))
            .await
            .is_empty()
    );
    assert_eq!(world.asked(), 1);
    let next = world.record().unwrap();
    assert_eq!(run_of(&next), run_of(&first));
    assert!(world.serve(&[next], Some(until_ms)).await.is_empty());
    assert_eq!(world.status(&first).await, RunStatus::Completed);
}

#[tokio::test]
async fn effects_are_a_part_of_the_trace_that_came_with_the_message() {
    let world = World::new();
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let mut traced = world.start("a").await;
    traced.message_attributes.insert(
        "traceparent".to_owned(),
        Attribute {
            string_value: Some(format!("00-{id}-00f067aa0ba902b7-01")),
        },
    );
    assert!(world.serve(&[traced], None).await.is_empty());
    let traces = world.model.traces.lock().unwrap().clone();
    assert_eq!(traces, [Some(id.to_owned()), Some(id.to_owned())]);
}

#[test]
fn the_answer_is_in_the_mappings_own_words() {
    let answer = BatchAnswer {
        batch_item_failures: vec![Failed {
            item_identifier: "a".to_owned(),
        }],
    };
    let expected: Value = json!({ "batchItemFailures": [{ "itemIdentifier": "a" }] });
    assert_eq!(serde_json::to_value(answer).unwrap(), expected);
    let empty = serde_json::to_value(BatchAnswer::default()).unwrap();
    assert_eq!(empty, json!({ "batchItemFailures": [] }));
}
