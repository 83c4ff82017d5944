//! The simulator in small: a few shapes and seeds, and every guard. `sim check` is the large form.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_ir::Program;
use lattice_model::Guard;
use lattice_sim::exhaustive::{Sample, every_point};
use lattice_sim::oracle::world::succeed;
use lattice_sim::scenario::{Case, Entry, Order, RANDOM, Regime, Traffic};
use lattice_sim::{
    Breach, BreachKind, Fate, Kind, Report, Scenario, planted, seeds, simulate, teeth,
};
use serde_json::json;

fn case(name: &str) -> Case {
    Case::find(name, 0).unwrap()
}

#[test]
fn every_shape_comes_to_what_the_oracle_says() {
    for case in Case::all().unwrap() {
        for entry in [Entry::Queue, Entry::Here] {
            let scenario = Scenario {
                entry,
                ..Scenario::of(&case)
            };
            let report = simulate(&case, &scenario);
            assert_eq!(report.breaches, [], "{scenario}");
        }
    }
}

#[test]
fn one_fault_at_every_call_breaks_no_promise() {
    let names = [
        "chain",
        "retry_then_success",
        "free_text",
        "never_twice",
        "two_of_three",
        "nested_losers",
        "time_way",
        "loop_until_good",
        "loop_races",
        "asked_again",
        "budget_waits",
        "budget_too_small",
    ];
    for name in names {
        let table = every_point(&case(name), Sample::every(3));
        assert!(table.is_clean(), "{table}");
        assert!(table.runs() > 100, "{table}");
    }
}

/// Runs that call runs: one fault at every call, a cancel of each side, and drawn faults.
#[test]
fn families_of_runs_break_no_promise() {
    for name in [
        "child_only",
        "two_levels",
        "children_in_any",
        "grandchild_left",
        "budget_of_kin",
        "budget_left_behind",
        "limited_kin",
        "limited_left",
    ] {
        let table = every_point(&case(name), Sample::every(7));
        assert!(table.is_clean(), "{table}");
        assert!(table.runs() > 100, "{table}");
    }
    for case in Case::all().unwrap().iter().filter(|case| case.has_family()) {
        let seeds = if case.has_map() { 6 } else { 20 };
        let table = seeds::run(1, seeds, &case.name).unwrap();
        assert!(table.is_clean(), "{table}");
    }
}

/// What a run hears of one that it called is held against the oracle of that one.
#[test]
fn a_child_that_came_to_something_else_is_noticed() {
    let honest = case("child_only");
    let asked = std::cell::Cell::new(0);
    let fickle = move || {
        asked.set(asked.get() + 1);
        let word = format!("world {}", asked.get());
        (honest.world)().calling(move |_, _, _| succeed(word.clone()))
    };
    let mut family = case("child_only");
    family.world = Box::new(fickle);
    let report = simulate(&family, &Scenario::of(&family));
    let texts: Vec<_> = report.breaches.iter().map(|it| &it.text).collect();
    let both = |text: &&String| text.contains("world 1") && text.contains("world 2");
    // The one that was called, and the one that took its output.
    assert_eq!(
        texts.iter().filter(|text| both(text)).count(),
        2,
        "{texts:?}"
    );
}

#[test]
fn drawn_programs_under_drawn_faults_break_no_promise_and_repeat_exactly() {
    let table = seeds::run(1, 150, RANDOM).unwrap();
    assert!(table.is_clean(), "{table}");
}

#[test]
fn the_seeds_that_once_broke_a_promise_do_so_no_more() {
    for seed in [
        101, 159, 605, 755, 57_793, 69_787, 255_151, 265_276, 298_152, 1_004_287, 1_011_997,
        1_034_599, 1_044_099, 1_547, 2_281,
    ] {
        let table = seeds::run(seed, 1, RANDOM).unwrap();
        assert!(table.is_clean(), "{table}");
    }
}

#[test]
fn each_guard_is_missed_when_it_is_off_and_only_then() {
    let bites = teeth::all().unwrap();
    assert_eq!(bites.len(), Guard::ALL.len());
    for bite in &bites {
        assert!(bite.is_caught(), "{bite}");
    }
}

