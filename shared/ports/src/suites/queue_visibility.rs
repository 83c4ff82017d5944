//! A queue that outlives its workers hands a message out again when a worker forgets it.

use super::queue_bench::{QueueBench, receive, send};
use crate::StageQueue;

fn visibility_ms<B: QueueBench>() -> u64 {
    B::VISIBILITY_MS.unwrap()
}

/// A message that is neither acknowledged nor given back comes again after its visibility time.
pub async fn a_message_that_is_forgotten_comes_again<B: QueueBench>(bench: B) {
    send(&bench, 1, 0).await;
    receive(&bench, 1).await;
    assert_eq!(bench.next_within(visibility_ms::<B>() - 50).await, None);
    assert_eq!(bench.next_within(150).await.unwrap().receives, 2);
}

/// A worker that comes back too late cannot delete what another one works on.
pub async fn an_old_receipt_does_not_delete_the_new_delivery<B: QueueBench>(bench: B) {
    send(&bench, 1, 0).await;
    let late = receive(&bench, 1).await;
    let taken = bench.next_within(visibility_ms::<B>() + 100).await.unwrap();
    bench.queue().ack(&late.receipt).await.unwrap();
    bench.queue().give_back(&taken.receipt, 0).await.unwrap();
    assert_eq!(receive(&bench, 1).await.receives, 3);
}
