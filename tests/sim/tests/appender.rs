//! One appender per run and process: what a second message of a run asks for, whoever is at the run
//! already does, at once and without a race for the next seq.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_ir::{JoinPolicy, Merge, OpKind};
use lattice_journal::RunStatus;
use lattice_sim::fate::Kind;
use lattice_sim::oracle::World;
use lattice_sim::oracle::shapes::build::{ask, end, join, program, question, split};
use lattice_sim::oracle::world::succeed;
use lattice_sim::report::Report;
use lattice_sim::scenario::{Case, Traffic};
use lattice_sim::{Scenario, simulate};
use serde_json::json;

/// How long the call takes; people think for four seconds.
const CALL_MS: u64 = 60_000;

/// A question beside a call, and whoever is first decides.
fn case() -> Case {
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 2], 3))),
        ("ask", OpKind::Wait(question("Which?", &["Red", "Blue"], 3))),
        ("write", ask("about the topic", 3)),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::Quorum { needed: 1 }, Merge::First, 4)),
        ),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    let world = || {
        let world = World::new(json!({})).calling(|_, _, _| succeed("written"));
        world.answering("ask", &[json!("Blue")])
    };
    Case::new("question_or_call", program("question_or_call", ops), world).unwrap()
}

fn run(local: bool, traffic: Traffic) -> Report {
    let case = case();
    let mut scenario = Scenario {
        local,
        traffic,
        workers: 1,
        ..Scenario::of(&case)
    };
    scenario.rig.stages_ms = [("write".to_owned(), CALL_MS)].into();
    let report = simulate(&case, &scenario);
    assert_eq!(report.breaches, [], "{scenario}");
    assert_eq!(report.status, Some(RunStatus::Completed));
    report
}

#[test]
fn an_answer_is_taken_while_another_branch_calls() {
    for local in [true, false] {
        let report = run(local, Traffic::Plain);
        let ended_ms = report.ended_ms;
        assert!(ended_ms < CALL_MS / 4, "{local}: {ended_ms}");
    }
}

#[test]
fn messages_that_come_twice_cost_no_commit() {
    let puts = |report: Report| {
        let appends = report.calls.iter().filter(|kind| **kind == Kind::Append);
        appends.count()
    };
    for local in [true, false] {
        let (once, twice) = (run(local, Traffic::Plain), run(local, Traffic::Duplicated));
        assert_eq!(puts(once), puts(twice), "{local}");
    }
}