#[test]
fn each_wrong_meaning_is_noticed_in_the_engine_and_in_the_oracle() {
    let found = planted::all().unwrap();
    assert_eq!(found.len(), 2 * planted::ALL.len());
    for one in &found {
        assert!(one.is_caught(), "{one}");
    }
}

/// A store that refuses for a while costs time, and no effect that was performed already.
#[test]
fn a_result_outlives_a_store_that_refuses_for_seconds() {
    let case = case("chain");
    let quiet = Scenario::of(&case);
    let calm = simulate(&case, &quiet);
    let appends = calm.calls.iter().filter(|kind| **kind == Kind::Append);
    for first in 2..=appends.count() as u64 {
        let refused = |nth| (Kind::Append, nth, Fate::Refused);
        let mut scenario = quiet.clone();
        scenario.rig.strikes = (first..first + 8).map(refused).collect();
        let report = simulate(&case, &scenario);
        assert_eq!(report.breaches, [], "{first}");
        assert_eq!(report.faults.len(), 8, "{first}");
        let paid = (report.effects, report.repeated);
        assert_eq!(paid, (calm.effects, calm.repeated), "{first}");
    }
}

/// The comparison is worth something only if it sees a run that came to something else.
#[test]
fn an_outcome_that_is_not_the_oracles_is_noticed() {
    let honest = case("chain");
    let asked = std::cell::Cell::new(0);
    // The run is told one thing and the oracle, which asks later, another.
    let fickle = move || {
        asked.set(asked.get() + 1);
        let word = format!("world {}", asked.get());
        (honest.world)().calling(move |_, _, _| succeed(word.clone()))
    };
    let program = Program::clone(case("chain").plan.program());
    let fickle = Case::new("fickle", program, fickle).unwrap();
    let report = simulate(&fickle, &Scenario::of(&fickle));
    let text = &report.breaches[0].text;
    assert!(
        text.contains("world 1") && text.contains("world 2"),
        "{text}"
    );
}

#[test]
fn the_same_seed_gives_the_same_calls_and_the_same_log() {
    let case = case("one_option");
    let run = |seed| {
        let quiet = Scenario {
            seed,
            workers: 3,
            ..Scenario::of(&case)
        };
        let (traffic, order, regime) = (Traffic::Chaos, Order::Drawn, Regime::Storm);
        simulate(
            &case,
            &Scenario {
                traffic,
                order,
                regime,
                ..quiet
            },
        )
    };
    let same = |one: &Report, two: &Report| one.trace == two.trace && one.log == two.log;
    for seed in 1..20 {
        assert!(same(&run(seed), &run(seed)), "seed {seed}");
        assert!(!same(&run(seed), &run(seed + 100)), "seed {seed}");
    }
}

#[test]
fn a_crash_costs_no_more_than_a_lease_a_rest_and_two_minutes() {
    let case = case("chain");
    let quiet = Scenario::of(&case);
    let calm = simulate(&case, &quiet);
    let bound_ms = calm.ended_ms + case.lease_ms_max() + quiet.visibility_ms + 120_000;
    for number in 1..=calm.calls.len() as u64 {
        for fate in [Fate::CrashBefore, Fate::CrashAfter] {
            let scenario = Scenario {
                crash_at: Some(number),
                fate,
                ..quiet.clone()
            };
            let report = simulate(&case, &scenario);
            assert!(report.is_clean(), "{scenario}");
            assert!(
                report.ended_ms <= bound_ms,
                "{scenario}: {} ms",
                report.ended_ms
            );
        }
    }
}

#[test]
fn a_process_that_owns_its_data_goes_on_at_once_after_a_crash() {
    let case = case("chain");
    let quiet = Scenario {
        local: true,
        ..Scenario::of(&case)
    };
    let calm = simulate(&case, &quiet);
    for number in 1..=calm.calls.len() as u64 {
        let scenario = Scenario {
            crash_at: Some(number),
            ..quiet.clone()
        };
        let report = simulate(&case, &scenario);
        // The pause before the restart, and one attempt again: no lease, no sweep.
        let lost_ms = report.ended_ms.saturating_sub(calm.ended_ms);
        assert!(
            report.is_clean() && lost_ms < 20_000,
            "{scenario}: {lost_ms} ms"
        );
    }
}

