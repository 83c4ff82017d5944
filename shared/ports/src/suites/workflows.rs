//! Documents and Programs: immutable under their hashes; the version put last is the newest.

use super::sample::{NOON, program};
use crate::{PortError, StoredWorkflow, Workflows};
use lattice_model::limits::DOCUMENT_BYTES_MAX;
use lattice_model::{Hash, WorkflowId};
use std::sync::Arc;

fn workflow(id: &str, document: &str) -> StoredWorkflow {
    StoredWorkflow {
        id: WorkflowId::new(id),
        name: format!("The {id}"),
        version: Hash::of(document.as_bytes()),
        program: Hash::of(b"a program"),
        stored_at: NOON,
        document: Arc::from(document),
    }
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
    assert_eq!(store.workflow(&WorkflowId::new("w")).await.unwrap(), None);
    assert_eq!(store.workflows().await.unwrap(), []);
}

/// The newest version is the one that was put last, an older one that was put again included.
pub async fn the_version_that_was_put_last_is_the_newest(store: impl Workflows) {
    let large = "x".repeat(DOCUMENT_BYTES_MAX);
    let again = StoredWorkflow {
        stored_at: NOON.plus(5),
        ..workflow("w", "one")
    };
    for version in [
        workflow("w", "one"),
        workflow("w", "two"),
        again,
        workflow("w", &large),
    ] {
        store.put_workflow(version.clone()).await.unwrap();
        store.put_workflow(workflow("other", "one")).await.unwrap();
        assert_eq!(store.workflow(&version.id).await.unwrap(), Some(version));
    }
}

/// The list has each workflow once, at its newest version.
pub async fn workflows_are_listed_by_id(store: impl Workflows) {
    for (id, document) in [("b", "1"), ("c", "1"), ("a", "1"), ("c", "2"), ("b", "1")] {
        store.put_workflow(workflow(id, document)).await.unwrap();
    }
    let expected = [workflow("a", "1"), workflow("b", "1"), workflow("c", "2")];
    assert_eq!(store.workflows().await.unwrap(), expected);
}
