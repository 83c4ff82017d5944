//! The store, and the clock.

use crate::bench::{Place, runtime};
use lattice_aws::{AwsStore, SystemClock};
use lattice_journal::payload::{RunQueued, StageRef};
use lattice_journal::{Commit, Tail, ValueRef};
use lattice_model::limits::DAY_MS;
use lattice_model::{CommitId, Hash, OpId, RunId, Seq, StageId, Tenant, WorkflowId};
use lattice_ports::memory::MemoryStore;
use lattice_ports::suites::compare_stores;
use lattice_ports::suites::sample::{Chain, NOON, run};
use lattice_ports::{Appended, Checkpoint, Keys, PortError, Put, RunLog};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

fn with_store(check: impl AsyncFnOnce(AwsStore)) {
    runtime().block_on(async {
        let place = Place::new().await;
        check(place.store()).await;
    });
}

lattice_ports::run_store_suites!(with_store);
lattice_ports::run_suite!(triggers, with_store);
lattice_ports::run_suite!(slots, with_store);

fn with_clock(check: impl AsyncFnOnce(SystemClock)) {
    runtime().block_on(check(SystemClock::new().unwrap()));
}

lattice_ports::run_suite!(clock, with_clock);

#[test]
fn the_store_answers_as_the_one_in_memory() {
    runtime().block_on(async {
        for seed in 0..6 {
            let place = Place::new().await;
            compare_stores(&MemoryStore::new(), &place.store(), seed, 400).await;
        }
    });
}

/// The first commit of a run that may live so long.
fn queued(run: RunId, lifetime_ms: u64) -> Commit {
    let body = RunQueued {
        tenant: Tenant::local(),
        workflow: WorkflowId::new("w"),
        name: "The flow".to_owned(),
        program: Hash::of(b"a program"),
        input: ValueRef::Inline(Arc::new(json!(null))),
        variables: BTreeMap::new(),
        lifetime_ms,
        budget: None,
        limit: None,
        entry: StageRef {
            stage: StageId::new("start"),
            op: OpId(0),
            visit: None,
        },
        trigger: None,
        parent: None,
        batch: None,
    };
    let tail = Tail::empty(run);
    Commit::seal(&tail, CommitId::new("first"), NOON, vec![body.into()]).unwrap()
}

/// What is stored of a run expires by its id, so one that may outlive that is not begun.
#[test]
fn a_run_that_outlives_what_is_kept_is_refused() {
    runtime().block_on(async {
        let place = Place::new().await;
        let store = place.kept(&place.clients, 30);
        let over = Put {
            start_key: Some("k".to_owned()),
            ..Put::of(queued(run(1), 30 * DAY_MS + 1))
        };
        let error = store.append(over).await.unwrap_err();
        assert!(matches!(error, PortError::Unfit { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("31 days") && text.contains("LATTICE_KEEP_DAYS"),
            "{text}"
        );
        assert_eq!(store.run_of_key("k").await.unwrap(), None);
        assert_eq!(
            place
                .clients
                .counter()
                .snapshot()
                .calls_of("dynamodb.PutItem"),
            0
        );
        let at = Put::of(queued(run(1), 30 * DAY_MS));
        assert_eq!(store.append(at).await.unwrap(), Appended::Written);
    });
}

/// A checkpoint moves between the table and the bucket as it grows and shrinks; one whose object is
/// gone was never there.
#[test]
fn a_checkpoint_stands_where_it_fits() {
    runtime().block_on(async {
        let place = Place::new().await;
        let store = place.store();
        for (seq, bytes) in [
            (1, 10),
            (2, 300 * 1024),
            (3, 300 * 1024 + 1),
            (4, 900_000),
            (5, 10),
        ] {
            let body: Arc<[u8]> = vec![b'x'; bytes].into();
            let put = Checkpoint {
                run: run(1),
                seq: Seq::from_stored(seq),
                hash: Hash::of(&body),
                body,
            };
            assert!(store.put_checkpoint(put.clone()).await.unwrap(), "{seq}");
            assert_eq!(store.checkpoint(&run(1)).await.unwrap(), Some(put), "{seq}");
        }
        let counted = place.clients.counter().snapshot();
        assert_eq!(counted.calls_of("s3.PutObject"), 2);
        assert_eq!(counted.calls_of("s3.GetObject"), 2);
    });
}

/// Names of what is not there, and the setting that names it.
#[test]
fn a_stack_that_is_not_there_is_named() {
    runtime().block_on(async {
        let place = Place::bare();
        let store = place.store();
        let commit = Chain::new(run(1)).seal("one", 1);
        for error in [
            store.append(Put::of(commit)).await.unwrap_err(),
            store.load(&run(1), Seq::FIRST).await.unwrap_err(),
            lattice_ports::Blobs::blob(&store, Hash::of(b"x"))
                .await
                .unwrap_err(),
        ] {
            assert!(matches!(error, PortError::Missing { .. }), "{error}");
            let text = error.to_string();
            assert!(
                text.contains(&place.name) && text.contains("LATTICE_"),
                "{text}"
            );
        }
    });
}
