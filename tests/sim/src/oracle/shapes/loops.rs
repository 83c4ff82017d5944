//! Shapes of loops: what ends them, what goes round in them, and where they may stand.

use super::Shape;
use super::build::{
    ask, ask_or, assign, bounded, call, choice, delay, end, equal, eval, jmespath, join, judging,
    program, question, retry, split, way, when, with_variables,
};
use crate::oracle::world::{World, fail, succeed};
use lattice_ir::{Call, Choice, Join, JoinPolicy, Merge, OpKind, Program, Timer, Wait};
use lattice_journal::FailureKind;
use lattice_model::OpId;
use serde_json::json;

const HOUR_MS: u64 = 3_600_000;
const LABELS: [&str; 2] = ["poor", "good"];

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        until_good(),
        to_ceiling(),
        ceiling_caught(),
        of_one(),
        nested(),
        two_entrances(),
        growing_list(),
        retried(),
        in_branch("loop_in_branch", JoinPolicy::All, third_is_good),
        in_branch(
            "loop_races",
            JoinPolicy::Quorum { needed: 1 },
            third_is_good,
        ),
        in_branch("loop_loses", JoinPolicy::Quorum { needed: 1 }, never_good),
        ceiling_fails_branch(),
        asked_again(),
        answered_ahead(),
        reminded(),
        rests(),
    ]
}

fn world() -> World {
    World::new(json!({ "topic": "rain" }))
}

