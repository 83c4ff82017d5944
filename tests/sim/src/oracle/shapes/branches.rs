//! Shapes of splits: what each join waits for, and what may stand in a branch.

use super::Shape;
use super::build::{
    ask, ask_or, assign, call, choice, delay, end, eval, hurried, join, program, question, retry,
    split, way, when, with_variables,
};
use crate::oracle::world::{World, fail, succeed};
use lattice_ir::{Call, Choice, Join, JoinPolicy, Merge, OpKind, Program, Split, Timer, Wait};
use lattice_journal::FailureKind;
use lattice_model::OpId;
use serde_json::json;

const HOUR_MS: u64 = 3_600_000;

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        three("all_of_three", JoinPolicy::All, world),
        three("fail_fast", JoinPolicy::FailFast, world),
        three("fail_fast_broken", JoinPolicy::FailFast, second_is_refused),
        three("all_broken", JoinPolicy::All, second_is_refused),
        three("any", JoinPolicy::Quorum { needed: 1 }, world),
        three("two_of_three", JoinPolicy::Quorum { needed: 2 }, world),
        three(
            "two_of_three_broken",
            JoinPolicy::Quorum { needed: 2 },
            second_is_refused,
        ),
        unreachable(),
        caught_join(),
        nested_splits(),
        nested_losers(),
        empty_branch(),
        empty_wins(),
        choice_in_branch(),
        question_beside_call(),
        branch_in_time(),
        branch_out_of_time(),
        time_way(),
        waits_in_branches(),
        variables_in_branches(),
        sixteen_branches(),
    ]
}

fn world() -> World {
    World::new(json!({ "topic": "rain" }))
}

fn second_is_refused() -> World {
    world().calling(|stage, _, prompt| match stage {
        "second" => fail(FailureKind::Refused),
        _ => succeed(format!("{stage}({prompt})")),
    })
}

fn fan(branches: &[u32], join: u32) -> OpKind {
    OpKind::Split(split(branches, join))
}

/// Three branches of one call, a call behind them.
fn costly(policy: JoinPolicy, merge: Merge) -> Vec<(&'static str, OpKind)> {
    vec![
        ("fan", fan(&[1, 2, 3], 4)),
        ("first", ask("first of {{in.topic}}", 4)),
        ("second", ask("second of {{in.topic}}", 4)),
        ("third", ask("third of {{in.topic}}", 4)),
        ("fan.join", OpKind::Join(join(0, policy, merge, 5))),
        ("write", ask("of all: {{nodes.fan.output}}", 6)),
        ("end", end(json!("{{nodes.write.output}}"))),
    ]
}

fn three(name: &'static str, policy: JoinPolicy, world: fn() -> World) -> Shape {
    Shape::new(name, program(name, costly(policy, Merge::Collect)), world)
        .noted("three costly branches; which of them count may be a matter of time")
}

fn unreachable() -> Shape {
    let name = "quorum_unreachable";
    let policy = JoinPolicy::Quorum { needed: 3 };
    Shape::new(
        name,
        program(name, costly(policy, Merge::Collect)),
        second_is_refused,
    )
    .noted("the failure of the second ends the two others at once")
}

fn caught_join() -> Shape {
    let caught = Join {
        on_error: Some(OpId(6)),
        ..join(0, JoinPolicy::All, Merge::Collect, 5)
    };
    let ops = vec![
        ("fan", fan(&[1, 3], 4)),
        ("first", ask("first", 2)),
        ("note", assign("noted", Some(json!(true)), 4)),
        ("second", ask("second", 4)),
        ("fan.join", OpKind::Join(caught)),
        ("end", end(json!("well"))),
        (
            "excuse",
            ask("sorry: {{nodes.fan.output.error.kind}} {{vars.noted}}", 7),
        ),
        ("end-2", end(json!("{{nodes.excuse.output}}"))),
    ];
    let program = with_variables(program("caught_join", ops), json!({ "noted": false }));
    Shape::new("caught_join", program, second_is_refused)
        .noted("a failed join takes nothing over of what its branches wrote")
}

