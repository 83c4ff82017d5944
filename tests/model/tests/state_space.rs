//! The small spaces, each explored to its end, and the guards whose absence is seen there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_model::{Guard, Guards};
use lattice_model_check::configurations::{ALL, Configuration};
use lattice_model_check::explore::{Found, explore, goes_round, unseen};
use lattice_model_check::teeth;

fn small() -> impl Iterator<Item = &'static Configuration> {
    ALL.iter().filter(|one| !one.is_large)
}

fn found(one: &Configuration) -> Found {
    let found = explore(one, Guards::ALL).unwrap();
    assert!(found.broken.is_none(), "{}:\n{found}", one.name);
    let (name, states, steps) = (one.name, found.unique, found.generated);
    let table = (one.unique, one.generated);
    assert!(
        (states, steps) >= table,
        "`{name}` has {states} states and {steps} steps, the table says {table:?}: something that \
         could happen cannot happen in the model any more"
    );
    assert!(
        (states, steps) == table,
        "`{name}` has {states} states and {steps} steps, the table says {table:?}: look at what can \
         happen now that could not, then write the new counts down"
    );
    found
}

#[test]
fn every_small_space_keeps_every_rule_and_is_as_large_as_the_table_says() {
    let found: Vec<Found> = small().map(found).collect();
    assert_eq!(
        unseen(&found),
        [""; 0],
        "the spaces show all there is to see"
    );
}

/// With this, "where nothing can happen any more, the run is over or waits" says that every run ends.
#[test]
fn no_run_goes_round_for_ever() {
    for one in small().filter(|one| one.unique < 80_000) {
        assert!(
            !goes_round(&one.model(Guards::ALL).unwrap()),
            "{}",
            one.name
        );
    }
}

#[test]
fn each_guard_that_the_model_holds_is_missed_when_it_is_off() {
    let bites = teeth::all().unwrap();
    assert_eq!(bites.len() + teeth::OUTSIDE.len(), Guard::ALL.len());
    for bite in &bites {
        assert!(bite.seen.is_some(), "{bite}");
    }
}

#[test]
fn the_way_to_a_broken_rule_is_printed() {
    let one = small().next().unwrap();
    let found = explore(one, Guards::ALL.without(Guard::ConditionalPut)).unwrap();
    let text = found.to_string();
    assert!(text.contains("BROKEN: each seq is written once"), "{text}");
    assert!(
        text.contains("Receive(0)") && text.contains("Put("),
        "{text}"
    );
}
