//! What the store does when the disk is full, broken, or was tampered with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use futures::future::join_all;
use lattice_journal::ChainError;
use lattice_local::{LocalOptions, LocalStore};
use lattice_model::{Hash, Seq};
use lattice_ports::suites::sample::{Chain, run};
use lattice_ports::{Appended, Blobs, PortError, Put, RunLog};
use serde_json::json;
use std::process::Command;
use std::sync::Arc;

const CHILD: &str = "LATTICE_TEST_CHILD_DIR";

#[test]
fn a_full_store_says_so_and_goes_on_with_what_fits() {
    let dir = tempfile::tempdir().unwrap();
    let options = LocalOptions {
        bytes_max: Some(400 * 1_024),
        ..LocalOptions::default()
    };
    let store = LocalStore::open(dir.path(), &options).unwrap();
    let value = Arc::new(json!("x".repeat(1_000_000)));
    let (mut chain, hash) = (Chain::new(run(1)), Hash::of_json(&value));
    block_on(async {
        let one = chain.next("one", 1);
        // They share a group, and only the large one does not fit.
        let (large, small) = futures::join!(
            store.put_blob(hash, Arc::clone(&value)),
            store.append(Put::of(one))
        );
        let error = large.unwrap_err();
        assert!(matches!(error, PortError::Full { .. }), "{error}");
        assert!(error.to_string().contains("free some space"), "{error}");
        assert_eq!(small.unwrap(), Appended::Written);
        assert!(matches!(
            store.blob(hash).await,
            Err(PortError::Missing { .. })
        ));
        let two = chain.next("two", 1);
        assert_eq!(store.append(Put::of(two)).await.unwrap(), Appended::Written);
    });
    drop(store);
    let store = LocalStore::open(dir.path(), &LocalOptions::default()).unwrap();
    block_on(store.put_blob(hash, value)).unwrap();
    assert_eq!(block_on(store.load(&run(1), Seq::FIRST)).unwrap().len(), 2);
}

#[test]
fn a_commit_that_was_changed_on_the_disk_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path(), &LocalOptions::default()).unwrap();
    let commit = Chain::new(run(1)).seal("one", 1);
    block_on(store.append(Put::of(commit.clone()))).unwrap();
    drop(store);
    let file = rusqlite::Connection::open(dir.path().join("lattice.db")).unwrap();
    let mut body = commit.body.to_vec();
    let place = body.iter().position(|byte| *byte == b'2').unwrap();
    body[place] = b'3';
    assert_eq!(
        file.execute("UPDATE commits SET body = ?1", [body])
            .unwrap(),
        1
    );
    drop(file);
    let store = LocalStore::open(dir.path(), &LocalOptions::default()).unwrap();
    let error = block_on(store.load(&run(1), Seq::FIRST)).unwrap_err();
    assert!(
        matches!(error, PortError::Chain(ChainError::Hash { .. })),
        "{error}"
    );
}

/// Files of this process may not grow over some size, and a write that does fails as a broken disk
/// does. From then on nothing is acknowledged; the next process finds what was.
#[test]
fn after_a_failed_write_nothing_is_acknowledged_any_more() {
    if let Ok(dir) = std::env::var(CHILD) {
        return child(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    let script = "trap '' XFSZ; ulimit -f 2048; exec \"$0\" --exact \"$1\" --nocapture";
    let mut child = Command::new("sh");
    child
        .arg("-c")
        .arg(script)
        .arg(&test)
        .arg("after_a_failed_write_nothing_is_acknowledged_any_more")
        .env(CHILD, dir.path());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    let acknowledged = said
        .lines()
        .find_map(|line| line.split_once("acknowledged "))
        .unwrap()
        .1;
    let acknowledged: usize = acknowledged.trim().parse().unwrap();
    assert!(acknowledged > 0);
    let store = LocalStore::open(dir.path(), &LocalOptions::default()).unwrap();
    assert!(block_on(store.load(&run(1), Seq::FIRST)).unwrap().len() >= acknowledged);
}

/// What the test does in the process that it starts.
fn child(dir: &str) {
    let store = LocalStore::open(dir.as_ref(), &LocalOptions::default()).unwrap();
    let mut chain = Chain::new(run(1));
    let mut acknowledged = 0;
    let failed = loop {
        let commit = chain.seal_text("c", 100_000);
        match block_on(store.append(Put::of(commit.clone()))) {
            Ok(appended) => assert_eq!(appended, Appended::Written),
            Err(error) => break error,
        }
        chain.follow(&commit);
        acknowledged += 1;
        assert!(
            acknowledged < 1_000,
            "the limit on the size of files does not hold"
        );
    };
    assert!(matches!(failed, PortError::Broken { .. }), "{failed}");
    let small = || Put::of(Chain::new(run(2)).seal("small", 1));
    let refused = block_on(join_all((0..3).map(|_| store.append(small()))));
    for error in refused.into_iter().map(Result::unwrap_err) {
        assert!(
            error.to_string().contains("nothing more is written"),
            "{error}"
        );
    }
    assert!(block_on(store.load(&run(2), Seq::FIRST)).is_err());
    println!("acknowledged {acknowledged}");
}
