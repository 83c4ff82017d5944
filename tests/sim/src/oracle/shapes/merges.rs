//! Shapes of joins that make one value of several: the order in which the branches end would change
//! each of them, if it were asked.

use super::Shape;
use super::build::{ask, assign, call, end, eval, join, judging, program, split, with_variables};
use crate::oracle::world::{World, succeed};
use lattice_ir::{Join, JoinPolicy, Merge, OpKind};
use lattice_model::OpId;
use serde_json::json;

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        overlapping("merge_collect", Merge::Collect),
        overlapping("merge_deep", Merge::DeepMerge),
        overlapping("merge_first", Merge::First),
        overlapping("merge_last", Merge::Last),
        overlapping("merge_error", Merge::Error),
        equal(),
        quorum_deep(),
    ]
}

fn world() -> World {
    World::new(json!({ "topic": "rain" }))
}

/// Two branches whose outputs and variables have keys in common.
fn overlapping(name: &'static str, merge: Merge) -> Shape {
    let caught = Join {
        on_error: Some(OpId(9)),
        ..join(0, JoinPolicy::All, merge, 8)
    };
    let one =
        json!({ "by": "first", "in": { "a": 1, "list": [1] }, "text": "{{nodes.first.output}}" });
    let two = json!({ "by": "second", "in": { "b": 2, "list": [2, 2] } });
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 4], 7))),
        ("first", ask("first", 2)),
        (
            "first-set",
            assign("both", Some(json!({ "x": 1, "y": 1 })), 3),
        ),
        ("first-made", OpKind::Eval(eval(one, 7))),
        ("second", ask("second", 5)),
        (
            "second-set",
            assign("both", Some(json!({ "y": 2, "z": 2 })), 6),
        ),
        ("second-made", OpKind::Eval(eval(two, 7))),
        ("fan.join", OpKind::Join(caught)),
        ("end", end(json!(["{{nodes.fan.output}}", "{{vars.both}}"]))),
        ("end-2", end(json!("{{nodes.fan.output.error.kind}}"))),
    ];
    let program = with_variables(program(name, ops), json!({ "both": { "x": 0 } }));
    Shape::new(name, program, world)
}

fn equal() -> Shape {
    let judge = |prompt: &str| OpKind::Call(judging(call(prompt, 4), &["wet", "dry"]));
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 2], 4))),
        ("first", judge("first")),
        ("second", assign("seen", Some(json!("yes")), 3)),
        ("second-ask", judge("second")),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::All, Merge::Error, 5)),
        ),
        ("end", end(json!("{{nodes.fan.output.label}}"))),
    ];
    let world = || world().calling(|_, _, _| succeed("{\"label\": \"wet\"}"));
    Shape::new("merge_equal", program("merge_equal", ops), world)
        .noted("the branches agree, so that there is nothing to choose between")
}

fn quorum_deep() -> Shape {
    let set = |of: &str, next| assign("last", Some(json!({ "by": of, of: true })), next);
    let two_of_three = JoinPolicy::Quorum { needed: 2 };
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 3, 5], 7))),
        ("first", ask("first", 2)),
        ("first-set", set("first", 7)),
        ("second", ask("second", 4)),
        ("second-set", set("second", 7)),
        ("third", ask("third", 6)),
        ("third-set", set("third", 7)),
        (
            "fan.join",
            OpKind::Join(join(0, two_of_three, Merge::DeepMerge, 8)),
        ),
        ("end", end(json!(["{{nodes.fan.output}}", "{{vars.last}}"]))),
    ];
    Shape::new("quorum_deep", program("quorum_deep", ops), world)
        .noted("the two that win are merged as they were drawn, not as they came")
}
