//! Shapes of choices: by condition, by value, without a way, with ways that meet again.

use super::Shape;
use super::build::{ask, assign, choice, end, equal, eval, program, way, when, with_variables};
use crate::oracle::world::World;
use lattice_ir::{Choice, OpKind, Program};
use lattice_model::OpId;
use serde_json::json;

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        Shape::new("if_true", branching("if_true"), || {
            World::new(json!({ "score": 7 }))
        }),
        Shape::new("if_false", branching("if_false"), || {
            World::new(json!({ "score": 3 }))
        }),
        switch(),
        no_way(),
        failing_test(),
        diamond(),
    ]
}

fn branching(name: &str) -> Program {
    let branch = OpKind::Choice(Choice {
        otherwise: Some(way("false", 2)),
        ..choice(vec![when("in.score > 5 && vars.open", "true", 1)])
    });
    let ops = vec![
        ("check", branch),
        (
            "praise",
            ask("{{nodes.check.output}}: praise {{in.score}}", 3),
        ),
        (
            "console",
            ask("{{nodes.check.output}}: console {{in.score}}", 4),
        ),
        ("end", end(json!({ "praise": "{{nodes.praise.output}}" }))),
        (
            "end-2",
            end(json!({ "comfort": "{{nodes.console.output}}" })),
        ),
    ];
    with_variables(program(name, ops), json!({ "open": true }))
}

fn switch() -> Shape {
    let target = "{{in.order.size}}";
    let arms = vec![
        // A text is not the number that it spells.
        equal(target, json!("3"), "branch-0", 1),
        equal(target, json!(2), "branch-1", 2),
        equal(target, json!(3), "branch-2", 3),
        equal(target, json!(3), "branch-3", 4),
    ];
    let switch = OpKind::Choice(Choice {
        otherwise: Some(way("default", 4)),
        ..choice(arms)
    });
    let ops = vec![
        ("switch", switch),
        ("text", ask("text", 5)),
        ("two", ask("two", 5)),
        ("three", ask("three", 5)),
        ("other", ask("other", 5)),
        ("end", end(json!("{{nodes.switch.output}}"))),
    ];
    let world = || World::new(json!({ "order": { "size": 3 } }));
    Shape::new("switch", program("switch", ops), world)
}

fn no_way() -> Shape {
    let ops = vec![
        ("write", ask("about {{in.score}}", 1)),
        (
            "check",
            OpKind::Choice(choice(vec![when("in.score > 5", "high", 2)])),
        ),
        ("end", end(json!({}))),
    ];
    let world = || World::new(json!({ "score": 5 }));
    Shape::new("no_way", program("no_way", ops), world)
}

fn failing_test() -> Shape {
    let first = OpKind::Choice(Choice {
        otherwise: Some(way("false", 3)),
        on_error: Some(OpId(1)),
        ..choice(vec![when("in.score > 5", "high", 3)])
    });
    let second = OpKind::Choice(Choice {
        otherwise: Some(way("false", 3)),
        ..choice(vec![
            equal(
                "{{nodes.first.output.error.kind}}",
                json!("limit"),
                "limit",
                3,
            ),
            equal("{{nodes.nobody.output}}", json!(1), "nobody", 3),
        ])
    });
    let ops = vec![
        ("first", first),
        ("note", ask("{{nodes.first.output.error.kind}}", 2)),
        ("second", second),
        ("end", end(json!({}))),
    ];
    let world = || World::new(json!({ "score": "high" }));
    Shape::new("failing_test", program("failing_test", ops), world)
        .noted("a text is compared with a number: caught; a node has no output: not caught")
}

fn diamond() -> Shape {
    let split = OpKind::Choice(Choice {
        otherwise: Some(way("right", 2)),
        keeps_port: false,
        ..choice(vec![when("size(in.items) == 2", "left", 1)])
    });
    let both = json!({ "count": "{{in.items[1]}}", "way": "{{vars.way}}" });
    let ops = vec![
        ("split", split),
        (
            "left",
            assign("way", Some(json!("left of {{in.items[0]}}")), 3),
        ),
        ("right", assign("way", Some(json!("right")), 3)),
        ("join", OpKind::Eval(eval(both, 4))),
        ("write", ask("{{nodes.join.output}}", 5)),
        (
            "end",
            end(json!([
                "{{nodes.join.output.way}}",
                "{{nodes.write.output}}"
            ])),
        ),
    ];
    let world = || World::new(json!({ "items": [1, 2] }));
    Shape::new("diamond", program("diamond", ops), world)
}
