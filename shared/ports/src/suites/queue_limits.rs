//! The longest delay. A suite of its own, because a queue in the cloud needs half an hour for it.

use super::queue_bench::{QueueBench, send};
use crate::StageQueue;
use lattice_model::limits::QUEUE_DELAY_MS_MAX;

/// A delay over the limit is cut to it.
pub async fn a_delay_is_cut_to_the_limit(bench: impl QueueBench) {
    send(&bench, 1, u64::MAX).await;
    assert_eq!(bench.next_within(QUEUE_DELAY_MS_MAX - 1_000).await, None);
    let delivery = bench.next_within(1_100).await.unwrap();
    bench
        .queue()
        .give_back(&delivery.receipt, u64::MAX)
        .await
        .unwrap();
    assert_eq!(bench.next_within(QUEUE_DELAY_MS_MAX - 1_000).await, None);
    assert_eq!(bench.next_within(1_100).await.unwrap().receives, 2);
}
