//! What each operation costs: requests, counted exactly, and what is billed for the dearest.

use crate::bench::{Place, runtime};
use lattice_aws::{AwsStore, Unit};
use lattice_journal::{Head, RunStatus};
use lattice_model::{Hash, InboxId, RunId, Seq, Tenant, TriggerId, WorkflowId};
use lattice_ports::suites::queue_bench::message;
use lattice_ports::suites::sample::{
    Chain, NOON, head, item, program, run, summary, tenant, workflow,
};
use lattice_ports::{
    Appended, Blobs, Checkpoint, Expect, Inbox, Put, RunFilter, RunIndex, RunLog, StageQueue,
    Triggers, Workflows,
};
use serde_json::json;
use std::sync::Arc;

struct Till {
    place: Place,
    store: AwsStore,
}

impl Till {
    async fn new() -> Self {
        let place = Place::new().await;
        let store = place.store();
        Self { place, store }
    }

    /// What was asked since the last time: `dynamodb.PutItem 1`, in the order of the names.
    fn paid(&self) -> Vec<String> {
        let counted = self.place.clients.counter().reset();
        let named = counted.calls.into_iter();
        named
            .map(|(name, count)| format!("{name} {count}"))
            .collect()
    }
}

fn checkpoint(run: RunId, seq: u64, bytes: usize) -> Checkpoint {
    let body: Arc<[u8]> = vec![b'x'; bytes].into();
    Checkpoint {
        run,
        seq: Seq::from_stored(seq),
        hash: Hash::of(&body),
        body,
    }
}

/// The log: one write for a commit, alone or not, and one query for what is new.
#[test]
fn a_commit_is_one_write_and_a_read_one_query() {
    runtime().block_on(async {
        let till = Till::new().await;
        let (store, mut chain) = (&till.store, Chain::new(run(1)));
        let start = Put {
            start_key: Some("k".to_owned()),
            head: Some(head(&run(1), 2, RunStatus::Queued, Some(NOON))),
            ..Put::of(chain.next("start", 2))
        };
        store.append(start.clone()).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.TransactWriteItems 1"]);
        store.append(start).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.TransactWriteItems 1"]);
        let other = Put {
            start_key: Some("k".to_owned()),
            ..Put::of(Chain::new(run(2)).seal("start", 1))
        };
        assert_eq!(
            store.append(other).await.unwrap(),
            Appended::KeyTaken(run(1))
        );
        assert_eq!(till.paid(), ["dynamodb.TransactWriteItems 1"]);
        let (winner, loser) = (chain.seal("winner", 3), chain.seal("loser", 1));
        for commit in [&winner, &loser] {
            store.append(Put::of(commit.clone())).await.unwrap();
            assert_eq!(till.paid(), ["dynamodb.PutItem 1"]);
        }
        chain.follow(&winner);
        let end = Put {
            summary: Some(summary(&run(1), 6)),
            head: Some(head(&run(1), 6, RunStatus::Failed, None)),
            ..Put::of(chain.next("end", 1))
        };
        store.append(end).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.TransactWriteItems 1"]);
        store.load(&run(1), Seq::FIRST).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.Query 1"]);
        // From the end of a commit on; from inside one; at the end of the log.
        for (after, queries) in [(0, 1), (2, 1), (3, 2), (6, 2)] {
            store
                .page(&run(1), Seq::from_stored(after), 100)
                .await
                .unwrap();
            assert_eq!(
                till.paid(),
                [format!("dynamodb.Query {queries}")],
                "{after}"
            );
        }
    });
}

/// A row that is newer than the commit's own does not keep the commit from being written.
#[test]
fn a_row_that_was_overtaken_costs_a_second_transaction() {
    runtime().block_on(async {
        let till = Till::new().await;
        let newer = head(&run(1), 9, RunStatus::Running, None);
        till.store.put_head(newer.clone()).await.unwrap();
        till.paid();
        let put = Put {
            head: Some(head(&run(1), 1, RunStatus::Queued, None)),
            ..Put::of(Chain::new(run(1)).seal("one", 1))
        };
        assert_eq!(till.store.append(put).await.unwrap(), Appended::Written);
        assert_eq!(till.paid(), ["dynamodb.TransactWriteItems 2"]);
        assert_eq!(till.store.head(&run(1)).await.unwrap(), Some(newer));
    });
}

/// Checkpoints, rows, the inbox.
#[test]
fn what_stands_beside_the_log_is_one_request_each() {
    runtime().block_on(async {
        let till = Till::new().await;
        let store = &till.store;
        store
            .put_checkpoint(checkpoint(run(1), 1, 100))
            .await
            .unwrap();
        assert_eq!(till.paid(), ["dynamodb.PutItem 1"]);
        store.checkpoint(&run(1)).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.GetItem 1"]);
        store
            .put_checkpoint(checkpoint(run(1), 2, 400_000))
            .await
            .unwrap();
        assert_eq!(till.paid(), ["dynamodb.PutItem 1", "s3.PutObject 1"]);
        store
            .put_head(head(&run(1), 1, RunStatus::Waiting, Some(NOON)))
            .await
            .unwrap();
        assert_eq!(till.paid(), ["dynamodb.PutItem 1"]);
        store.head(&run(1)).await.unwrap();
        store.summary(&run(1)).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.GetItem 2"]);
        store
            .defer(&run(1), Seq::FIRST, NOON, NOON.plus(9))
            .await
            .unwrap();
        assert_eq!(till.paid(), ["dynamodb.UpdateItem 1"]);
        store.put_item(item(&run(1), "i", "yes")).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.PutItem 1", "dynamodb.UpdateItem 1"]);
        store.unread(&run(1), 9).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.Query 1"]);
        store
            .fingerprint(&run(1), &InboxId::new("i"))
            .await
            .unwrap();
        assert_eq!(till.paid(), ["dynamodb.GetItem 1"]);
        store.bury(&run(1), &[InboxId::new("i")]).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.UpdateItem 1"]);
    });
}

