//! Rules of the oracle that no shape shows alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::shapes::build::{ask, bounded, call, delay, end, eval, program, question, retry};
use super::told::{Refused, Said, SaidEnd, Told};
use super::world::{World, fail, succeed};
use super::{Outcome, explain, interpret, nobody};
use lattice_ir::{Call, Eval, OpKind, Program, Timer, Wait};
use lattice_journal::{FailureKind, RunStatus};
use lattice_model::limits::VALUE_BYTES_MAX;
use lattice_model::{BranchId, NodeId, OpId, StageId};
use serde_json::{Value, json};

fn run(ops: Vec<(&str, OpKind)>, world: World) -> Outcome {
    let program = program("case", ops);
    assert_eq!(lattice_ir::verify(&program), Ok(()));
    interpret(&program, &world)
}

/// A call that fails so often before it succeeds, and may be tried so often.
fn flaky(failures: u32, attempts_max: u32) -> Outcome {
    let flaky = OpKind::Call(Call {
        retry: retry(attempts_max),
        ..call("x", 1)
    });
    let world = World::new(json!({})).calling(move |_, before, _| match before < failures {
        true => fail(FailureKind::ProviderUnavailable),
        false => succeed("ok"),
    });
    run(vec![("flaky", flaky), ("end", end(json!({})))], world)
}

#[test]
fn attempts_are_counted_to_the_last_one() {
    assert_eq!(flaky(4, 5).status, RunStatus::Completed);
    let over = flaky(5, 5);
    assert_eq!(over.status, RunStatus::Failed);
    assert_eq!(over.calls["flaky"], 5);
    assert_eq!(flaky(1, 1).calls["flaky"], 1);
}

#[test]
fn only_a_timeout_takes_the_way_of_timeouts() {
    let outcome = |kind: FailureKind| {
        let slow = OpKind::Call(Call {
            retry: retry(1),
            on_timeout: Some(OpId(1)),
            ..call("x", 1)
        });
        let world = World::new(json!({})).calling(move |_, _, _| fail(kind));
        run(vec![("slow", slow), ("end", end(json!({})))], world)
    };
    assert_eq!(outcome(FailureKind::Timeout).status, RunStatus::Completed);
    let other = outcome(FailureKind::Network);
    let at = Some(NodeId::new("slow"));
    assert_eq!(other.failure, Some((FailureKind::Network, at)));
    assert!(other.outputs.is_empty());
}

#[test]
fn a_failure_that_says_so_is_not_tried_again() {
    let world = World::new(json!({})).calling(|_, _, _| {
        let (mut failure, usage) = fail(FailureKind::RateLimit).unwrap_err();
        failure.retryable = false;
        Err((failure, usage))
    });
    let outcome = run(vec![("one", ask("x", 1)), ("end", end(json!({})))], world);
    assert_eq!(outcome.calls["one"], 1);
}

#[test]
fn an_answer_is_kept_up_to_the_limit() {
    // The quotes count.
    for (bytes, status) in [
        (VALUE_BYTES_MAX - 2, RunStatus::Completed),
        (VALUE_BYTES_MAX - 1, RunStatus::Failed),
    ] {
        let world = World::new(json!({})).calling(move |_, _, _| succeed("x".repeat(bytes)));
        let outcome = run(vec![("one", ask("x", 1)), ("end", end(json!({})))], world);
        assert_eq!(outcome.status, status);
        assert_eq!(outcome.usage.output_tokens, 5);
    }
}

#[test]
fn a_fallback_also_stands_in_for_what_is_too_large() {
    let page = "{{in.page}}";
    let saved = OpKind::Eval(Eval {
        fallback: Some(json!("less")),
        ..eval(json!([page, page, page, page, page]), 1)
    });
    let ops = vec![
        ("saved", saved),
        ("end", end(json!("{{nodes.saved.output}}"))),
    ];
    let world = World::new(json!({ "page": "x".repeat(1024 * 1024) }));
    assert_eq!(run(ops, world).output, Some(json!("less")));
}

