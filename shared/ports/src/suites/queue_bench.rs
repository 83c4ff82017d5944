//! What the queue suites work on: a queue, and a way to let its time pass.

use super::sample::run;
use crate::{Delivery, Message, StageQueue};
use lattice_model::Seq;
use std::future::Future;

/// A queue whose time the checks can let pass.
pub trait QueueBench {
    /// The queue.
    type Queue: StageQueue;

    /// A message that nobody acknowledged comes again after so long, if it does at all.
    const VISIBILITY_MS: Option<u64>;

    /// The queue.
    fn queue(&self) -> &Self::Queue;

    /// The next message, if there is one within so many milliseconds; otherwise that time has
    /// passed.
    fn next_within(&self, duration_ms: u64) -> impl Future<Output = Option<Delivery>>;
}

/// A message for the nth sample run.
pub fn message(number: u64) -> Message {
    Message::new(run(number), Seq::from_stored(number))
}

/// Sends a message for the nth sample run.
pub async fn send(bench: &impl QueueBench, number: u64, delay_ms: u64) {
    bench.queue().send(message(number), delay_ms).await.unwrap();
}

/// Receives the message of the nth sample run, which must come at once.
pub async fn receive(bench: &impl QueueBench, number: u64) -> Delivery {
    let delivery = bench.next_within(10).await.unwrap();
    assert_eq!(delivery.message, message(number));
    delivery
}
