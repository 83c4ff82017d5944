//! The queue: at least once, not before its time, until it is acknowledged.

use super::queue_bench::{QueueBench, message, receive, send};
use crate::{Receipt, StageQueue};

/// Once acknowledged, a message does not come again.
pub async fn a_message_is_delivered_until_it_is_acknowledged(bench: impl QueueBench) {
    send(&bench, 1, 0).await;
    let delivery = receive(&bench, 1).await;
    assert_eq!(delivery.receives, 1);
    assert_eq!(bench.next_within(20).await, None);
    bench.queue().ack(&delivery.receipt).await.unwrap();
    assert_eq!(bench.next_within(1_000).await, None);
}

/// Nothing comes of nothing.
pub async fn an_empty_queue_delivers_nothing(bench: impl QueueBench) {
    assert_eq!(bench.next_within(1_000).await, None);
}

/// Nobody is overtaken. (The port promises no order; these adapters are fair all the same.)
pub async fn messages_come_in_the_order_they_were_sent(bench: impl QueueBench) {
    for number in [3, 1, 2] {
        send(&bench, number, 0).await;
    }
    for number in [3, 1, 2] {
        receive(&bench, number).await;
    }
}

/// A message is not seen before its delay is over, and an earlier one goes first.
pub async fn a_delay_is_honoured(bench: impl QueueBench) {
    send(&bench, 1, 500).await;
    send(&bench, 2, 200).await;
    assert_eq!(bench.next_within(190).await, None);
    let second = bench.next_within(100).await.unwrap();
    assert_eq!(second.message, message(2));
    bench.queue().ack(&second.receipt).await.unwrap();
    assert_eq!(bench.next_within(150).await, None);
    assert_eq!(bench.next_within(200).await.unwrap().message, message(1));
}

/// Each delivery of a message is counted, and has a receipt of its own.
pub async fn a_message_given_back_comes_again_and_counts(bench: impl QueueBench) {
    send(&bench, 1, 0).await;
    let mut receipts: Vec<Receipt> = Vec::new();
    for receives in 1..5 {
        let delivery = receive(&bench, 1).await;
        assert_eq!(delivery.receives, receives);
        assert!(!receipts.contains(&delivery.receipt));
        bench.queue().give_back(&delivery.receipt, 0).await.unwrap();
        receipts.push(delivery.receipt);
    }
}

/// A message that was given back for a while stays away for that while; others pass it.
pub async fn a_message_given_back_waits_as_long_as_it_was_told(bench: impl QueueBench) {
    send(&bench, 1, 0).await;
    let delivery = receive(&bench, 1).await;
    bench
        .queue()
        .give_back(&delivery.receipt, 300)
        .await
        .unwrap();
    send(&bench, 2, 0).await;
    let other = receive(&bench, 2).await;
    bench.queue().ack(&other.receipt).await.unwrap();
    assert_eq!(bench.next_within(250).await, None);
    assert_eq!(bench.next_within(200).await.unwrap().message, message(1));
}

/// After `give_back`, the receipt neither deletes the message nor moves it.
pub async fn a_receipt_that_was_used_changes_nothing(bench: impl QueueBench) {
    send(&bench, 1, 0).await;
    let first = receive(&bench, 1).await;
    bench.queue().give_back(&first.receipt, 0).await.unwrap();
    bench.queue().ack(&first.receipt).await.unwrap();
    bench
        .queue()
        .give_back(&first.receipt, 60_000)
        .await
        .unwrap();
    let second = receive(&bench, 1).await;
    bench.queue().ack(&first.receipt).await.unwrap();
    bench.queue().give_back(&second.receipt, 0).await.unwrap();
    assert_eq!(receive(&bench, 1).await.receives, 3);
}

/// A receipt from elsewhere deletes nothing.
pub async fn a_receipt_that_nobody_gave_changes_nothing(bench: impl QueueBench) {
    send(&bench, 1, 0).await;
    for text in ["", "0.0", "0.1", "nonsense"] {
        bench.queue().ack(&Receipt(text.to_owned())).await.unwrap();
        bench
            .queue()
            .give_back(&Receipt(text.to_owned()), 60_000)
            .await
            .unwrap();
    }
    receive(&bench, 1).await;
}
