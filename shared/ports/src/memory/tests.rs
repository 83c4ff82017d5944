//! The in-memory adapters keep every port's promise; and a guard that is off lets its rule break.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::suites::sample::{Chain, NOON, head, item, run};
use crate::suites::{KNOWN_SECRET, KNOWN_VALUE, QueueBench, compare_stores};
use crate::{
    Appended, Checkpoint, Clock, Delivery, Inbox, InboxPut, Message, Put, RunIndex, RunLog,
    StageQueue,
};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::{join, poll_fn, select};
use lattice_journal::RunStatus;
use lattice_model::{Guard, Guards, Hash, InboxId, Secret, Seq};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

fn with_store(check: impl AsyncFnOnce(MemoryStore)) {
    block_on(check(MemoryStore::new()));
}

crate::run_store_suites!(with_store);
crate::run_suite!(triggers, with_store);
crate::run_suite!(slots, with_store);

fn with_clock(check: impl AsyncFnOnce(ManualClock)) {
    let clock = ManualClock::new(NOON, 7);
    let check = pin!(check(clock.clone()));
    let time = pin!(async {
        loop {
            clock.advance(1);
            again().await;
        }
    });
    block_on(select(check, time));
}

crate::run_suite!(clock, with_clock);

/// Ends when it is polled a second time, for which it asks at once.
fn again() -> impl Future<Output = ()> {
    let mut polled = false;
    poll_fn(move |context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut polled, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
}

fn with_secrets(check: impl AsyncFnOnce(MapSecrets)) {
    let known = [(KNOWN_SECRET, Secret::new(KNOWN_VALUE.to_owned()))];
    block_on(check(MapSecrets::new(known)));
}

crate::run_suite!(secrets, with_secrets);

struct Bench {
    clock: ManualClock,
    queue: MemoryQueue<ManualClock>,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::new(NOON, 1);
        let rules = QueueRules {
            visibility_ms: Self::VISIBILITY_MS,
        };
        Self {
            queue: MemoryQueue::new(clock.clone(), rules),
            clock,
        }
    }
}

impl QueueBench for Bench {
    type Queue = MemoryQueue<ManualClock>;
    const VISIBILITY_MS: Option<u64> = Some(30_000);

    fn queue(&self) -> &Self::Queue {
        &self.queue
    }

    async fn next_within(&self, duration_ms: u64) -> Option<Delivery> {
        let mut receive = pin!(self.queue.receive());
        for _ in 0..duration_ms {
            if let Some(delivery) = receive.as_mut().now_or_never() {
                return delivery.unwrap();
            }
            self.clock.advance(1);
        }
        receive
            .now_or_never()
            .map(|delivery| delivery.unwrap().unwrap())
    }
}

fn with_queue(check: impl AsyncFnOnce(Bench)) {
    block_on(check(Bench::new()));
}

crate::run_suite!(queue, with_queue);
crate::run_suite!(queue_visibility, with_queue);

fn with_long_queue(check: impl AsyncFnOnce(Bench)) {
    let bench = Bench::new();
    let rules = QueueRules {
        visibility_ms: None,
    };
    let queue = MemoryQueue::new(bench.clock.clone(), rules);
    block_on(check(Bench { queue, ..bench }));
}

crate::run_suite!(queue_limits, with_long_queue);

#[test]
fn two_memory_stores_answer_alike() {
    for seed in 0..20 {
        block_on(compare_stores(
            &MemoryStore::new(),
            &MemoryStore::new(),
            seed,
            500,
        ));
    }
}

/// The comparison is worth something only if it sees a store that breaks a rule.
#[test]
fn the_comparison_notices_a_guard_that_is_off() {
    let guards = [
        Guard::ConditionalPut,
        Guard::StartKey,
        Guard::ForwardOnly,
        Guard::InboxDedupe,
        Guard::Tombstones,
    ];
    for guard in guards {
        let caught = std::panic::catch_unwind(|| {
            let loose = MemoryStore::with_guards(Guards::ALL.without(guard));
            block_on(compare_stores(&MemoryStore::new(), &loose, 3, 500));
        });
        assert!(caught.is_err(), "{guard:?}");
    }
}

