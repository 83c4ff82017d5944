//! Shapes of maps whose batches are runs of their own. Only a few of their items do anything costly.

use super::Shape;
use super::build::{
    ask, choice, delay, end, eval, gather, join, map, program, question, split, way, when,
    with_variables,
};
use super::families::HOUR_MS;
use super::maps::{around, broken, world};
use lattice_ir::{Choice, JoinPolicy, Map, Merge, OpKind, Program, Timer};
use lattice_model::OpId;
use serde_json::{Value, json};

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        batch_runs(),
        batch_paused(),
        batch_calls(),
        batch_fails(),
        batch_fails_uncaught(),
        batch_goes_on(),
        batch_asks(),
        batch_sleeps(),
        batch_in_any("batch_in_any", ask("of {{in.topic}}", 5)),
        batch_in_any(
            "batch_left_at_once",
            OpKind::Eval(eval(json!("{{in.topic}}"), 5)),
        )
        .noted("the join is decided by the decision that calls the batches"),
    ]
}

/// So many items, each of which knows its place.
fn items(count: u32) -> Value {
    (0..count).map(|place| json!({ "n": place })).collect()
}

/// A body in which the items for which this holds go to the op behind it, the others nowhere.
fn some(test: &str, ops: Vec<(&'static str, OpKind)>) -> Vec<(&'static str, OpKind)> {
    let pick = Choice {
        otherwise: Some(way("no", 1)),
        keeps_port: false,
        ..choice(vec![when(test, "yes", 3)])
    };
    let mut body = vec![("pick", OpKind::Choice(pick))];
    body.extend(ops);
    body
}

fn two_at_once(map: &mut Map) {
    (map.batch_size, map.batches_at_once) = (9, 2);
}

/// Nothing costly: what an item sees of the run above.
fn batch_runs() -> Shape {
    let ops = vec![
        ("title", ask("a title for {{in.topic}}", 1)),
        (
            "m",
            OpKind::Map(Map {
                batch_size: 9,
                batches_at_once: 2,
                ..map(items(18), 3, 2)
            }),
        ),
        ("m.gather", gather(1, &map(items(0), 3, 2), 5)),
        (
            "see",
            OpKind::Eval(eval(json!(["{{item.n}}", "{{index}}", "{{vars.seen}}"]), 4)),
        ),
        (
            "note",
            super::build::assign("seen", Some(json!("{{nodes.title.output}} {{index}}")), 2),
        ),
        ("after", OpKind::Eval(eval(json!("{{vars.seen}}"), 6))),
        (
            "end",
            end(json!(["{{nodes.m.output}}", "{{nodes.after.output}}"])),
        ),
    ];
    let program = with_variables(
        program("batch_runs", ops),
        json!({ "seen": "-", "other": 1 }),
    );
    Shape::new("batch_runs", program, world)
}

fn batch_paused() -> Shape {
    let body = vec![("see", OpKind::Eval(eval(json!("{{index}}"), 1)))];
    let program = around("batch_paused", items(17), body, |map, _| {
        (map.batch_size, map.pause_ms) = (9, HOUR_MS);
    });
    Shape::new("batch_paused", program, world)
        .noted("the second batch waits for the first one, and for the hour")
}

fn batch_calls() -> Shape {
    let body = some(
        "index == 3 || index == 10",
        vec![("a", ask("{{item.n}} {{index}}", 1))],
    );
    let program = around("batch_calls", items(17), body, |map, _| two_at_once(map));
    Shape::new("batch_calls", program, world)
}

/// One item fails at once while one of the other batch sleeps for a day.
fn failing(name: &str, change: impl FnOnce(&mut Map, u32)) -> Program {
    let pick = Choice {
        otherwise: Some(way("no", 1)),
        keeps_port: false,
        ..choice(vec![
            when("index == 12", "fails", 3),
            when("index == 4", "sleeps", 4),
        ])
    };
    let body = vec![
        ("pick", OpKind::Choice(pick)),
        ("a", ask("{{item.n}}", 1)),
        ("nap", OpKind::Wait(delay(Timer::After(24 * HOUR_MS), 1))),
    ];
    around(name, items(20), body, |map, to| {
        two_at_once(map);
        change(map, to);
    })
}

fn batch_fails() -> Shape {
    let program = failing("batch_fails", |map, to| map.on_error = Some(OpId(to)));
    let world = || world().calling(broken(&["a[12]"]));
    Shape::new("batch_fails", program, world)
        .noted("the batch that sleeps is cancelled, the third one never begins")
}

fn batch_fails_uncaught() -> Shape {
    let program = failing("batch_fails_uncaught", |_, _| {});
    let world = || world().calling(broken(&["a[12]"]));
    Shape::new("batch_fails_uncaught", program, world)
}

fn batch_goes_on() -> Shape {
    let program = failing("batch_goes_on", |map, _| map.goes_on = true);
    let world = || world().calling(broken(&["a[12]"]));
    Shape::new("batch_goes_on", program, world)
}

fn batch_asks() -> Shape {
    let body = some(
        "index == 2 || index == 5 || index == 12",
        vec![(
            "which",
            OpKind::Wait(question("Keep {{index}}?", &["Yes", "No"], 1)),
        )],
    );
    let program = around("batch_asks", items(17), body, |map, _| two_at_once(map));
    let world = || {
        world()
            .answering("which[2]", &[json!("Yes")])
            .answering("which[5]", &[json!("Perhaps"), json!("No")])
            .answering("which[12]", &[json!("No")])
    };
    Shape::new("batch_asks", program, world)
        .noted("both batches ask by the same node, one of them twice at once")
}

fn batch_sleeps() -> Shape {
    let body = some(
        "index == 0 || index == 16",
        vec![("nap", OpKind::Wait(delay(Timer::After(HOUR_MS), 1)))],
    );
    let program = around("batch_sleeps", items(17), body, |map, _| map.batch_size = 9);
    Shape::new("batch_sleeps", program, world)
}

/// A map in a branch that loses: its batches are cancelled.
fn batch_in_any(name: &'static str, other: OpKind) -> Shape {
    let first = Map {
        batch_size: 9,
        batches_at_once: 2,
        ..map(items(17), 3, 2)
    };
    let gathers = gather(1, &first, 5);
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 4], 5))),
        ("m", OpKind::Map(first)),
        ("m.gather", gathers),
        ("nap", OpKind::Wait(delay(Timer::After(24 * HOUR_MS), 2))),
        ("other", other),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::Quorum { needed: 1 }, Merge::First, 6)),
        ),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    Shape::new(name, program(name, ops), world)
}
