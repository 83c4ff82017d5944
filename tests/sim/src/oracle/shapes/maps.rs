//! Shapes of maps whose items go in the run itself: a few at once, in batches, failing, with all that
//! can stand in a body.

use super::Shape;
use super::build::{
    ask, assign, bounded, choice, delay, end, eval, gather, hurried, invoke, join, map, program,
    question, split, way, when, with_variables,
};
use super::families::{HOUR_MS, poet};
use crate::oracle::world::{World, fail, succeed};
use lattice_ir::{Choice, JoinPolicy, Map, Merge, OpKind, Program, Timer};
use lattice_journal::FailureKind;
use lattice_model::OpId;
use serde_json::{Value, json};

pub(super) fn shapes() -> Vec<Shape> {
    let mut all = paces();
    all.extend(failures());
    all.extend([
        map_in_branch(),
        map_out_of_time(),
        split_in_map(),
        loop_in_map(),
        map_asks(),
        map_scope(),
        map_calls_runs(),
        map_sleeps(),
    ]);
    all
}

pub(super) fn world() -> World {
    World::new(json!({ "topic": "rain", "items": ["a", "b", "c"] }))
}

/// The calls of these stages fail.
pub(super) fn broken(
    stages: &'static [&'static str],
) -> impl Fn(&str, u32, &str) -> lattice_ir::CallOutcome + Send + Sync + 'static {
    move |stage, _, prompt| match stages.contains(&stage) {
        true => fail(FailureKind::Refused),
        false => succeed(format!("{stage}({prompt})")),
    }
}

/// `m` and its gather at 0 and 1, the body from 2 on, and behind it the end and, if failures of the
/// map are caught, another one for those.
pub(super) fn around(
    name: &str,
    items: Value,
    body: Vec<(&'static str, OpKind)>,
    change: impl FnOnce(&mut Map, u32),
) -> Program {
    let last = 2 + body.len() as u32;
    let mut first = map(items, if body.is_empty() { 1 } else { 2 }, 1);
    change(&mut first, last + 1);
    let is_caught = first.on_error.is_some();
    let gathers = gather(0, &first, last);
    let mut ops = vec![("m", OpKind::Map(first)), ("m.gather", gathers)];
    ops.extend(body);
    ops.push(("end", end(json!({ "all": "{{nodes.m.output}}" }))));
    if is_caught {
        let sorry = json!({ "sorry": "{{nodes.m.output.error.kind}}" });
        ops.push(("end-2", end(sorry)));
    }
    program(name, ops)
}

fn listed() -> Value {
    json!("{{in.items}}")
}

fn praise() -> Vec<(&'static str, OpKind)> {
    vec![("a", ask("{{index}}: {{item}} and {{in.topic}}", 1))]
}

fn paces() -> Vec<Shape> {
    let shape = |name, items, change: fn(&mut Map, u32)| {
        Shape::new(name, around(name, items, praise(), change), world)
    };
    let five = || json!([1, 2, 3, { "n": 4 }, null]);
    let nothing = around("map_no_body", five(), Vec::new(), |map, _| {
        map.items_at_once = 2;
    });
    vec![
        shape("map_calls", listed(), |_, _| {}),
        shape("map_one_at_once", listed(), |map, _| map.items_at_once = 1),
        shape("map_two_at_once", listed(), |map, _| map.items_at_once = 2),
        shape("map_paused", five(), |map, _| {
            (map.batch_size, map.pause_ms) = (2, HOUR_MS);
        })
        .noted("the second batch waits for the first one, and for the hour"),
        shape("map_batches_at_once", five(), |map, _| {
            (map.batch_size, map.batches_at_once, map.pause_ms) = (2, 2, 1_000);
        }),
        shape("map_empty", json!([]), |_, _| {}),
        Shape::new("map_no_body", nothing, world),
    ]
}

fn failures() -> Vec<Shape> {
    let shape = |name, items, change: fn(&mut Map, u32)| {
        let world = || world().calling(broken(&["a[1]"]));
        Shape::new(name, around(name, items, praise(), change), world)
    };
    vec![
        shape("map_fails", listed(), |_, _| {}),
        shape("map_caught", listed(), |map, to| {
            (map.on_error, map.items_at_once) = (Some(OpId(to)), 2);
        }),
        shape("map_goes_on", listed(), |map, _| map.goes_on = true),
        shape("map_no_list", json!("{{in.topic}}"), |map, to| {
            map.on_error = Some(OpId(to));
        }),
        shape("map_no_list_uncaught", json!({ "a": 1 }), |_, _| {}),
    ]
}

/// A map in one branch, a call in the other one.
fn map_in_branch() -> Shape {
    let first = map(listed(), 3, 2);
    let gathers = gather(1, &first, 5);
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 4], 5))),
        ("m", OpKind::Map(first)),
        ("m.gather", gathers),
        ("a", ask("{{item}} of {{index}}", 2)),
        ("other", ask("of {{in.topic}}", 5)),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::All, Merge::Collect, 6)),
        ),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    Shape::new("map_in_branch", program("map_in_branch", ops), world)
}