/// A world whose judge finds the third draft good.
fn third_is_good() -> World {
    world().calling(|stage, _, prompt| match stage {
        "judge@3" => succeed(r#"{"label":"good"}"#),
        _ if stage.starts_with("judge") => succeed(r#"{"label":"poor"}"#),
        _ => succeed(format!("{stage}({prompt})")),
    })
}

fn never_good() -> World {
    world().calling(|stage, _, prompt| match stage.starts_with("judge") {
        true => succeed(r#"{"label":"poor"}"#),
        false => succeed(format!("{stage}({prompt})")),
    })
}

fn judge(prompt: &str, next: u32) -> OpKind {
    OpKind::Call(judging(call(prompt, next), &LABELS))
}

/// Goes back if the test holds, and on otherwise. The node's output stays what it was.
fn again(test: &str, back: u32, on: u32) -> OpKind {
    OpKind::Choice(Choice {
        otherwise: Some(way("false", on)),
        keeps_port: false,
        ..choice(vec![when(test, "true", back)])
    })
}

/// Drafts until the judge is content, at most so often.
fn drafting(name: &str, draft: OpKind, max: u32) -> Program {
    let ops = vec![
        ("draft", draft),
        ("judge", judge("judge {{nodes.draft.output}}", 2)),
        ("again", again("nodes.judge.output.label == 'poor'", 0, 3)),
        ("end", end(json!("{{nodes.draft.output}}"))),
        ("excuse", ask("sorry: {{nodes.draft.output.error.kind}}", 5)),
        ("end-2", end(json!("{{nodes.excuse.output}}"))),
    ];
    bounded(program(name, ops), &[("draft", max)])
}

fn until_good() -> Shape {
    let (name, draft) = ("loop_until_good", ask("draft of {{in.topic}}", 1));
    Shape::new(name, drafting(name, draft, 5), third_is_good)
        .noted("three rounds of five; each call of each round has a key of its own")
}

fn to_ceiling() -> Shape {
    let (name, draft) = ("loop_to_ceiling", ask("draft of {{in.topic}}", 1));
    Shape::new(name, drafting(name, draft, 2), third_is_good)
        .noted("the third round would be good, and the run fails before it")
}

fn ceiling_caught() -> Shape {
    let name = "loop_ceiling_caught";
    let draft = ask_or("draft of {{in.topic}}", 1, 4);
    Shape::new(name, drafting(name, draft, 2), third_is_good)
        .noted("the failure takes the place of the last draft")
}

fn of_one() -> Shape {
    let poll = Call {
        on_error: Some(OpId(1)),
        ..call("poll {{in.topic}}", 0)
    };
    let spin = Choice {
        on_error: Some(OpId(2)),
        ..choice(vec![when("true", "round", 1)])
    };
    let ops = vec![
        ("poll", OpKind::Call(poll)),
        ("spin", OpKind::Choice(spin)),
        (
            "end",
            end(json!([
                "{{nodes.poll.output.error.kind}}",
                "{{nodes.spin.output.error.kind}}"
            ])),
        ),
    ];
    let program = bounded(program("loop_of_one", ops), &[("poll", 3), ("spin", 40)]);
    Shape::new("loop_of_one", program, world).noted(
        "an op that leads to itself; one of them goes round more often than a commit has room",
    )
}

fn nested() -> Shape {
    let outer = again("nodes.check.output.label == 'poor'", 0, 6);
    let inner = again("nodes.judge.output.label == 'poor'", 1, 4);
    let ops = vec![
        ("plan", ask("plan", 1)),
        ("draft", ask("draft of {{nodes.plan.output}}", 2)),
        ("judge", judge("judge {{nodes.draft.output}}", 3)),
        ("inner", inner),
        ("check", judge("check {{nodes.draft.output}}", 5)),
        ("outer", outer),
        ("end", end(json!("{{nodes.draft.output}}"))),
    ];
    // Two drafts of the first plan, one of the second; the ceiling of drafts counts both.
    let world = || {
        world().calling(|stage, _, prompt| match stage {
            "judge@2" | "judge@3" | "check@2" => succeed(r#"{"label":"good"}"#),
            "judge" | "check" => succeed(r#"{"label":"poor"}"#),
            _ => succeed(format!("{stage}({prompt})")),
        })
    };
    let program = bounded(program("nested_loops", ops), &[("plan", 2), ("draft", 3)]);
    Shape::new("nested_loops", program, world)
        .noted("the inner loop goes on counting when the outer one comes round")
}

fn two_entrances() -> Shape {
    let gate = Choice {
        otherwise: Some(way("false", 1)),
        ..choice(vec![when("in.topic == 'rain'", "true", 2)])
    };
    let ops = vec![
        ("gate", OpKind::Choice(gate)),
        ("left", ask("left", 2)),
        ("right", judge("right", 3)),
        ("again", again("nodes.right.output.label == 'poor'", 1, 4)),
        (
            "end",
            end(json!(["{{nodes.left.output}}", "{{nodes.right.output}}"])),
        ),
    ];
    let world = || {
        world().calling(|stage, _, prompt| match stage {
            "right@3" => succeed(r#"{"label":"good"}"#),
            "right" | "right@2" => succeed(r#"{"label":"poor"}"#),
            _ => succeed(format!("{stage}({prompt})")),
        })
    };
    let program = bounded(program("two_entrances", ops), &[("right", 4)]);
    Shape::new("two_entrances", program, world)
        .noted("the loop is entered in its middle: its first op has a visit less than its second")
}

fn growing_list() -> Shape {
    let grown = jmespath(json!(["{{vars.list}}", ["{{nodes.word.output}}"]]), "[]", 2);
    let ops = vec![
        ("word", ask("a word behind {{vars.list}}", 1)),
        ("grow", OpKind::Eval(grown)),
        (
            "keep",
            assign("list", Some(json!("{{nodes.grow.output}}")), 3),
        ),
        ("again", again("size(vars.list) < 4", 0, 4)),
        ("end", end(json!("{{vars.list}}"))),
    ];
    let program = bounded(program("growing_list", ops), &[("keep", 9)]);
    let program = with_variables(program, json!({ "list": ["first"] }));
    Shape::new("growing_list", program, world)
        .noted("each round reads what the one before it wrote")
}

fn retried() -> Shape {
    let flaky = Call {
        retry: retry(4),
        ..call("try {{in.topic}}", 1)
    };
    let ops = vec![
        ("flaky", OpKind::Call(flaky)),
        (
            "again",
            again("!nodes.flaky.output.startsWith('flaky@3')", 0, 2),
        ),
        ("end", end(json!("{{nodes.flaky.output}}"))),
    ];
    let world = || {
        world().calling(|stage, failures, prompt| match (stage, failures) {
            ("flaky", 0) => fail(FailureKind::RateLimit),
            ("flaky@2", 0 | 1) => fail(FailureKind::Network),
            _ => succeed(format!("{stage}-{failures}({prompt})")),
        })
    };
    let program = bounded(program("loop_retried", ops), &[("again", 3)]);
    Shape::new("loop_retried", program, world)
        .noted("attempts are counted from one in each round; the ceiling stands on a choice")
}

/// A loop in one branch beside a call in the other.
fn in_branch(name: &'static str, policy: JoinPolicy, world: fn() -> World) -> Shape {
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 4], 5))),
        ("draft", ask("draft of {{in.topic}}", 2)),
        ("judge", judge("judge {{nodes.draft.output}}", 3)),
        ("again", again("nodes.judge.output.label == 'poor'", 1, 5)),
        ("write", ask("write of {{in.topic}}", 5)),
        ("fan.join", OpKind::Join(join(0, policy, Merge::Collect, 6))),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    let program = bounded(program(name, ops), &[("draft", 3)]);
    Shape::new(name, program, world).noted("a loop goes round inside one branch")
}

fn ceiling_fails_branch() -> Shape {
    let name = "ceiling_fails_branch";
    let caught = Join {
        on_error: Some(OpId(6)),
        ..join(0, JoinPolicy::FailFast, Merge::Collect, 5)
    };
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 3], 4))),
        ("note", assign("noted", Some(json!("{{vars.noted}}!")), 2)),
        ("more", ask("more {{vars.noted}}", 1)),
        ("write", ask("write of {{in.topic}}", 4)),
        ("fan.join", OpKind::Join(caught)),
        ("end", end(json!("well"))),
        (
            "end-2",
            end(json!(["{{nodes.fan.output.error.kind}}", "{{vars.noted}}"])),
        ),
    ];
    let program = bounded(program(name, ops), &[("more", 2)]);
    let program = with_variables(program, json!({ "noted": "" }));
    Shape::new(name, program, world)
        .noted("the ceiling ends the branch, and nothing of what its rounds wrote is taken over")
}

