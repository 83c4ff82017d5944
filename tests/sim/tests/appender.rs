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

/// In a process that serves several messages at once: one that owns its data.
fn run(traffic: Traffic) -> Report {
    let case = case();
    let mut scenario = Scenario {
        local: true,
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
    let ended_ms = run(Traffic::Plain).ended_ms;
    assert!(ended_ms < CALL_MS / 4, "{ended_ms}");
}

#[test]
fn messages_that_come_twice_cost_no_commit() {
    let puts = |report: Report| {
        let appends = report.calls.iter().filter(|kind| **kind == Kind::Append);
        appends.count()
    };
    assert_eq!(puts(run(Traffic::Plain)), puts(run(Traffic::Duplicated)));
}

/// Whoever has done its share hands the run on, and does not hear its own message.
#[test]
fn a_run_is_handed_on_to_the_next_hand() {
    let steps = (0..6).map(|step| (NAMES[step as usize], ask("write", step + 1)));
    let ops = steps.chain([("end", end(json!("done")))]).collect();
    let world = || World::new(json!({})).calling(|_, _, _| succeed("written"));
    let case = Case::new("handed_on", program("handed_on", ops), world).unwrap();
    let scenario = Scenario {
        local: true,
        workers: 1,
        chain: 1,
        ..Scenario::of(&case)
    };
    let report = simulate(&case, &scenario);
    assert_eq!(report.breaches, [], "{scenario}");
    let receives = report.calls.iter().filter(|kind| **kind == Kind::Receive);
    let receives = receives.count();
    assert!(receives <= 2 * NAMES.len(), "{receives}");
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