/// The time of the branch is up while an item sleeps and others have not begun.
fn map_out_of_time() -> Shape {
    let first = Map {
        items_at_once: 2,
        ..map(listed(), 3, 2)
    };
    let gathers = gather(1, &first, 5);
    let fan = hurried(split(&[1, 4], 5), 0, HOUR_MS);
    let ops = vec![
        ("fan", OpKind::Split(fan)),
        ("m", OpKind::Map(first)),
        ("m.gather", gathers),
        ("nap", OpKind::Wait(delay(Timer::After(2 * HOUR_MS), 2))),
        ("other", ask("of {{in.topic}}", 5)),
        (
            "fan.join",
            OpKind::Join(lattice_ir::Join {
                on_timeout: Some(OpId(6)),
                ..join(0, JoinPolicy::All, Merge::Collect, 6)
            }),
        ),
        ("rest", OpKind::Wait(delay(Timer::After(2 * HOUR_MS), 7))),
        ("end", end(json!("{{nodes.fan.output.error.kind}}"))),
    ];
    Shape::new("map_out_of_time", program("map_out_of_time", ops), world)
}

fn split_in_map() -> Shape {
    let body = vec![
        ("fan", OpKind::Split(split(&[3, 4], 5))),
        ("left", ask("left {{item}}", 5)),
        ("right", ask("right {{index}}", 5)),
        (
            "fan.join",
            OpKind::Join(join(2, JoinPolicy::All, Merge::Collect, 1)),
        ),
    ];
    let program = around("split_in_map", json!(["x", "y"]), body, |map, _| {
        map.items_at_once = 2;
    });
    Shape::new("split_in_map", program, world)
}

/// Each item goes round until it is good: the first one at once, the second one after three rounds,
/// the third one not before its ceiling, which fails it.
fn loop_in_map() -> Shape {
    let again = Choice {
        otherwise: Some(way("again", 2)),
        keeps_port: false,
        ..choice(vec![when("nodes.a.output == 'good'", "good", 1)])
    };
    let body = vec![
        ("a", ask("try {{item}}", 3)),
        ("again", OpKind::Choice(again)),
    ];
    let made = around("loop_in_map", listed(), body, |map, _| map.goes_on = true);
    let program = bounded(made, &[("a", 3)]);
    let world = || {
        world().calling(|stage, _, _| match stage {
            "a[0]" | "a[1]@3" => succeed("good"),
            _ => succeed("bad"),
        })
    };
    Shape::new("loop_in_map", program, world)
}

fn map_asks() -> Shape {
    let body = vec![
        (
            "which",
            OpKind::Wait(question("Keep {{item}}?", &["Yes", "No"], 3)),
        ),
        ("a", ask("{{item}}: {{nodes.which.output.label}}", 1)),
    ];
    let program = around("map_asks", listed(), body, |map, _| map.items_at_once = 2);
    let world = || {
        world()
            .answering("which[0]", &[json!("Perhaps"), json!("Yes")])
            .answering("which[1]", &[json!("No")])
            .answering("which[2]", &[json!("Yes")])
    };
    Shape::new("map_asks", program, world)
        .noted("two items ask by the same node; one answer is refused")
}

/// What an item writes nobody sees but itself.
fn map_scope() -> Shape {
    let body = vec![
        (
            "note",
            assign("seen", Some(json!("{{vars.seen}}{{item}}")), 3),
        ),
        ("say", ask("{{vars.seen}} {{vars.kept}}", 4)),
        ("drop", assign("kept", None, 1)),
    ];
    let mut made = around("map_scope", listed(), body, |_, _| {});
    let unseen = lattice_ir::Eval {
        fallback: Some(json!("nothing")),
        ..eval(json!("{{nodes.say.output}}"), 6)
    };
    let last = program(
        "map_scope",
        vec![
            ("after", OpKind::Eval(unseen)),
            (
                "end-3",
                end(json!([
                    "{{vars}}",
                    "{{nodes.after.output}}",
                    "{{nodes.m.output}}"
                ])),
            ),
        ],
    );
    let OpKind::Gather(gathers) = &mut made.ops[1].kind else {
        return Shape::new("map_scope", made, world);
    };
    gathers.next = OpId(5);
    made.ops.truncate(5);
    made.nodes.retain(|node, _| node.as_str() != "end");
    made.ops.extend(last.ops);
    made.nodes.extend(last.nodes);
    let made = with_variables(made, json!({ "seen": "-", "kept": 1 }));
    Shape::new("map_scope", made, world)
}

fn map_calls_runs() -> Shape {
    let child = poet();
    let called = invoke(&child, json!({ "of": "{{item}} {{index}}" }), 1);
    let body = vec![("child", OpKind::Invoke(called))];
    let program = around("map_calls_runs", json!(["x", "y"]), body, |_, _| {});
    Shape::new("map_calls_runs", program, world).calling([poet()])
}

fn map_sleeps() -> Shape {
    let body = vec![
        ("nap", OpKind::Wait(delay(Timer::After(HOUR_MS), 3))),
        ("a", ask("{{item}}", 1)),
    ];
    let program = around("map_sleeps", listed(), body, |map, _| map.items_at_once = 2);
    Shape::new("map_sleeps", program, world)
}
