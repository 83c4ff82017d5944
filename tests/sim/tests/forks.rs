//! Forks in small: every shape at some of its events, and a fault at the calls of a fork.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_sim::exhaustive::{Sample, every};
use lattice_sim::forks::{every_fault, every_seq};
use lattice_sim::scenario::Case;
use lattice_sim::table::Table;

#[test]
fn a_fork_at_any_event_comes_to_the_same_and_does_nothing_twice() {
    let mut all = Table::default();
    for case in Case::all().unwrap() {
        all.merge(every_seq(&case, Sample::every(every(&case).min(9))));
    }
    assert!(all.is_clean(), "{all}");
    assert!(all.runs() > 500, "{all}");
}

#[test]
fn a_fault_at_any_call_of_a_fork_leaves_one_fork_that_goes_on() {
    for name in ["chain", "child_only", "asked_again"] {
        let table = every_fault(&Case::find(name, 0).unwrap(), Sample::ALL);
        assert!(table.is_clean(), "{table}");
        assert!(table.runs() > 20, "{table}");
    }
}
