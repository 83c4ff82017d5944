//! Concurrent writes share a sync of the disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use futures::future::join_all;
use lattice_local::{LocalOptions, LocalStore};
use lattice_ports::suites::sample::{Chain, run};
use lattice_ports::{Appended, Put, RunLog};

#[test]
fn concurrent_commits_share_a_transaction_and_a_loser_does_not_undo_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path(), &LocalOptions::default()).unwrap();
    let before = store.write_counts();
    let puts = (0..200_u64).map(|nth| {
        // Every tenth wants the place of the one before it.
        let number = if nth % 10 == 9 { nth - 1 } else { nth };
        store.append(Put::of(Chain::new(run(number)).seal(&nth.to_string(), 1)))
    });
    let answers = block_on(join_all(puts));
    let written = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(Appended::Written)))
        .count();
    assert_eq!(written, 180);
    let counts = store.write_counts();
    assert_eq!(counts.commits - before.commits, 180);
    assert_eq!(counts.writes - before.writes, 200);
    assert!(counts.groups - before.groups < 50, "{counts:?}");
}
