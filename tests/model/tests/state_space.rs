//! The small spaces, each explored to its end, and the guards whose absence is seen there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_model::{Guard, Guards};
use lattice_model_check::configurations::{ALL, Configuration};
use lattice_model_check::explore::{Found, explore, explore_all, goes_round, unseen};
use lattice_model_check::teeth;

fn small() -> impl Iterator<Item = &'static Configuration> {
    ALL.iter().filter(|one| !one.is_large)
}

fn check(one: &Configuration, found: &Found) {
    assert!(found.broken.is_none(), "{}:\n{found}", one.name);
    let (name, counts) = (one.name, (found.unique, found.generated));
    let table = (one.unique, one.generated);
    assert!(
        counts.0 >= table.0 && counts.1 >= table.1,
        "`{name}` has {counts:?} states and steps, the table says {table:?}: something that could \
         happen cannot happen in the model any more"
    );
    assert!(
        counts == table,
        "`{name}` has {counts:?} states and steps, the table says {table:?}: look at what can happen \
         now that could not, then write the new counts down"
    );
}

#[test]
fn every_small_space_keeps_every_rule_and_is_as_large_as_the_table_says() {
    let spaces: Vec<_> = small().collect();
    let found = explore_all(&spaces, 2, |_, _| {}).unwrap();
    assert_eq!(found.len(), spaces.len());
    for (one, found) in &found {
        check(one, found);
    }
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