#[test]
fn timers_move_the_clock_forward_only() {
    let wait = |timer: Timer, next: u32| OpKind::Wait(delay(timer, next));
    let ops = vec![
        ("first", wait(Timer::After(1_000), 1)),
        (
            "past",
            wait(Timer::Until("2001-01-01T00:00:00Z".to_owned()), 2),
        ),
        ("second", wait(Timer::After(500), 3)),
        ("end", end(json!({}))),
    ];
    let world = World::new(json!({}));
    let start = world.started_at;
    let outcome = run(ops, world);
    let until = |node: &str| outcome.outputs[&NodeId::new(node)]["waitedUntil"].clone();
    assert_eq!(until("first"), json!(start.get() + 1_000));
    assert_eq!(until("past"), json!(978_307_200_000_u64));
    assert_eq!(until("second"), json!(start.get() + 1_500));
}

#[test]
fn a_secret_reaches_no_person_and_no_value() {
    let asked = |text: &str| OpKind::Wait(question(text, &[], 1));
    let kept = OpKind::Eval(eval(json!(["{{secret.KEY}}"]), 1));
    for first in [asked("{{secret.KEY}}?"), kept] {
        let world = World::new(json!({})).answering("first", &[json!("yes")]);
        let outcome = run(vec![("first", first), ("end", end(json!({})))], world);
        let at = Some(NodeId::new("first"));
        assert_eq!(outcome.failure, Some((FailureKind::Expression, at)));
    }
}

#[test]
fn a_program_that_does_not_verify_ends() {
    let round = program(
        "round",
        vec![("one", ask("x", 0)), ("end", end(Value::Null))],
    );
    let nowhere = Program {
        entry: OpId(9),
        ..round.clone()
    };
    for broken in [round, nowhere] {
        let outcome = interpret(&broken, &World::new(json!({})));
        assert_eq!(outcome.failure, Some((FailureKind::Configuration, None)));
    }
}

/// What the oracle makes of a log of a shape that says this of its branches: the end, the stages that ended, the outcomes recorded besides.
fn told<const N: usize>(shape: &str, said: [(SaidEnd, usize, u32); N]) -> Result<Outcome, Refused> {
    let mut shapes = super::shapes().into_iter();
    let shape = shapes.find(|found| found.name == shape).unwrap();
    let branches = (0..).zip(said).map(|(index, (end, ended, recorded))| {
        let said = Said {
            end,
            ended,
            recorded,
            due_at: None,
        };
        (BranchId::of(&StageId::new("fan"), index), said)
    });
    let told = Told {
        branches: branches.collect(),
        clocks_are_right: true,
    };
    explain(&shape.program, &(shape.world)(), &told, &nobody)
}

const DONE: (SaidEnd, usize, u32) = (SaidEnd::Completed, 1, 0);
const LOST: (SaidEnd, usize, u32) = (SaidEnd::Failed, 1, 0);
const CUT: (SaidEnd, usize, u32) = (SaidEnd::Cut, 0, 0);

#[test]
fn a_log_says_which_branches_were_quick_enough() {
    let third = told("two_of_three", [CUT, DONE, DONE]).unwrap();
    let output = &third.outputs[&NodeId::new("fan")];
    let right = json!([null, "second(second of rain)", "third(third of rain)"]);
    assert_eq!(*output, right);
    assert!(!third.calls.contains_key("first"));
    assert!(told("two_of_three_broken", [DONE, LOST, DONE]).is_ok());
}

