//! What can go wrong on the way to AWS does not change what is stored, and is said as it is.

use crate::bench::{Place, runtime, settings};
use crate::patient::Patient;
use lattice_aws::faults::{Fault, Faults};
use lattice_aws::{AwsStore, Clients, Http};
use lattice_journal::RunStatus;
use lattice_model::{Hash, Seq};
use lattice_ports::memory::MemoryStore;
use lattice_ports::suites::compare_stores;
use lattice_ports::suites::queue_bench::message;
use lattice_ports::suites::sample::{Chain, head, item, run};
use lattice_ports::{
    Appended, Blobs, Inbox, InboxPut, Keys, PortError, Put, RunIndex, RunLog, StageQueue,
};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

struct Faulty {
    place: Place,
    clients: Clients,
    faults: Faults,
}

impl Faulty {
    /// Clients that make so many attempts, and to which nothing happens yet.
    async fn new(attempts: u32, faults: Faults) -> Self {
        let http = Http::with_faults(faults.clone());
        Self {
            place: Place::new().await,
            clients: Clients::new(&settings(attempts), http),
            faults,
        }
    }

    fn store(&self) -> AwsStore {
        self.place.store_of(&self.clients)
    }

    /// The same place, and nothing goes wrong.
    fn clean(&self) -> AwsStore {
        self.place.store()
    }
}

fn start(number: u64) -> Put {
    let commit = Chain::new(run(number)).seal("start", 1);
    Put {
        start_key: Some(format!("k{number}")),
        head: Some(head(&run(number), 1, RunStatus::Queued, None)),
        ..Put::of(commit)
    }
}

fn unavailable<T: std::fmt::Debug>(answer: Result<T, PortError>) -> String {
    match answer {
        Err(error @ PortError::Unavailable { .. }) => error.to_string(),
        other => panic!("not a reason to wait: {other:?}"),
    }
}

/// A seventh of all requests goes wrong; whoever asks again hears what the store in memory says.
#[test]
fn a_store_among_faults_answers_as_the_one_in_memory() {
    runtime().block_on(async {
        let mut seen = BTreeSet::new();
        for (seed, attempts) in [(1, 1), (2, 1), (3, 1), (4, 3)] {
            let faulty = Faulty::new(attempts, Faults::seeded(seed, 150)).await;
            let patient = Patient {
                faulty: faulty.store(),
                clean: faulty.clean(),
            };
            compare_stores(&MemoryStore::new(), &patient, seed, 250).await;
            seen.extend(faulty.faults.happened());
        }
        for operation in ["PutItem", "TransactWriteItems"] {
            for fault in Fault::ALL {
                assert!(
                    seen.contains(&(operation.to_owned(), fault)),
                    "{operation} {fault:?}"
                );
            }
        }
    });
}

/// A request that did nothing says so, and nothing is there.
#[test]
fn what_did_not_happen_is_a_reason_to_wait() {
    use Fault::{Conflict, Internal, Throttled, TimedOut, Unreachable};
    runtime().block_on(async {
        let faulty = Faulty::new(1, Faults::none()).await;
        let store = faulty.store();
        for (operation, put) in [
            ("PutItem", Put::of(Chain::new(run(1)).seal("one", 1))),
            ("TransactWriteItems", start(1)),
        ] {
            for fault in [Throttled, Conflict, Unreachable, TimedOut, Internal] {
                faulty.faults.next(operation, fault);
                let text = unavailable(store.append(put.clone()).await);
                assert!(text.starts_with("the table did not answer"), "{text}");
                let stored = faulty.clean().load(&run(1), Seq::FIRST).await.unwrap();
                assert_eq!(stored, [], "{operation} {fault:?}");
            }
        }
        assert_eq!(faulty.clean().run_of_key("k1").await.unwrap(), None);
        assert_eq!(store.append(start(1)).await.unwrap(), Appended::Written);
    });
}

/// The SDK does not ask again about a transaction that met another one: the driver decides.
#[test]
fn short_trouble_is_ridden_out_and_a_conflict_is_told() {
    runtime().block_on(async {
        let faulty = Faulty::new(3, Faults::none()).await;
        let store = faulty.store();
        let pairs = [
            [Fault::Throttled, Fault::Internal],
            [Fault::Unreachable, Fault::TimedOut],
        ];
        for (number, pair) in (1..).zip(pairs) {
            for fault in pair {
                faulty.faults.next("TransactWriteItems", fault);
            }
            let answer = store.append(start(number)).await;
            assert_eq!(answer.unwrap(), Appended::Written, "{number}");
        }
        faulty.faults.next("TransactWriteItems", Fault::Conflict);
        unavailable(store.append(start(3)).await);
        assert_eq!(faulty.faults.happened().len(), 5);
        let counted = faulty.clients.counter().snapshot();
        assert_eq!(counted.calls_of("dynamodb.TransactWriteItems"), 7);
    });
}

