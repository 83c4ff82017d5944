//! The queue. SQS counts whole seconds, so its bench lets ten times as long pass.

use crate::bench::{Place, runtime};
use lattice_aws::{SqsQueue, traced};
use lattice_ports::suites::QueueBench;
use lattice_ports::suites::queue_bench::message;
use lattice_ports::{Delivery, Message, PortError, Receipt, StageQueue};
use std::time::{Duration, Instant};

/// Of a check's milliseconds each lasts so many.
const SLOWER: u64 = 10;
/// How long a delivered message is hidden.
const VISIBILITY_S: u32 = 3;
/// A check that nothing comes need not last longer than that.
const WAIT_MS_MAX: u64 = 5_500;

struct Slow(SqsQueue);

impl StageQueue for Slow {
    async fn send(&self, message: Message, delay_ms: u64) -> Result<(), PortError> {
        self.0.send(message, delay_ms.saturating_mul(SLOWER)).await
    }

    async fn receive(&self) -> Result<Option<Delivery>, PortError> {
        self.0.receive().await
    }

    async fn ack(&self, receipt: &Receipt) -> Result<(), PortError> {
        self.0.ack(receipt).await
    }

    async fn give_back(&self, receipt: &Receipt, delay_ms: u64) -> Result<(), PortError> {
        let delay_ms = delay_ms.saturating_mul(SLOWER);
        self.0.give_back(receipt, delay_ms).await
    }
}

struct Bench(Slow);

impl QueueBench for Bench {
    type Queue = Slow;
    const VISIBILITY_MS: Option<u64> = Some(VISIBILITY_S as u64 * 1_000 / SLOWER);

    fn queue(&self) -> &Slow {
        &self.0
    }

    /// Looks again and again: a poll that is given up could take a message with it.
    async fn next_within(&self, duration_ms: u64) -> Option<Delivery> {
        let (began, ms) = (
            Instant::now(),
            (duration_ms * SLOWER).clamp(500, WAIT_MS_MAX),
        );
        loop {
            let found = self.0.0.receive_within(0).await.unwrap();
            if found.is_some() || began.elapsed() >= Duration::from_millis(ms) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Checks that take a message and give none back have it hidden for so long.
fn with_queue(check: impl AsyncFnOnce(Bench)) {
    with_visibility(60, check);
}

fn with_short_visibility(check: impl AsyncFnOnce(Bench)) {
    with_visibility(VISIBILITY_S, check);
}

fn with_visibility(seconds: u32, check: impl AsyncFnOnce(Bench)) {
    runtime().block_on(async {
        let place = Place::bare();
        let url = place.queue(seconds).await;
        check(Bench(Slow(place.clients.queue(url)))).await;
    });
}

lattice_ports::run_suite!(queue, with_queue);
lattice_ports::run_suite!(queue_visibility, with_short_visibility);

/// A worker that waits gets what is sent meanwhile, in one request.
#[test]
fn a_message_ends_the_wait_for_it() {
    runtime().block_on(async {
        let place = Place::bare();
        let queue = place.clients.queue(place.queue(60).await);
        let send = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            queue.send(message(1), 0).await.unwrap();
        };
        let (received, ()) = futures::join!(queue.receive(), send);
        assert_eq!(received.unwrap().unwrap().message, message(1));
        let counted = place.clients.counter().snapshot();
        assert_eq!(counted.calls_of("sqs.ReceiveMessage"), 1);
    });
}

/// What is sent as part of a trace carries it, where SQS's own consumers look for it.
#[test]
fn a_message_carries_the_trace_it_belongs_to() {
    runtime().block_on(async {
        let place = Place::bare();
        let url = place.queue(60).await;
        let queue = place.clients.queue(url.clone());
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let sent = traced(parent.to_owned(), queue.send(message(1), 0)).await;
        sent.unwrap();
        queue.send(message(2), 0).await.unwrap();
        let raw = aws_sdk_sqs::Client::new(place.clients.sdk());
        let mut parents = Vec::new();
        for _ in 0..2 {
            let receive = raw.receive_message().queue_url(&url);
            let receive = receive.message_attribute_names("All").wait_time_seconds(1);
            for found in receive.send().await.unwrap().messages.unwrap_or_default() {
                let attribute = found.message_attributes.unwrap_or_default();
                let parent = attribute.get("traceparent").cloned();
                parents.push(parent.and_then(|parent| parent.string_value));
            }
        }
        parents.sort();
        assert_eq!(parents, [None, Some(parent.to_owned())]);
    });
}

/// The queue that is not there is named with the setting that names it.
#[test]
fn a_queue_that_is_not_there_is_named() {
    runtime().block_on(async {
        let place = Place::bare();
        let url = format!(
            "{}/000000000000/{}",
            lattice_cloud::engine::endpoint(),
            place.name
        );
        let error = place
            .clients
            .queue(url)
            .send(message(1), 0)
            .await
            .unwrap_err();
        assert!(matches!(error, PortError::Missing { .. }), "{error}");
        assert!(error.to_string().contains("LATTICE_QUEUE_URL"), "{error}");
    });
}
