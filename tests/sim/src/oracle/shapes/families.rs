//! Shapes of runs that call runs: whose end is taken, caught and not, waited for, left behind.

use super::Shape;
use super::build::{ask, bounded, choice, delay, end, invoke, program, question, way, when};
use crate::oracle::world::{World, fail, succeed};
use lattice_ir::{Choice, Invoke, OpKind, Program, Timer};
use lattice_journal::FailureKind;
use lattice_model::{OpId, limits};
use serde_json::json;

pub(super) const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

pub(super) fn shapes() -> Vec<Shape> {
    let mut all = plain();
    all.extend([
        child_asks(),
        child_rests(),
        two_levels(),
        child_too_deep(),
        child_times_out(),
        grandchild_left(),
        large_child(),
        child_in_loop(),
    ]);
    all
}

pub(super) fn world() -> World {
    World::new(json!({ "topic": "rain" }))
}

/// One call and an end.
pub(super) fn poet() -> Program {
    let ops = vec![
        ("verse", ask("a verse on {{in.of}}", 1)),
        ("poem-end", end(json!({ "poem": "{{nodes.verse.output}}" }))),
    ];
    program("poet", ops)
}

/// A rest of three days before its call.
pub(super) fn dreamer() -> Program {
    let ops = vec![
        ("sleep", OpKind::Wait(delay(Timer::After(3 * DAY_MS), 1))),
        ("dream", ask("a dream of {{in.of}}", 2)),
        ("dream-end", end(json!("{{nodes.dream.output}}"))),
    ];
    program("dreamer", ops)
}

pub(super) fn of_topic(callee: &Program, next: u32) -> Invoke {
    invoke(callee, json!({ "of": "{{in.topic}}" }), next)
}

/// A failure goes to the op there, whose node says which.
fn or(invoke: Invoke, on_error: u32) -> Invoke {
    let on_error = Some(OpId(on_error));
    Invoke { on_error, ..invoke }
}

/// A call, a run, a call, and two ends: the second one is for failures.
fn around(name: &'static str, called: Invoke) -> Program {
    let ops = vec![
        ("first", ask("about {{in.topic}}", 1)),
        ("child", OpKind::Invoke(called)),
        ("last", ask("praise {{nodes.child.output.poem}}", 3)),
        ("end", end(json!("{{nodes.last.output}}"))),
        (
            "end-2",
            end(json!({ "sorry": "{{nodes.child.output.error.kind}}" })),
        ),
    ];
    let mut program = program(name, ops);
    let is_caught = matches!(
        &program.ops[1].kind,
        OpKind::Invoke(invoke) if invoke.on_error.is_some() || invoke.on_timeout.is_some()
    );
    if !is_caught {
        program.ops.pop();
        program.nodes.retain(|node, _| node.as_str() != "end-2");
    }
    program
}

fn plain() -> Vec<Shape> {
    let (child, refusing) = (poet(), || {
        world().calling(|stage, _, prompt| match stage {
            "verse" => fail(FailureKind::Refused),
            _ => succeed(format!("{stage}({prompt})")),
        })
    });
    let picky = Program {
        input: Some(json!({ "type": "object", "required": ["by"] })),
        ..poet()
    };
    let lost = Program {
        lifetime_ms: limits::LIFETIME_MS_MAX - 1,
        ..poet()
    };
    let only = vec![
        ("child", OpKind::Invoke(of_topic(&child, 1))),
        ("end", end(json!("{{nodes.child.output.poem}}"))),
    ];
    vec![
        Shape::new(
            "child_done",
            around("child_done", of_topic(&child, 2)),
            world,
        )
        .calling([poet()]),
        Shape::new("child_only", program("child_only", only), world).calling([poet()]),
        Shape::new(
            "child_caught",
            around("child_caught", or(of_topic(&child, 2), 4)),
            refusing,
        )
        .calling([poet()]),
        Shape::new(
            "child_uncaught",
            around("child_uncaught", of_topic(&child, 2)),
            refusing,
        )
        .calling([poet()]),
        Shape::new(
            "child_unfit",
            around("child_unfit", or(of_topic(&picky, 2), 4)),
            world,
        )
        .calling([picky])
        .noted("the input is not what the child asks for, so no run of it begins"),
        Shape::new(
            "child_missing",
            around("child_missing", or(of_topic(&lost, 2), 4)),
            world,
        )
        .noted("the Program is not in the store"),
    ]
}

/// A draft, a question about it, and what becomes of the answer.
pub(super) fn asker() -> Program {
    program(
        "asker",
        vec![
            ("draft", ask("a draft on {{in.of}}", 1)),
            (
                "which",
                OpKind::Wait(question("Send {{nodes.draft.output}}?", &["Yes", "No"], 2)),
            ),
            ("mend", ask("mend: {{nodes.which.output.label}}", 3)),
            ("asker-end", end(json!({ "poem": "{{nodes.mend.output}}" }))),
        ],
    )
}

fn child_asks() -> Shape {
    let child = asker();
    let world = || world().answering("which", &[json!("Maybe"), json!("No")]);
    Shape::new(
        "child_asks",
        around("child_asks", of_topic(&child, 2)),
        world,
    )
    .calling([child])
    .noted("the first answer is refused; both are given to the run above")
}

