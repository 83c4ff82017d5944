//! Many workers at one local queue: nothing is lost, nobody is left asleep.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_local::LocalQueue;
use lattice_model::Seq;
use lattice_ports::suites::sample::run;
use lattice_ports::{Message, StageQueue};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn message(number: u64) -> Message {
    Message::new(run(number), Seq::from_stored(number))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_reaches_one_worker() {
    const RUNS: u64 = 50;
    const EACH: u64 = 20;
    let queue = LocalQueue::new();
    let seen: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let workers: Vec<_> = (0..16)
        .map(|_| {
            let (queue, seen) = (queue.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let mut served = 0;
                while let Some(delivery) = queue.receive().await.unwrap() {
                    let receipt = delivery.receipt.0.clone();
                    assert!(seen.lock().unwrap().insert(receipt), "it came twice");
                    tokio::task::yield_now().await;
                    queue.ack(&delivery.receipt).await.unwrap();
                    served += 1;
                }
                served
            })
        })
        .collect();
    for nth in 0..RUNS * EACH {
        queue.send(message(nth % RUNS), nth % 3).await.unwrap();
    }
    while !queue.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    queue.close();
    let mut served = 0;
    for worker in workers {
        served += worker.await.unwrap();
    }
    assert_eq!(served, RUNS * EACH);
}

/// A worker that is woken and goes away before it looks hands the wake-up on.
#[tokio::test]
async fn a_worker_that_gives_up_does_not_take_the_wake_up_along() {
    let queue = LocalQueue::new();
    let mut leaving = Box::pin(queue.receive());
    let mut staying = Box::pin(queue.receive());
    assert!(futures::poll!(leaving.as_mut()).is_pending());
    assert!(futures::poll!(staying.as_mut()).is_pending());
    queue.send(message(1), 0).await.unwrap();
    drop(leaving);
    let delivery = tokio::time::timeout(Duration::from_secs(5), staying)
        .await
        .unwrap();
    assert_eq!(delivery.unwrap().unwrap().message, message(1));
}
