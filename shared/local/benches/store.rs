//! What the store does with the engine's pattern of writes and no engine, beside the floor:
//! `cargo bench -p lattice-local`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::future::join_all;
use lattice_journal::Commit;
use lattice_local::floor::floor;
use lattice_local::{LocalOptions, LocalStore};
use lattice_model::Seq;
use lattice_ports::suites::sample::{Chain, run};
use lattice_ports::{Put, RunLog};
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Runtime;

const RUNS: u64 = 6_000;
const COMMITS: usize = 11;

fn main() {
    // Not in the temporary directory, which is often memory and then syncs for nothing.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).build().unwrap();
    for concurrency in [1, 8, 64] {
        let runs = RUNS * concurrency / 64;
        let data = dir.path().join(concurrency.to_string());
        let store = LocalStore::open(&data, &LocalOptions::default()).unwrap();
        let bare = measured(|| floor(&data, runs, concurrency, COMMITS as u64).unwrap()).1;
        let chains: Arc<Vec<_>> = Arc::new((0..runs).map(chain).collect());
        let before = store.write_counts();
        let full = measured(|| runtime.block_on(write(&store, &chains, concurrency))).1;
        let (counts, commits) = (store.write_counts(), (runs * COMMITS as u64) as f64);
        println!(
            "{concurrency} at a time, groups of {:.1}",
            (counts.writes - before.writes) as f64 / (counts.groups - before.groups) as f64,
        );
        for (name, cost) in [("floor", bare), ("store", full)] {
            let (a_second, cpu_us) = (commits / cost.wall_s, cost.cpu_s * 1e6 / commits);
            println!("  {name}: {a_second:.0} commits/s, {cpu_us:.1} us of processor each");
        }
        let loads = measured(|| load(&runtime, &store, runs)).1;
        println!(
            "  load of a run: {:.0} us",
            loads.wall_s * 1e6 / runs as f64
        );
    }
}

fn chain(number: u64) -> Vec<Commit> {
    let mut chain = Chain::new(run(number));
    (0..COMMITS)
        .map(|_| chain.next("0123456789abcdef", 4))
        .collect()
}

async fn write(store: &LocalStore, chains: &Arc<Vec<Vec<Commit>>>, concurrency: u64) {
    let workers = (0..concurrency as usize).map(|worker| {
        let (store, chains) = (store.clone(), Arc::clone(chains));
        tokio::spawn(async move {
            for commit in chains
                .iter()
                .skip(worker)
                .step_by(concurrency as usize)
                .flatten()
            {
                store.append(Put::of(commit.clone())).await.unwrap();
            }
        })
    });
    for worker in join_all(workers).await {
        worker.unwrap();
    }
}

fn load(runtime: &Runtime, store: &LocalStore, runs: u64) {
    runtime.block_on(async {
        for number in 0..runs {
            let commits = store.load(&run(number), Seq::FIRST).await.unwrap();
            assert_eq!(commits.len(), COMMITS);
        }
    });
}

struct Cost {
    wall_s: f64,
    cpu_s: f64,
}

fn measured<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (began, cpu_began_s) = (Instant::now(), cpu_s());
    let done = work();
    let cost = Cost {
        wall_s: began.elapsed().as_secs_f64(),
        cpu_s: cpu_s() - cpu_began_s,
    };
    (done, cost)
}

/// Processor time of this process so far, which a busy machine does not distort as it does time.
/// The 14th and 15th field of proc(5)'s `stat`, in hundredths of a second; nothing elsewhere.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}