#[test]
fn each_guard_that_is_off_lets_its_rule_break() {
    let store = |guard| MemoryStore::with_guards(Guards::ALL.without(guard));
    let chain = Chain::new(run(1));
    let (one, two) = (chain.seal("one", 1), chain.seal("two", 1));
    block_on(async {
        let loose = store(Guard::ConditionalPut);
        loose.append(Put::of(one.clone())).await.unwrap();
        assert_eq!(
            loose.append(Put::of(two.clone())).await.unwrap(),
            Appended::Written
        );
        assert_eq!(loose.load(&run(1), Seq::FIRST).await.unwrap(), [two]);

        let loose = store(Guard::InboxDedupe);
        for _ in 0..2 {
            let put = loose.put_item(item(&run(1), "i", "yes")).await.unwrap();
            assert_eq!(put, InboxPut::Stored);
        }
        let ids = vec![InboxId::new("i"); 2];
        assert_eq!(loose.unread(&run(1), 9).await.unwrap().len(), 2);
        let fold = Put {
            folds: ids,
            ..Put::of(one.clone())
        };
        assert_eq!(loose.append(fold).await.unwrap(), Appended::Written);

        let loose = store(Guard::Tombstones);
        loose.put_item(item(&run(1), "i", "yes")).await.unwrap();
        let fold = Put {
            folds: vec![InboxId::new("i")],
            ..Put::of(one.clone())
        };
        assert_eq!(loose.append(fold).await.unwrap(), Appended::Written);
        assert_eq!(loose.unread(&run(1), 9).await.unwrap().len(), 1);

        let loose = store(Guard::StartKey);
        for number in [1, 2] {
            let commit = Chain::new(run(number)).seal("s", 1);
            let put = Put {
                start_key: Some("k".to_owned()),
                ..Put::of(commit)
            };
            assert_eq!(loose.append(put).await.unwrap(), Appended::Written);
        }

        let loose = store(Guard::ForwardOnly);
        for seq in [5, 4] {
            assert!(
                loose
                    .put_head(head(&run(1), seq, RunStatus::Running, None))
                    .await
                    .unwrap()
            );
            let (hash, body) = (Hash::of(b"s"), Arc::from(&b"s"[..]));
            let checkpoint = Checkpoint {
                run: run(1),
                seq: Seq::from_stored(seq),
                hash,
                body,
            };
            assert!(loose.put_checkpoint(checkpoint).await.unwrap());
        }
    });
}

#[test]
fn a_waiting_receiver_is_woken_by_a_send_by_time_and_by_the_end() {
    let bench = Bench::new();
    let message = Message::new(run(1), Seq::FIRST);
    let receive = || async { bench.queue.receive().await.unwrap() };
    block_on(async {
        let send = async { bench.queue.send(message.clone(), 0).await.unwrap() };
        assert_eq!(join(receive(), send).await.0.unwrap().message, message);
        bench.queue.send(message.clone(), 5).await.unwrap();
        let pass = async { bench.clock.advance(5) };
        assert_eq!(join(receive(), pass).await.0.unwrap().message, message);
        let close = async { bench.queue.close() };
        assert_eq!(join(receive(), close).await.0, None);
    });
    assert_eq!(bench.queue.len(), 2);
}

#[test]
fn a_seed_fixes_the_ids_and_a_skewed_clock_shows_another_wall() {
    let (one, same) = (ManualClock::new(NOON, 1), ManualClock::new(NOON, 1));
    let other = ManualClock::new(NOON, 2);
    assert_eq!(one.fresh(), same.fresh());
    assert_ne!(one.fresh(), other.fresh());
    let late = one.skewed(-500);
    one.advance(100);
    assert_eq!(one.now(), NOON.plus(100));
    assert_eq!(one.now().since(late.now()), 500);
    assert_eq!(late.monotonic_ms(), 100);
    one.set_wall(NOON);
    assert_eq!((one.now(), one.monotonic_ms()), (NOON, 100));
}

#[test]
fn a_sleeper_that_is_dropped_is_forgotten() {
    let clock = ManualClock::new(NOON, 1);
    let mut long = Box::pin(clock.sleep(50));
    assert!(long.as_mut().now_or_never().is_none());
    assert_eq!(clock.next_wake_ms(), Some(50));
    drop(long);
    assert_eq!(clock.next_wake_ms(), None);
}