#[test]
fn a_broken_promise_is_printed_with_the_command_that_repeats_it() {
    let case = case("chain");
    let mut scenario = Scenario::of(&case);
    scenario.crash_at = Some(7);
    let mut report = simulate(&case, &scenario);
    let text = "an example".to_owned();
    report.breaches.push(Breach {
        kind: BreachKind::Lost,
        text,
    });
    let mut table = lattice_sim::table::Table::default();
    table.add("crash", &scenario, &report);
    let text = table.to_string();
    let replay =
        "cargo xtask sim --shape chain --seed 1 --crash-at 7 --fate crash-before --workers 1";
    assert!(
        text.contains(replay) && text.contains("Lost: an example"),
        "{text}"
    );
}

/// What an effect meets twice is counted: the figure that is published beside the zeros.
#[test]
fn an_effect_that_was_sent_before_a_crash_is_sent_again_under_the_same_key() {
    let case = case("chain");
    let calm = simulate(&case, &Scenario::of(&case));
    let sent = calm
        .calls
        .iter()
        .position(|kind| *kind == Kind::EffectEnd)
        .unwrap();
    let crash_at = Some(sent as u64 + 1);
    let report = simulate(
        &case,
        &Scenario {
            crash_at,
            ..Scenario::of(&case)
        },
    );
    assert!(report.is_clean());
    assert_eq!((report.effects, report.repeated), (calm.effects + 1, 1));
}

/// A receiver that honours keys does not take one round of a loop for another.
#[test]
fn each_round_of_a_loop_has_keys_of_its_own() {
    for (name, effects) in [("loop_until_good", 6), ("loop_retried", 6), ("reminded", 4)] {
        let case = case(name);
        let report = simulate(&case, &Scenario::of(&case));
        assert_eq!(report.breaches, [], "{name}");
        assert_eq!((report.effects, report.repeated), (effects, 0), "{name}");
    }
}

/// What the shapes with budgets are there for: somebody waits, and somebody is refused.
#[test]
fn a_budget_makes_branches_wait_and_calls_fail() {
    let log = |name: &str| {
        let case = case(name);
        let report = simulate(&case, &Scenario::of(&case));
        assert_eq!(report.breaches, [], "{name}");
        let outcome = report.outcome.unwrap();
        (outcome.output.unwrap(), report.effects)
    };
    // The third branch, and then the call behind the join.
    assert_eq!(log("budget_too_small"), (json!("too little"), 2));
    assert_eq!(log("budget_waits").1, 4);
    let ends = |name: &str, ms: u64| {
        let case = case(name);
        let mut scenario = Scenario::of(&case);
        scenario.rig.effect_ms = Some(10_000);
        let report = simulate(&case, &scenario);
        assert_eq!(report.breaches, [], "{name}");
        assert!(
            report.ended_ms / 10_000 == ms / 10_000,
            "{name}: {}",
            report.ended_ms
        );
    };
    // Side by side they would take one time and the last call another.
    ends("budget_waits", 30_000);
    ends("all_of_three", 20_000);
    ends("budget_of_kin", 20_000);
}

/// What the shapes with limits are there for: runs begin one after the other, and whose key is another
/// one does not wait.
#[test]
fn a_limit_makes_runs_wait_for_each_other() {
    let hours = |name: &str| {
        let case = case(name);
        let report = simulate(&case, &Scenario::of(&case));
        assert_eq!(report.breaches, [], "{name}");
        report.ended_ms / 3_600_000
    };
    assert_eq!(hours("limited_kin"), 3);
    assert_eq!(hours("limited_by_key"), 2);
    assert_eq!(hours("limited_nested"), 3);
    assert_eq!(hours("limited_times_out"), 1);
}