fn nested(outer: JoinPolicy, inner: JoinPolicy) -> Vec<(&'static str, OpKind)> {
    vec![
        ("outer", fan(&[1, 3], 8)),
        ("left", ask("left", 2)),
        ("left-2", ask("after {{nodes.left.output}}", 8)),
        ("before", ask("before", 4)),
        ("inner", fan(&[5, 6], 7)),
        ("inner-a", ask("a of {{nodes.before.output}}", 7)),
        ("inner-b", ask("b of {{nodes.before.output}}", 7)),
        (
            "inner.join",
            OpKind::Join(join(4, inner, Merge::Collect, 8)),
        ),
        (
            "outer.join",
            OpKind::Join(join(0, outer, Merge::Collect, 9)),
        ),
        ("end", end(json!("{{nodes.outer.output}}"))),
    ]
}

fn nested_splits() -> Shape {
    let ops = nested(JoinPolicy::All, JoinPolicy::All);
    Shape::new("nested_splits", program("nested_splits", ops), world)
        .noted("a split in a branch of a split; its branches read what stands around it")
}

fn nested_losers() -> Shape {
    let any = JoinPolicy::Quorum { needed: 1 };
    let ops = nested(any, any);
    Shape::new("nested_losers", program("nested_losers", ops), world)
        .noted("what loses may hold a split that waits for its own branches")
}

fn empty_branch() -> Shape {
    let ops = vec![
        ("fan", fan(&[2, 1], 2)),
        ("write", ask("about {{in.topic}}", 2)),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::All, Merge::Collect, 3)),
        ),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    Shape::new("empty_branch", program("empty_branch", ops), world)
}

fn empty_wins() -> Shape {
    let any = JoinPolicy::Quorum { needed: 1 };
    let ops = vec![
        ("fan", fan(&[1, 2], 2)),
        ("write", ask("about {{in.topic}}", 2)),
        ("fan.join", OpKind::Join(join(0, any, Merge::Collect, 3))),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    Shape::new("empty_wins", program("empty_wins", ops), world)
        .noted("the join is decided in the commit that splits, and the call is never made")
}

fn choice_in_branch() -> Shape {
    let check = OpKind::Choice(Choice {
        otherwise: Some(way("false", 5)),
        ..choice(vec![when("in.topic == 'rain'", "true", 2)])
    });
    let ops = vec![
        ("fan", fan(&[1, 3], 5)),
        ("check", check),
        ("wet", ask("{{nodes.check.output}}: wet", 5)),
        ("guess", ask_or("guess", 4, 4)),
        (
            "look",
            OpKind::Eval(eval(
                json!({ "kind": "{{nodes.guess.output.error.kind}}" }),
                5,
            )),
        ),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::All, Merge::DeepMerge, 6)),
        ),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    let world = || {
        world().calling(|stage, _, prompt| match stage {
            "guess" => fail(FailureKind::Auth),
            _ => succeed(format!("{stage}({prompt})")),
        })
    };
    Shape::new("choice_in_branch", program("choice_in_branch", ops), world)
        .noted("a way out of a choice leads to the join; a failure is caught within its branch")
}

fn question_beside_call() -> Shape {
    let ops = vec![
        ("fan", fan(&[1, 3], 4)),
        ("ask", OpKind::Wait(question("Which?", &["Red", "Blue"], 2))),
        ("send", ask("send {{nodes.ask.output.value}}", 4)),
        ("write", ask("about {{in.topic}}", 4)),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::All, Merge::Collect, 5)),
        ),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    let world = || world().answering("ask", &[json!("Green"), json!("Blue")]);
    let program = program("question_beside_call", ops);
    Shape::new("question_beside_call", program, world)
        .noted("the run does not wait while the other branch works")
}

