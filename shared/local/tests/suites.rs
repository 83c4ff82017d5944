//! The local adapters keep every port's promise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use lattice_local::{LocalOptions, LocalQueue, LocalStore, SystemClock};
use lattice_ports::memory::MemoryStore;
use lattice_ports::suites::{QueueBench, compare_stores};
use lattice_ports::{Delivery, StageQueue};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

fn with_store(check: impl AsyncFnOnce(LocalStore)) {
    let dir = tempfile::tempdir().unwrap();
    block_on(check(
        LocalStore::open(dir.path(), &LocalOptions::default()).unwrap(),
    ));
}

lattice_ports::run_store_suites!(with_store);
lattice_ports::run_suite!(triggers, with_store);
lattice_ports::run_suite!(slots, with_store);

/// A store that spares reads of inboxes it knows to be empty: what a running process has.
mod watched {
    use super::*;

    fn with_store(check: impl AsyncFnOnce(LocalStore)) {
        super::with_store(async |store| {
            store.watch_foreign_writes(|| {});
            check(store).await;
        });
    }

    lattice_ports::run_store_suites!(with_store);
}

fn runtime(paused: bool) -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(paused)
        .build()
        .unwrap()
}

fn with_clock(check: impl AsyncFnOnce(SystemClock)) {
    runtime(false).block_on(check(SystemClock::new().unwrap()));
}

lattice_ports::run_suite!(clock, with_clock);

struct Bench(LocalQueue);

impl QueueBench for Bench {
    type Queue = LocalQueue;
    const VISIBILITY_MS: Option<u64> = None;

    fn queue(&self) -> &LocalQueue {
        &self.0
    }

    async fn next_within(&self, duration_ms: u64) -> Option<Delivery> {
        let within = Duration::from_millis(duration_ms);
        let delivery = tokio::time::timeout(within, self.0.receive()).await.ok()?;
        delivery.unwrap()
    }
}

fn with_queue(check: impl AsyncFnOnce(Bench)) {
    runtime(true).block_on(async { check(Bench(LocalQueue::new())).await });
}

lattice_ports::run_suite!(queue, with_queue);
lattice_ports::run_suite!(queue_limits, with_queue);

#[test]
fn the_local_store_answers_as_the_one_in_memory() {
    for seed in 0..6 {
        let dir = tempfile::tempdir().unwrap();
        let local = LocalStore::open(dir.path(), &LocalOptions::default()).unwrap();
        block_on(compare_stores(&MemoryStore::new(), &local, seed, 400));
    }
}

/// The same operations with the file closed and opened again between them.
#[test]
fn what_is_stored_survives_the_process() {
    use lattice_journal::RunStatus;
    use lattice_model::Seq;
    use lattice_ports::suites::sample::{Chain, head, item, run, summary};
    use lattice_ports::{Appended, Inbox, Put, RunIndex, RunLog};

    let dir = tempfile::tempdir().unwrap();
    let open = || LocalStore::open(dir.path(), &LocalOptions::default()).unwrap();
    let mut chain = Chain::new(run(1));
    let (one, two) = (chain.next("one", 2), chain.next("two", 1));
    block_on(async {
        let put = Put {
            head: Some(head(&run(1), 2, RunStatus::Running, None)),
            ..Put::of(one.clone())
        };
        open().append(put).await.unwrap();
        let answer = item(&run(1), "i", "yes");
        open().put_item(answer.clone()).await.unwrap();
        let put = Put {
            folds: vec![answer.id.clone()],
            summary: Some(summary(&run(1), 3)),
            ..Put::of(two.clone())
        };
        assert_eq!(open().append(put.clone()).await.unwrap(), Appended::Written);
        assert_eq!(
            open().append(put).await.unwrap(),
            Appended::Taken(two.clone())
        );
        assert_eq!(open().load(&run(1), Seq::FIRST).await.unwrap(), [one, two]);
        assert_eq!(open().unread(&run(1), 9).await.unwrap(), []);
        assert_eq!(
            open().summary(&run(1)).await.unwrap(),
            Some(summary(&run(1), 3))
        );
        assert!(open().head(&run(1)).await.unwrap().is_some());
    });
}