/// Lists ask each of their shards once.
#[test]
fn a_list_is_a_query_for_each_shard() {
    runtime().block_on(async {
        let till = Till::new().await;
        let store = &till.store;
        for number in 0..20 {
            let row: Head = head(&run(number), 1, RunStatus::Waiting, Some(NOON));
            store.put_head(row).await.unwrap();
        }
        till.paid();
        let filter = RunFilter {
            tenant: Some(tenant("sample")),
            limit: 10,
            ..RunFilter::default()
        };
        assert_eq!(store.heads(filter.clone()).await.unwrap().len(), 10);
        assert_eq!(till.paid(), ["dynamodb.Query 4"]);
        let status = Some(RunStatus::Waiting);
        store
            .heads(RunFilter {
                status,
                ..filter.clone()
            })
            .await
            .unwrap();
        assert_eq!(till.paid(), ["dynamodb.Query 4"]);
        store
            .heads(RunFilter {
                tenant: None,
                ..filter
            })
            .await
            .unwrap();
        assert_eq!(till.paid(), ["dynamodb.Scan 1"]);
        assert_eq!(store.due(NOON, 50).await.unwrap().len(), 20);
        assert_eq!(till.paid(), ["dynamodb.Query 8"]);
        store.runs_with_unread(50).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.Query 8"]);
        let none = Tenant::local();
        store.workflows(&none, None, 9).await.unwrap();
        store.triggers(Some(&none), None, None, 9).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.Query 8"]);
    });
}

/// Workflows, Programs, blobs.
#[test]
fn a_document_is_an_object_and_a_row() {
    runtime().block_on(async {
        let till = Till::new().await;
        let (store, local, id) = (&till.store, Tenant::local(), WorkflowId::new("w"));
        let version = |document| workflow(&local, "w", document);
        store
            .put_workflow(version("one"), Expect::Absent)
            .await
            .unwrap();
        let write = [
            "dynamodb.GetItem 1",
            "dynamodb.TransactWriteItems 1",
            "s3.PutObject 1",
        ];
        assert_eq!(till.paid(), write);
        store
            .put_workflow(version("two"), Expect::Absent)
            .await
            .unwrap();
        assert_eq!(till.paid(), ["dynamodb.GetItem 1"]);
        store
            .put_workflow(version("two"), Expect::Anything)
            .await
            .unwrap();
        assert_eq!(till.paid(), write);
        store.workflow(&local, &id, None).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.GetItem 1", "s3.GetObject 1"]);
        let older = Some(version("one").row.version);
        store.workflow(&local, &id, older).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.GetItem 2", "s3.GetObject 1"]);
        store.versions(&local, &id, 9).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.GetItem 1", "dynamodb.Query 1"]);
        store
            .delete_workflow(&local, &id, Expect::Anything)
            .await
            .unwrap();
        let removal = [
            "dynamodb.DeleteItem 2",
            "dynamodb.GetItem 1",
            "dynamodb.Query 1",
            "dynamodb.UpdateItem 1",
        ];
        assert_eq!(till.paid(), removal);
        let (value, flow) = (Arc::new(json!([1])), Arc::new(program("p")));
        store
            .put_blob(Hash::of_json(&value), Arc::clone(&value))
            .await
            .unwrap();
        store
            .put_program(flow.hash().unwrap(), Arc::clone(&flow))
            .await
            .unwrap();
        assert_eq!(till.paid(), ["s3.PutObject 2"]);
        store.blob(Hash::of_json(&value)).await.unwrap();
        store.program(flow.hash().unwrap()).await.unwrap();
        assert_eq!(till.paid(), ["s3.GetObject 2"]);
        store.trigger(&TriggerId::new("tr_a")).await.unwrap();
        assert_eq!(till.paid(), ["dynamodb.GetItem 1"]);
    });
}

/// A small commit is billed as one write, a large one by the kilobyte; a message as one request.
#[test]
fn what_is_billed_is_counted() {
    runtime().block_on(async {
        let till = Till::new().await;
        let counter = till.place.clients.counter();
        let mut chain = Chain::new(run(1));
        for nth in 0..10 {
            let put = Put::of(chain.next(&format!("c{nth}"), 1));
            till.store.append(put).await.unwrap();
        }
        assert_eq!(counter.reset().units_of(Unit::TableWrites), 10.0);
        let large = chain.seal_text("large", 10_000);
        till.store.append(Put::of(large)).await.unwrap();
        assert_eq!(counter.reset().units_of(Unit::TableWrites), 11.0);
        till.store.load(&run(1), Seq::FIRST).await.unwrap();
        let reads = counter.reset().units_of(Unit::TableReads);
        assert!((4.0..6.0).contains(&reads), "{reads}");
        let queue = till.place.clients.queue(till.place.queue(60).await);
        queue.send(message(1), 0).await.unwrap();
        let delivery = queue.receive_within(1).await.unwrap().unwrap();
        queue.ack(&delivery.receipt).await.unwrap();
        let counted = counter.reset();
        assert_eq!(counted.units_of(Unit::QueueRequests), 3.0);
        assert_eq!(counted.calls_to("sqs"), 3);
    });
}