/// A branch that rests for an hour and has so much time, beside one that calls.
fn hurry(name: &str, timeout_ms: u64, caught: impl Fn(Join) -> Join) -> Program {
    let hurried = hurried(split(&[1, 3], 4), 0, timeout_ms);
    let joined = caught(join(0, JoinPolicy::All, Merge::Collect, 5));
    let ops = vec![
        ("fan", OpKind::Split(hurried)),
        ("rest", OpKind::Wait(delay(Timer::After(HOUR_MS), 2))),
        ("late", ask("after the rest", 4)),
        ("write", ask("about {{in.topic}}", 4)),
        ("fan.join", OpKind::Join(joined)),
        ("end", end(json!("{{nodes.fan.output[1]}}"))),
        ("end-timeout", end(json!("{{nodes.fan.output.error.kind}}"))),
        ("end-error", end(json!("error"))),
    ];
    program(name, ops)
}

fn branch_in_time() -> Shape {
    let name = "branch_in_time";
    Shape::new(name, hurry(name, 100 * HOUR_MS, |join| join), world)
}

fn branch_out_of_time() -> Shape {
    let name = "branch_out_of_time";
    Shape::new(name, hurry(name, HOUR_MS / 2, |join| join), world)
        .noted("the branch is over in the middle of its rest, and nothing catches the join")
}

fn time_way() -> Shape {
    let name = "time_way";
    let caught = |join| Join {
        on_error: Some(OpId(7)),
        on_timeout: Some(OpId(6)),
        ..join
    };
    Shape::new(name, hurry(name, HOUR_MS / 2, caught), world)
        .noted("a join that a time-out failed takes the way of time-outs")
}

fn waits_in_branches() -> Shape {
    let ask_for_ever = OpKind::Wait(question("Well?", &[], 3));
    let nap = Wait {
        on_error: None,
        ..delay(Timer::After(20 * HOUR_MS), 3)
    };
    let ops = vec![
        ("fan", fan(&[1, 2], 3)),
        ("ask", ask_for_ever),
        ("nap", OpKind::Wait(nap)),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::All, Merge::Collect, 4)),
        ),
        ("end", end(json!({}))),
    ];
    let program = program("waits_in_branches", ops);
    Shape::new("waits_in_branches", program, world)
        .noted("nobody answers: one branch is over and the run waits with the other")
}

fn variables_in_branches() -> Shape {
    let ops = vec![
        ("fan", fan(&[1, 4], 7)),
        (
            "first-set",
            assign("tag", Some(json!("first of {{vars.tag}}")), 2),
        ),
        ("first", ask("{{vars.tag}}, {{vars.n}}", 3)),
        ("first-own", assign("own", Some(json!("{{vars.tag}}!")), 7)),
        ("second", ask("{{vars.tag}}, {{vars.n}}", 5)),
        (
            "second-set",
            assign("tag", Some(json!("second of {{vars.tag}}")), 6),
        ),
        ("second-drop", assign("n", None, 7)),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::All, Merge::Collect, 8)),
        ),
        ("write", ask("{{vars.tag}} {{vars.own}}", 9)),
        ("end", end(json!("{{nodes.write.output}}"))),
    ];
    let program = program("variables_in_branches", ops);
    let program = with_variables(program, json!({ "tag": "start", "n": 1 }));
    Shape::new("variables_in_branches", program, world)
        .noted("each branch sees its own writes only; a delete in one is taken over")
}

fn sixteen_branches() -> Shape {
    const NAMES: [&str; 16] = [
        "b-00", "b-01", "b-02", "b-03", "b-04", "b-05", "b-06", "b-07", "b-08", "b-09", "b-10",
        "b-11", "b-12", "b-13", "b-14", "b-15",
    ];
    let places: Vec<u32> = (1..=16).collect();
    let Split { branches, join: at } = split(&places, 17);
    let fan = OpKind::Split(Split { branches, join: at });
    let mut ops = vec![("fan", fan)];
    ops.extend(NAMES.map(|name| {
        let one = Call {
            retry: retry(3),
            ..call(name, 17)
        };
        (name, OpKind::Call(one))
    }));
    let joined = join(0, JoinPolicy::All, Merge::Last, 18);
    ops.push(("fan.join", OpKind::Join(joined)));
    ops.push(("end", end(json!("{{nodes.fan.output}}"))));
    let heavy = Shape::new("sixteen_branches", program("sixteen_branches", ops), world)
        .noted("as many branches as a split can have");
    Shape {
        heavy: true,
        ..heavy
    }
}