#[test]
fn a_log_that_cannot_be_is_refused() {
    for (shape, said, why) in [
        // Too few for the quorum, more than it needs, or one that lost by its own rules.
        ("two_of_three", [DONE, CUT, CUT], "did not wait for `fan/1`"),
        ("two_of_three", [DONE, DONE, DONE], "before the last"),
        (
            "two_of_three_broken",
            [DONE, DONE, CUT],
            "`fan/1` should be Failed",
        ),
        (
            "two_of_three",
            [DONE, LOST, DONE],
            "`fan/1` should be Joined",
        ),
        (
            "all_of_three",
            [DONE, DONE, CUT],
            "did not wait for `fan/2`",
        ),
        (
            "fail_fast_broken",
            [DONE, CUT, DONE],
            "did not wait for `fan/1`",
        ),
        // A call that was skipped after an outcome that ends it, and after more stages than it has.
        (
            "any",
            [DONE, (SaidEnd::Cut, 0, 1), CUT],
            "`second` was skipped after 1",
        ),
        (
            "any",
            [DONE, (SaidEnd::Cut, 1, 0), CUT],
            "`fan/1` should be Joined",
        ),
        (
            "any",
            [DONE, (SaidEnd::TimedOut, 0, 0), CUT],
            "`fan/1` should be Cut",
        ),
    ] {
        let refused = told(shape, said).unwrap_err();
        assert!(refused.text.contains(why), "{shape}: {refused:?}");
        assert!(!refused.is_stuck);
    }
    let stands = told("all_of_three", [DONE, DONE, (SaidEnd::Open, 0, 0)]);
    assert!(stands.unwrap_err().is_stuck);
}

#[test]
fn a_branch_may_lose_in_any_round_of_its_loop() {
    let second = told("loop_races", [(SaidEnd::Cut, 3, 0), DONE]).unwrap();
    let path = &second.branches[&BranchId::of(&StageId::new("fan"), 0)].path;
    assert_eq!(path[..], ["draft", "judge", "again", "draft@2"]);
    assert!(second.calls.contains_key("judge") && !second.calls.contains_key("draft@2"));
    assert!(told("loop_loses", [(SaidEnd::Cut, 9, 0), DONE]).is_ok());
    for (shape, said, why) in [
        // The third judgement ends the loop, and a fourth draft is one too many.
        ("loop_races", (SaidEnd::Cut, 9, 0), "should be Joined"),
        (
            "loop_loses",
            (SaidEnd::Cut, 9, 1),
            "`draft@4` has an outcome",
        ),
        ("loop_loses", (SaidEnd::Completed, 9, 0), "should be Failed"),
    ] {
        let refused = told(shape, [said, DONE]).unwrap_err();
        assert!(refused.text.contains(why), "{shape}: {refused:?}");
    }
}

/// An op that leads to itself, three visits at most, and then on.
fn three_times(kind: OpKind, world: World) -> Outcome {
    let ops = vec![("it", kind), ("end", end(json!("{{nodes.it.output}}")))];
    let program = bounded(program("case", ops), &[("it", 3)]);
    assert_eq!(lattice_ir::verify(&program), Ok(()));
    interpret(&program, &world)
}

#[test]
fn a_lost_attempt_counts_for_its_own_visit() {
    let flaky = || {
        OpKind::Call(Call {
            retry: retry(2),
            on_error: Some(OpId(1)),
            ..call("x", 0)
        })
    };
    let world = || {
        World::new(json!({})).calling(|_, before, _| match before {
            0 => fail(FailureKind::Network),
            _ => succeed("ok"),
        })
    };
    let calls = |world: World| -> Vec<(String, u32)> {
        let outcome = three_times(flaky(), world);
        outcome.calls.into_iter().collect()
    };
    let of = |stage: &str, count: u32| (stage.to_owned(), count);
    assert_eq!(calls(world()), [of("it", 2), of("it@2", 2), of("it@3", 2)]);
    let mut lossy = world();
    lossy.lost.insert("it@2".to_owned(), 1);
    assert_eq!(calls(lossy), [of("it", 2), of("it@2", 1)]);
}

#[test]
fn an_answer_that_missed_its_visit_is_there_for_the_next() {
    let asked = || {
        OpKind::Wait(Wait {
            timer: Some(Timer::After(1_000)),
            on_timer: Some(OpId(0)),
            ..question("Well?", &[], 1)
        })
    };
    let world = || World::new(json!({})).answering("it", &[json!("yes")]);
    let path = |world: World| three_times(asked(), world).path;
    assert_eq!(path(world()), ["it", "end"]);
    let mut slow = world();
    slow.late.insert("it".to_owned());
    assert_eq!(path(slow), ["it", "it@2", "end"]);
    assert_eq!(
        path(World::new(json!({}))),
        ["it", "it@2", "it@3", "it@4"],
        "the ceiling ends it"
    );
}