/// Asks until somebody says yes.
fn asking(name: &str, ask_kind: Wait) -> Program {
    let ops = vec![
        ("ask", OpKind::Wait(ask_kind)),
        (
            "ask.choice",
            OpKind::Choice(Choice {
                otherwise: Some(way("no", 2)),
                keeps_port: false,
                ..choice(vec![equal(
                    "{{nodes.ask.output.option}}",
                    json!(0),
                    "yes",
                    3,
                )])
            }),
        ),
        ("mend", ask("mend: {{nodes.ask.output}}", 0)),
        ("end", end(json!("{{nodes.mend.output}}"))),
    ];
    bounded(program(name, ops), &[("ask", 4)])
}

fn asked_again() -> Shape {
    let program = asking("asked_again", question("Send it?", &["Yes", "No"], 1));
    Shape::new("asked_again", program, || {
        let answers = [json!("No"), json!("Perhaps"), json!("No"), json!("Yes")];
        world().answering("ask", &answers)
    })
    .noted("each visit asks anew, a call between them; one answer is refused")
}

fn answered_ahead() -> Shape {
    let ops = vec![
        ("rest", OpKind::Wait(delay(Timer::After(24 * HOUR_MS), 1))),
        ("ask", OpKind::Wait(question("Well?", &["Yes", "No"], 2))),
        ("mend", ask("mend: {{nodes.ask.output.label}}", 3)),
        ("again", again("nodes.ask.output.option == 1", 1, 4)),
        ("end", end(json!("{{nodes.mend.output}}"))),
    ];
    let program = bounded(program("answered_ahead", ops), &[("ask", 5)]);
    let world = || {
        let answers = [
            json!("No"),
            json!("Maybe"),
            json!("No"),
            json!("Yes"),
            json!("No"),
        ];
        world().answering("ask", &answers)
    };
    Shape {
        answers_early: true,
        ..Shape::new("answered_ahead", program, world).noted(
            "all answers are there before the first visit; each visit takes one, the last is left",
        )
    }
}

fn reminded() -> Shape {
    let hurried = Wait {
        timer: Some(Timer::After(HOUR_MS)),
        on_timer: Some(OpId(2)),
        on_error: Some(OpId(3)),
        ..question("Send {{in.topic}}?", &["Yes", "No"], 1)
    };
    let world = || world().answering("ask", &[json!("No")]);
    Shape::new("reminded", asking("reminded", hurried), world).noted(
        "the first visit is answered, the others run into timers of their own, then the ceiling",
    )
}

fn rests() -> Shape {
    let nap = Wait {
        on_error: Some(OpId(2)),
        ..delay(Timer::After(HOUR_MS), 1)
    };
    let slept = eval(json!("{{nodes.look.output}}"), 3);
    let ops = vec![
        ("nap", OpKind::Wait(nap)),
        ("look", ask("look at {{in.topic}}", 0)),
        ("slept", OpKind::Eval(slept)),
        ("end", end(json!("{{nodes.slept.output}}"))),
    ];
    let program = bounded(program("loop_rests", ops), &[("nap", 3)]);
    Shape::new("loop_rests", program, world).noted("a timer for each round")
}
