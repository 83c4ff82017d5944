//! The AWS adapters keep every port's promise, over an engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;

use bench::{Place, runtime};
use lattice_aws::{AwsStore, SystemClock};
use lattice_ports::memory::MemoryStore;
use lattice_ports::suites::compare_stores;

fn with_store(check: impl AsyncFnOnce(AwsStore)) {
    runtime().block_on(async {
        let place = Place::new().await;
        check(place.store()).await;
    });
}

lattice_ports::run_store_suites!(with_store);
lattice_ports::run_suite!(triggers, with_store);

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
