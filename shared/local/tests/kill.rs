//! A process that is killed loses nothing that it acknowledged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use lattice_journal::Tail;
use lattice_local::{LocalOptions, LocalStore};
use lattice_model::{RunId, Seq};
use lattice_ports::suites::sample::{Chain, head, run};
use lattice_ports::{Appended, Put, RunIndex, RunLog};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const CHILD: &str = "LATTICE_TEST_CHILD_DIR";
const RUNS: u64 = 16;
const ROUNDS: u64 = 4;

#[test]
fn all_that_was_acknowledged_before_a_kill_is_there_after_it() {
    if let Ok(dir) = std::env::var(CHILD) {
        return child(&dir);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged: BTreeMap<RunId, u64> = BTreeMap::new();
    for round in 0..ROUNDS {
        let lines = 300 + 400 * round as usize;
        for (number, last) in killed_after(lines, dir.path()) {
            let seen = acknowledged.entry(run(number)).or_default();
            *seen = last.max(*seen);
        }
        let store = LocalStore::open(dir.path(), &LocalOptions::default()).unwrap();
        for (run, last) in &acknowledged {
            let commits = block_on(store.load(run, Seq::FIRST)).unwrap();
            let tail = commits
                .iter()
                .try_fold(Tail::empty(run.clone()), |tail, c| tail.follow(c));
            assert!(tail.unwrap().last().get() >= *last, "{run} lost events");
            let row = block_on(store.head(run)).unwrap().unwrap();
            assert_eq!(row.seq, Seq::FIRST, "the row came with the first commit");
        }
    }
    assert!(acknowledged.len() as u64 == RUNS, "{acknowledged:?}");
}

/// Lets a child write until it has acknowledged so many commits, and kills it in the middle of it.
fn killed_after(lines: usize, dir: &std::path::Path) -> Vec<(u64, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "all_that_was_acknowledged_before_a_kill_is_there_after_it",
            "--nocapture",
        ])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut seen = Vec::new();
    for line in output.lines() {
        // The last line may be cut by the kill; what it says was then not acknowledged.
        let line = line.unwrap();
        let words = line
            .strip_prefix("wrote ")
            .and_then(|rest| rest.strip_suffix(" ."));
        let numbers = words.and_then(|words| words.split_once(' '));
        seen.extend(numbers.map(|(run, last)| (run.parse().unwrap(), last.parse().unwrap())));
        if seen.len() == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(
        seen.len() >= lines,
        "the child ended by itself after {} commits",
        seen.len()
    );
    seen
}

/// What the test does in the process that it starts.
fn child(dir: &str) {
    let store = LocalStore::open(dir.as_ref(), &LocalOptions::default()).unwrap();
    std::thread::scope(|scope| {
        for number in 0..RUNS {
            let store = &store;
            scope.spawn(move || block_on(write(store, number)));
        }
    });
}

/// Goes on where the last child was killed, for ever.
async fn write(store: &LocalStore, number: u64) {
    use lattice_journal::RunStatus::Running;
    let mut chain = Chain::new(run(number));
    for commit in store.load(&run(number), Seq::FIRST).await.unwrap() {
        chain.follow(&commit);
    }
    for nth in 0_u64.. {
        let commit = chain.next(&format!("{number}.{nth}"), 1 + nth as usize % 3);
        let first = commit.first == Seq::FIRST;
        let head = first.then(|| head(&run(number), 1, Running, None));
        let put = Put {
            head,
            ..Put::of(commit)
        };
        assert_eq!(store.append(put).await.unwrap(), Appended::Written);
        let mut out = std::io::stdout().lock();
        writeln!(out, "wrote {number} {} .", chain.last()).unwrap();
        out.flush().unwrap();
    }
}
