//! Concurrent writes share a sync of the disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use futures::future::join_all;
use lattice_local::{LocalOptions, LocalStore};
use lattice_model::Seq;
use lattice_ports::suites::sample::{Chain, run};
use lattice_ports::{Appended, Put, RunLog};
use std::time::Instant;

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

/// Processor time of this process so far, which a busy machine does not distort as it does time.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks = |place: usize| fields[place].parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// What the store does with the engine's pattern and no engine; printed beside the floor.
#[test]
#[ignore = "a measurement: cargo test --release -p lattice-local -- --ignored throughput --nocapture"]
fn throughput() {
    const RUNS: u64 = 6_000;
    let dir = tempfile::tempdir_in(".").unwrap();
    for concurrency in [1, 8, 64] {
        let runs = RUNS * concurrency / 64;
        let data = dir.path().join(concurrency.to_string());
        let store = LocalStore::open(&data, &LocalOptions::default()).unwrap();
        let idle = cpu_s();
        let floor = lattice_local::floor::floor(&data, runs, concurrency, 11).unwrap();
        let floor_cpu_us = (cpu_s() - idle) * 1e6 / floor.commits as f64;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let chains: Vec<Vec<_>> = (0..runs)
            .map(|number| {
                let mut chain = Chain::new(run(number));
                (0..11).map(|_| chain.next("0123456789abcdef", 4)).collect()
            })
            .collect();
        let chains = std::sync::Arc::new(chains);
        let (began, idle) = (Instant::now(), cpu_s());
        runtime.block_on(async {
            let workers = (0..concurrency).map(|worker| {
                let (store, chains) = (store.clone(), std::sync::Arc::clone(&chains));
                tokio::spawn(async move {
                    for chain in chains
                        .iter()
                        .skip(worker as usize)
                        .step_by(concurrency as usize)
                    {
                        for commit in chain {
                            store.append(Put::of(commit.clone())).await.unwrap();
                        }
                    }
                })
            });
            join_all(workers).await;
        });
        let seconds = began.elapsed().as_secs_f64();
        let counts = store.write_counts();
        let cpu_us = (cpu_s() - idle) * 1e6 / counts.commits as f64;
        println!(
            "c={concurrency}: {:.0} commits/s in groups of {:.1}, {cpu_us:.1} us of processor each; \
             floor {:.0} commits/s, p50 {:.2} ms, {floor_cpu_us:.1} us",
            counts.commits as f64 / seconds,
            counts.writes as f64 / counts.groups as f64,
            floor.commits_per_s,
            floor.p50_ms,
        );
        let began = Instant::now();
        runtime.block_on(async {
            for number in 0..runs.min(2_000) {
                let commits = store.load(&run(number), Seq::FIRST).await.unwrap();
                assert_eq!(commits.len(), 11);
            }
        });
        let each = began.elapsed().as_secs_f64() * 1e6 / runs.min(2_000) as f64;
        println!("  load of 11 commits: {each:.0} us");
    }
}