fn child_rests() -> Shape {
    let child = program(
        "napper",
        vec![
            ("nap", OpKind::Wait(delay(Timer::After(HOUR_MS), 1))),
            ("verse", ask("a verse on {{in.of}}", 2)),
            (
                "napper-end",
                end(json!({ "poem": "{{nodes.verse.output}}" })),
            ),
        ],
    );
    let called = Invoke {
        timeout_ms: Some(3 * DAY_MS),
        ..of_topic(&child, 2)
    };
    Shape::new("child_rests", around("child_rests", called), world).calling([child])
}

/// A Program that only calls another one, and hands its output on.
fn passing(name: &'static str, callee: &Program) -> Program {
    let below = invoke(callee, json!({ "of": "{{in.of}}" }), 1);
    let ops = vec![
        ("below", OpKind::Invoke(below)),
        ("passing-end", end(json!("{{nodes.below.output}}"))),
    ];
    program(name, ops)
}

fn two_levels() -> Shape {
    let leaf = poet();
    let middle = program(
        "middle",
        vec![
            ("title", ask("a title for {{in.of}}", 1)),
            (
                "below",
                OpKind::Invoke(invoke(&leaf, json!({ "of": "{{nodes.title.output}}" }), 2)),
            ),
            (
                "middle-end",
                end(json!({ "poem": "{{nodes.below.output.poem}}" })),
            ),
        ],
    );
    Shape::new(
        "two_levels",
        around("two_levels", of_topic(&middle, 2)),
        world,
    )
    .calling([leaf, middle])
}

fn child_too_deep() -> Shape {
    const NAMES: [&str; 9] = ["d9", "d8", "d7", "d6", "d5", "d4", "d3", "d2", "d1"];
    let mut below = vec![poet()];
    for name in NAMES {
        let callee = below[below.len() - 1].clone();
        below.push(passing(name, &callee));
    }
    let callee = below[below.len() - 1].clone();
    let root = around("child_too_deep", or(of_topic(&callee, 2), 4));
    Shape {
        heavy: true,
        ..Shape::new("child_too_deep", root, world)
            .calling(below)
            .noted("the eighth run below the root may not call another one")
    }
}

fn child_times_out() -> Shape {
    let dreamer = dreamer();
    let called = Invoke {
        timeout_ms: Some(HOUR_MS),
        on_timeout: Some(OpId(4)),
        ..of_topic(&dreamer, 2)
    };
    Shape::new("child_times_out", around("child_times_out", called), world).calling([dreamer])
}

fn grandchild_left() -> Shape {
    let dreamer = dreamer();
    let middle = passing("passing", &dreamer);
    let called = Invoke {
        timeout_ms: Some(HOUR_MS),
        ..or(of_topic(&middle, 2), 2)
    };
    let ops = vec![
        ("child", OpKind::Invoke(called)),
        (
            "last",
            ask("never mind {{nodes.child.output.error.kind}}", 2),
        ),
        ("rest", OpKind::Wait(delay(Timer::After(5 * DAY_MS), 3))),
        ("end", end(json!("{{nodes.child.output.error.kind}}"))),
    ];
    let mut program = program("grandchild_left", ops);
    if let OpKind::Invoke(invoke) = &mut program.ops[0].kind {
        (invoke.next, invoke.on_error) = (OpId(2), Some(OpId(1)));
    }
    Shape::new("grandchild_left", program, world)
        .calling([dreamer, middle])
        .noted("the run goes on for longer than the one that it left would have dreamt")
}

/// Two visits that each call a run of their own, and a third one too many.
fn child_in_loop() -> Shape {
    let again = Choice {
        otherwise: Some(way("false", 2)),
        keeps_port: false,
        ..choice(vec![when("in.topic == 'rain'", "true", 0)])
    };
    let ops = vec![
        ("child", OpKind::Invoke(or(of_topic(&poet(), 1), 3))),
        ("again", OpKind::Choice(again)),
        ("end", end(json!("{{nodes.child.output.poem}}"))),
        (
            "end-2",
            end(json!({ "sorry": "{{nodes.child.output.error.kind}}" })),
        ),
    ];
    let program = bounded(program("child_in_loop", ops), &[("child", 2)]);
    Shape::new("child_in_loop", program, world).calling([poet()])
}

fn large_child() -> Shape {
    let child = program(
        "scribe",
        vec![
            ("copy", ask("copy {{in.of}}", 1)),
            (
                "scribe-end",
                end(json!({ "poem": "short", "all": "{{nodes.copy.output}}{{in.of}}" })),
            ),
        ],
    );
    let ops = vec![
        ("child", OpKind::Invoke(of_topic(&child, 1))),
        ("end", end(json!({ "all": "{{nodes.child.output.all}}" }))),
    ];
    let world = || {
        let calling = |stage: &str, _, _: &str| succeed(format!("{stage} {}", "x".repeat(9_000)));
        World::new(json!({ "topic": "y".repeat(9_000) })).calling(calling)
    };
    Shape::new("large_child", program("large_child", ops), world)
        .calling([child])
        .noted("input and output are kept aside")
}
