//! Documents and Programs: immutable under their hashes; the version put last is the newest.

use super::sample::{NOON, program, tenant, workflow};
use crate::{Expect, PortError, StoredWorkflow, WorkflowPut, Workflows};
use lattice_model::limits::DOCUMENT_BYTES_MAX;
use lattice_model::{Hash, Tenant, WorkflowId};
use std::sync::Arc;

async fn put(store: &impl Workflows, workflow: StoredWorkflow) {
    let put = store.put_workflow(workflow, Expect::Anything).await;
    assert_eq!(put.unwrap(), WorkflowPut::Done);
}

/// A Program is read back; putting it again is harmless.
pub async fn a_program_is_read_back(store: impl Workflows) {
    for name in ["one", "two"] {
        let program = Arc::new(program(name));
        let hash = program.hash().unwrap();
        for _ in 0..2 {
            store.put_program(hash, Arc::clone(&program)).await.unwrap();
            assert_eq!(store.program(hash).await.unwrap(), program);
        }
    }
}

/// A Program under the hash of another is refused, and not stored.
pub async fn a_program_under_a_wrong_name_is_refused(store: impl Workflows) {
    let wrong = program("one").hash().unwrap();
    let error = store
        .put_program(wrong, Arc::new(program("two")))
        .await
        .unwrap_err();
    assert!(matches!(error, PortError::Corrupt { .. }), "{error}");
    assert!(matches!(
        store.program(wrong).await,
        Err(PortError::Missing { .. })
    ));
}

/// A hash that no Program is stored under comes back in the error.
pub async fn a_program_that_is_not_there_is_named(store: impl Workflows) {
    let hash = Hash::of(b"nothing");
    let error = store.program(hash).await.unwrap_err();
    assert!(matches!(error, PortError::Missing { .. }), "{error}");
    assert!(error.to_string().contains(&hash.to_hex()), "{error}");
}

/// A workflow that nobody stored has no version.
pub async fn an_unknown_workflow_has_no_version(store: impl Workflows) {
    let (local, id) = (Tenant::local(), WorkflowId::new("w"));
    put(&store, workflow(&local, "other", "one")).await;
    for version in [None, Some(Hash::of(b"one"))] {
        assert_eq!(store.workflow(&local, &id, version).await.unwrap(), None);
    }
    assert_eq!(store.versions(&local, &id, 9).await.unwrap(), []);
}

/// The newest version is the one that was put last, an older one that was put again included.
pub async fn the_version_that_was_put_last_is_the_newest(store: impl Workflows) {
    let local = Tenant::local();
    let large = "x".repeat(DOCUMENT_BYTES_MAX);
    let mut again = workflow(&local, "w", "one");
    again.row.stored_at = NOON.plus(5);
    for version in [
        workflow(&local, "w", "one"),
        workflow(&local, "w", "two"),
        again,
        workflow(&local, "w", &large),
    ] {
        put(&store, version.clone()).await;
        put(&store, workflow(&local, "other", "one")).await;
        let newest = store.workflow(&local, &version.row.id, None).await.unwrap();
        assert_eq!(newest, Some(version));
    }
}

/// Every version can be read by its hash and stands once in the list, newest first; one that was
/// put again moves to the front and is what was put last.
pub async fn every_version_is_kept_once(store: impl Workflows) {
    let (local, id) = (Tenant::local(), WorkflowId::new("w"));
    let of = |document, later| {
        let mut version = workflow(&local, "w", document);
        version.row.stored_at = NOON.plus(later);
        version
    };
    let puts = [
        ("one", 0),
        ("two", 9),
        ("three", 3),
        ("two", 2),
        ("two", 4),
        ("one", 1),
    ];
    for (document, later) in puts {
        put(&store, of(document, later)).await;
    }
    let stand = [of("one", 1), of("two", 4), of("three", 3)];
    for version in &stand {
        let read = store.workflow(&local, &id, Some(version.row.version));
        assert_eq!(read.await.unwrap().as_ref(), Some(version));
    }
    let unknown = Some(Hash::of(b"four"));
    assert_eq!(store.workflow(&local, &id, unknown).await.unwrap(), None);
    for limit in [0, 1, 2, 9] {
        let rows: Vec<_> = stand.iter().take(limit).map(|it| it.row.clone()).collect();
        assert_eq!(store.versions(&local, &id, limit).await.unwrap(), rows);
    }
}

/// The same id names another workflow for another tenant.
pub async fn tenants_do_not_see_each_other(store: impl Workflows) {
    let (one, two, id) = (tenant("one"), tenant("two"), WorkflowId::new("w"));
    let theirs = workflow(&two, "w", "same");
    put(&store, workflow(&one, "w", "same")).await;
    put(&store, theirs.clone()).await;
    put(&store, workflow(&one, "w", "other")).await;
    let rows = vec![theirs.row.clone()];
    assert_eq!(store.versions(&two, &id, 9).await.unwrap(), rows);
    assert_eq!(store.workflows(&two, None, 9).await.unwrap(), rows);
    let others = Some(Hash::of(b"other"));
    assert_eq!(store.workflow(&two, &id, others).await.unwrap(), None);
    assert_eq!(
        store.workflow(&two, &id, None).await.unwrap(),
        Some(theirs.clone())
    );
    assert_eq!(
        store.workflows(&tenant("three"), None, 9).await.unwrap(),
        []
    );

    let gone = store.delete_workflow(&one, &id, Expect::Anything).await;
    assert_eq!(gone.unwrap(), WorkflowPut::Done);
    assert_eq!(store.workflow(&one, &id, None).await.unwrap(), None);
    assert_eq!(store.workflow(&two, &id, None).await.unwrap(), Some(theirs));
}

/// The list has each workflow once, at its newest version; a page begins behind the one before.
pub async fn workflows_are_listed_by_id_page_by_page(store: impl Workflows) {
    let local = Tenant::local();
    assert_eq!(store.workflows(&local, None, 9).await.unwrap(), []);
    for (id, document) in [
        ("b", "1"),
        ("c", "1"),
        ("a", "1"),
        ("c", "2"),
        ("b", "1"),
        ("ab", "1"),
    ] {
        put(&store, workflow(&local, id, document)).await;
        put(&store, workflow(&tenant("other"), id, "3")).await;
    }
    let all = [("a", "1"), ("ab", "1"), ("b", "1"), ("c", "2")];
    let all = all.map(|(id, document)| workflow(&local, id, document).row);
    for (after, limit, listed) in [
        (None, 9, &all[..]),
        (None, 2, &all[..2]),
        (Some("ab"), 1, &all[2..3]),
        (Some("aa"), 9, &all[1..]),
        (Some("b"), 9, &all[3..]),
        (Some("c"), 9, &[]),
        (None, 0, &[]),
    ] {
        let after = after.map(WorkflowId::new);
        let page = store
            .workflows(&local, after.as_ref(), limit)
            .await
            .unwrap();
        assert_eq!(page, listed, "{after:?} {limit}");
    }
}