/// A lost answer never leads to a second commit: the next put meets its own.
#[test]
fn a_put_whose_answer_was_lost_meets_its_own_commit() {
    runtime().block_on(async {
        let alone = Put::of(Chain::new(run(1)).seal("one", 2));
        let mut chain = Chain::new(run(2));
        chain.follow(&start(2).commit);
        let folding = Put {
            folds: vec![item(&run(2), "i", "yes").id],
            ..Put::of(chain.seal("fold", 1))
        };
        let faulty = Faulty::new(1, Faults::none()).await;
        let store = faulty.store();
        store.put_item(item(&run(2), "i", "yes")).await.unwrap();
        for (operation, put) in [
            ("PutItem", alone),
            ("TransactWriteItems", start(2)),
            ("TransactWriteItems", folding),
        ] {
            faulty.faults.next(operation, Fault::AnswerLost);
            unavailable(store.append(put.clone()).await);
            let own = Appended::Taken((*put.commit).clone());
            assert_eq!(store.append(put.clone()).await.unwrap(), own);
        }
        assert_eq!(store.unread(&run(2), 9).await.unwrap(), []);
    });
}

/// The SDK's own repeat of a put meets the commit of the first; that of a transaction carries the
/// first one's token, and is told that it was done.
#[test]
fn a_repeat_below_the_port_is_no_second_write() {
    runtime().block_on(async {
        for fault in [Fault::AnswerLost, Fault::Twice] {
            let faulty = Faulty::new(3, Faults::none()).await;
            let store = faulty.store();
            let alone = Put::of(Chain::new(run(1)).seal("one", 2));
            faulty.faults.next("PutItem", fault);
            let own = Appended::Taken((*alone.commit).clone());
            assert_eq!(store.append(alone).await.unwrap(), own, "{fault:?}");
            faulty.faults.next("TransactWriteItems", fault);
            let answer = store.append(start(2)).await.unwrap();
            assert_eq!(answer, Appended::Written, "{fault:?}");
            assert_eq!(store.load(&run(2), Seq::FIRST).await.unwrap().len(), 1);
        }
    });
}

/// An item that was put is known, whatever its writer heard.
#[test]
fn an_item_whose_answer_was_lost_is_known() {
    runtime().block_on(async {
        let faulty = Faulty::new(1, Faults::none()).await;
        let (store, answer) = (faulty.store(), item(&run(1), "i", "yes"));
        faulty.faults.next("UpdateItem", Fault::AnswerLost);
        unavailable(store.put_item(answer.clone()).await);
        assert_eq!(store.unread(&run(1), 9).await.unwrap(), []);
        faulty.faults.next("PutItem", Fault::AnswerLost);
        unavailable(store.put_item(answer.clone()).await);
        assert_eq!(
            store.put_item(answer.clone()).await.unwrap(),
            InboxPut::Known
        );
        assert_eq!(store.unread(&run(1), 9).await.unwrap(), [answer]);
    });
}

/// A row that was written by a request whose answer was lost is not written again.
#[test]
fn a_row_whose_answer_was_lost_stands() {
    runtime().block_on(async {
        let faulty = Faulty::new(1, Faults::none()).await;
        let (store, row) = (faulty.store(), head(&run(1), 3, RunStatus::Running, None));
        faulty.faults.next("PutItem", Fault::AnswerLost);
        unavailable(store.put_head(row.clone()).await);
        assert!(!store.put_head(row.clone()).await.unwrap());
        assert_eq!(store.head(&run(1)).await.unwrap(), Some(row));
    });
}

/// The bucket and the queue say the same.
#[test]
fn other_services_are_waited_for_as_well() {
    runtime().block_on(async {
        let faulty = Faulty::new(1, Faults::none()).await;
        let store = faulty.store();
        let value = Arc::new(json!({"large": true}));
        let hash = Hash::of_json(&value);
        for fault in Fault::ALL
            .into_iter()
            .filter(|fault| *fault != Fault::Twice)
        {
            faulty.faults.next("PutObject", fault);
            let text = unavailable(store.put_blob(hash, Arc::clone(&value)).await);
            assert!(text.starts_with("the bucket did not answer"), "{text}");
        }
        let queue = faulty.clients.queue(faulty.place.queue(60).await);
        for fault in [Fault::Throttled, Fault::Unreachable, Fault::AnswerLost] {
            faulty.faults.next("SendMessage", fault);
            let text = unavailable(queue.send(message(1), 0).await);
            assert!(text.starts_with("the queue did not answer"), "{text}");
        }
        // At least once: the message whose answer was lost is there, and so is its repeat.
        queue.send(message(1), 0).await.unwrap();
        for _ in 0..2 {
            let delivery = queue.receive_within(1).await.unwrap().unwrap();
            assert_eq!(delivery.message, message(1));
        }
        assert_eq!(queue.receive_within(0).await.unwrap(), None);
    });
}
