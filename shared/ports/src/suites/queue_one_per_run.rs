//! A queue inside one process does not hand one run to two workers.

use super::queue_bench::{QueueBench, message, receive, send};
use crate::StageQueue;

/// While a message of a run is out, the next one of that run waits; other runs go on.
pub async fn a_second_message_of_a_run_waits_for_the_first(bench: impl QueueBench) {
    for number in [1, 1, 1, 2] {
        send(&bench, number, 0).await;
    }
    let first = receive(&bench, 1).await;
    receive(&bench, 2).await;
    assert_eq!(bench.next_within(1_000).await, None);
    bench.queue().ack(&first.receipt).await.unwrap();
    let second = receive(&bench, 1).await;
    assert_eq!(bench.next_within(1_000).await, None);
    bench.queue().ack(&second.receipt).await.unwrap();
    let third = receive(&bench, 1).await;
    bench.queue().ack(&third.receipt).await.unwrap();
    assert_eq!(bench.next_within(1_000).await, None);
}

/// A message that is given back for a while does not hold the others of its run.
pub async fn giving_back_lets_the_second_message_go(bench: impl QueueBench) {
    send(&bench, 1, 0).await;
    send(&bench, 1, 0).await;
    let first = receive(&bench, 1).await;
    bench.queue().give_back(&first.receipt, 500).await.unwrap();
    let second = receive(&bench, 1).await;
    assert_eq!(second.receives, 1);
    assert_eq!(bench.next_within(1_000).await, None);
    bench.queue().ack(&second.receipt).await.unwrap();
    let again = bench.next_within(1_000).await.unwrap();
    assert_eq!((again.message, again.receives), (message(1), 2));
}
