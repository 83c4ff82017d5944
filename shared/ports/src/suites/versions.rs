//! Writes of workflows that expect something to stand there: nobody overwrites what he has not seen.

use super::sample::{tenant, workflow};
use crate::{Expect, StoredWorkflow, WorkflowPut, Workflows};
use futures::future::join_all;
use lattice_model::{Hash, Tenant, WorkflowId};

fn version(document: &str) -> StoredWorkflow {
    workflow(&Tenant::local(), "w", document)
}

fn hash(document: &str) -> Hash {
    version(document).row.version
}

async fn put(store: &impl Workflows, document: &str, expect: Expect) -> WorkflowPut {
    store.put_workflow(version(document), expect).await.unwrap()
}

async fn delete(store: &impl Workflows, expect: Expect) -> WorkflowPut {
    let (local, id) = (Tenant::local(), WorkflowId::new("w"));
    store.delete_workflow(&local, &id, expect).await.unwrap()
}

/// The documents of all versions as hashes, newest first, read in all three ways.
async fn stand(store: &impl Workflows) -> Vec<Hash> {
    let (local, id) = (Tenant::local(), WorkflowId::new("w"));
    let versions = store.versions(&local, &id, 99).await.unwrap();
    let newest = store.workflow(&local, &id, None).await.unwrap();
    let listed = store.workflows(&local, None, 99).await.unwrap();
    assert_eq!(newest.map(|it| it.row).as_ref(), versions.first());
    assert_eq!(listed.first(), versions.first());
    assert!(listed.len() <= 1);
    versions.into_iter().map(|row| row.version).collect()
}

/// A write whose expectation does not hold changes nothing, and its answer is what stands there.
pub async fn a_write_that_expects_something_else_is_told_what_stands_there(store: impl Workflows) {
    use Expect::{Absent, Anything, Version};
    use WorkflowPut::{Conflict, Done};
    let (one, two) = (hash("one"), hash("two"));
    // The same id of another tenant is nobody's business here.
    let theirs = workflow(&tenant("other"), "w", "one");
    store.put_workflow(theirs, Anything).await.unwrap();
    let steps = [
        ("one", Version(one), Conflict(None), vec![]),
        ("one", Absent, Done, vec![one]),
        ("two", Absent, Conflict(Some(one)), vec![one]),
        ("two", Version(two), Conflict(Some(one)), vec![one]),
        ("two", Version(one), Done, vec![two, one]),
        // A version that is not the newest any more is not expected any more.
        ("three", Version(one), Conflict(Some(two)), vec![two, one]),
        ("one", Version(two), Done, vec![one, two]),
        ("one", Version(one), Done, vec![one, two]),
        ("two", Anything, Done, vec![two, one]),
    ];
    for (document, expect, answer, standing) in steps {
        let said = put(&store, document, expect).await;
        assert_eq!(said, answer, "{document} {expect:?}");
        assert_eq!(stand(&store).await, standing, "{document} {expect:?}");
    }
}

/// Two people who edited the same version: the second one to save is told.
pub async fn of_two_saves_of_one_version_the_second_conflicts(store: impl Workflows) {
    put(&store, "base", Expect::Absent).await;
    let seen = Expect::Version(hash("base"));
    assert_eq!(put(&store, "hers", seen).await, WorkflowPut::Done);
    let conflict = WorkflowPut::Conflict(Some(hash("hers")));
    assert_eq!(put(&store, "his", seen).await, conflict);
    assert_eq!(stand(&store).await, [hash("hers"), hash("base")]);
    let seen = Expect::Version(hash("hers"));
    assert_eq!(put(&store, "his", seen).await, WorkflowPut::Done);
}

/// Of many saves and deletes at once that expect the same, exactly one is done.
pub async fn of_many_saves_at_once_one_is_done(store: impl Workflows) {
    put(&store, "base", Expect::Absent).await;
    for (round, expect) in [Expect::Version(hash("base")), Expect::Absent]
        .iter()
        .enumerate()
    {
        let names: Vec<String> = (0..16).map(|n| format!("{round} {n}")).collect();
        let saves = names.iter().map(|name| put(&store, name, *expect));
        let answers = join_all(saves).await;
        let newest = stand(&store).await[0];
        let done: Vec<Hash> = names
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| **answer == WorkflowPut::Done)
            .map(|(name, _)| hash(name))
            .collect();
        assert_eq!(done, [newest]);
        let told = WorkflowPut::Conflict(Some(newest));
        assert_eq!(answers.iter().filter(|it| **it == told).count(), 15);
        let deletes = (0..16).map(|_| delete(&store, Expect::Version(newest)));
        let answers = join_all(deletes).await;
        let gone = answers.iter().filter(|it| **it == WorkflowPut::Done);
        assert_eq!(gone.count(), 1);
        assert_eq!(stand(&store).await, []);
    }
}

/// A delete takes every version along, if what it expects stands there, and nothing else.
pub async fn a_workflow_is_deleted_with_all_its_versions(store: impl Workflows) {
    let (local, id) = (Tenant::local(), WorkflowId::new("w"));
    let other = workflow(&local, "other", "one");
    let theirs = workflow(&tenant("other"), "w", "one");
    for kept in [&other, &theirs] {
        let put = store.put_workflow(kept.clone(), Expect::Absent).await;
        assert_eq!(put.unwrap(), WorkflowPut::Done);
    }
    for document in ["one", "two"] {
        put(&store, document, Expect::Anything).await;
    }
    let conflict = WorkflowPut::Conflict(Some(hash("two")));
    for expect in [Expect::Absent, Expect::Version(hash("one"))] {
        assert_eq!(delete(&store, expect).await, conflict);
        assert_eq!(store.versions(&local, &id, 9).await.unwrap().len(), 2);
    }
    assert_eq!(
        delete(&store, Expect::Version(hash("two"))).await,
        WorkflowPut::Done
    );
    for document in ["one", "two"] {
        let read = store.workflow(&local, &id, Some(hash(document)));
        assert_eq!(read.await.unwrap(), None);
    }
    assert_eq!(store.versions(&local, &id, 9).await.unwrap(), []);
    assert_eq!(store.workflows(&local, None, 9).await.unwrap(), [other.row]);
    let kept = store
        .workflow(&theirs.row.tenant, &theirs.row.id, None)
        .await;
    assert_eq!(kept.unwrap(), Some(theirs));
}

/// What was deleted is absent: for a save, and for another delete.
pub async fn a_deleted_workflow_can_be_stored_again(store: impl Workflows) {
    use Expect::{Absent, Anything, Version};
    use WorkflowPut::{Conflict, Done};
    assert_eq!(delete(&store, Version(hash("one"))).await, Conflict(None));
    assert_eq!(delete(&store, Absent).await, Done);
    assert_eq!(delete(&store, Anything).await, Done);
    for expect in [Absent, Anything] {
        assert_eq!(put(&store, "one", expect).await, Done);
        assert_eq!(put(&store, "two", Version(hash("one"))).await, Done);
        assert_eq!(delete(&store, Anything).await, Done);
        assert_eq!(
            put(&store, "one", Version(hash("two"))).await,
            Conflict(None)
        );
        assert_eq!(stand(&store).await, []);
    }
}
