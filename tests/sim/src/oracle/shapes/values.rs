//! Shapes of values: variables, transforms, fallbacks, values large enough for the blob store and
//! one that is too large for anything.

use super::Shape;
use super::build::{ask, assign, end, eval, jmespath, jsonpath, program, with_variables};
use crate::oracle::world::{World, succeed};
use lattice_ir::{Eval, OpKind};
use lattice_model::OpId;
use lattice_model::limits::{INLINE_VALUE_BYTES_MAX, VALUE_BYTES_MAX};
use serde_json::{Value, json};

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        pure(),
        variables(),
        deleted_variable(),
        transforms(),
        fallback(),
        facts(),
        large_values(),
        too_large(),
    ]
}

fn pure() -> Shape {
    let ops = vec![
        ("copy", OpKind::Eval(eval(json!("{{in}}"), 1))),
        (
            "end",
            end(json!({ "copy": "{{nodes.copy.output}}", "n": 2 })),
        ),
    ];
    let world = || World::new(json!({ "list": [1, null, 2.5] }));
    Shape::new("pure", program("pure", ops), world).noted("no effect at all")
}

fn variables() -> Shape {
    let more = json!({ "list": ["{{vars.count}}", "{{in.n}}"], "text": "{{vars.count}}+{{in.n}}" });
    let ops = vec![
        ("count", assign("count", Some(json!("{{in.n}}")), 1)),
        ("more", assign("more", Some(more), 2)),
        ("write", ask("{{vars.more.text}} of {{vars.start}}", 3)),
        (
            "again",
            assign("count", Some(json!("{{nodes.write.output}}")), 4),
        ),
        ("look", OpKind::Eval(eval(json!("{{vars}}"), 5))),
        ("end", end(json!("{{nodes.look.output.more.list}}"))),
    ];
    let program = with_variables(
        program("variables", ops),
        json!({ "start": 10, "count": 0 }),
    );
    Shape::new("variables", program, || World::new(json!({ "n": 4 })))
}

fn deleted_variable() -> Shape {
    let ops = vec![
        (
            "set",
            assign("note", Some(json!("{{vars.note}}, {{in.n}}")), 1),
        ),
        ("write", ask("{{vars.note}}", 2)),
        ("drop", assign("note", None, 3)),
        ("read", OpKind::Eval(eval(json!("{{vars.note}}"), 4))),
        ("end", end(json!({}))),
    ];
    let program = with_variables(
        program("deleted_variable", ops),
        json!({ "note": "n", "b": 1 }),
    );
    Shape::new("deleted_variable", program, || {
        World::new(json!({ "n": 4 }))
    })
    .noted("the delete leaves its node without an output; the read after it fails")
}

fn transforms() -> Shape {
    let names = jmespath(json!("{{in.people}}"), "[?age > `30`].name | sort(@)", 1);
    let ages = jsonpath(json!({ "p": "{{in.people}}" }), "$.p[*].age", 2);
    let ops = vec![
        ("names", OpKind::Eval(names)),
        ("ages", OpKind::Eval(ages)),
        (
            "write",
            ask("{{nodes.names.output}} {{nodes.ages.output[0]}}", 3),
        ),
        ("end", end(json!({ "ages": "{{nodes.ages.output}}" }))),
    ];
    let world = || {
        World::new(json!({ "people": [
            { "name": "Zoe", "age": 41 }, { "name": "Bo", "age": 29 }, { "name": "Al", "age": 35 },
        ] }))
    };
    Shape::new("transforms", program("transforms", ops), world)
}

fn fallback() -> Shape {
    let saved = Eval {
        fallback: Some(json!({ "text": "{{not a template}}" })),
        on_error: Some(OpId(3)),
        ..eval(json!("{{in.missing}}"), 1)
    };
    let caught = Eval {
        on_error: Some(OpId(2)),
        ..jmespath(json!("{{in.n}}"), "keys(@)", 3)
    };
    let kind = "{{nodes.caught.output.error.kind}}";
    let ops = vec![
        ("saved", OpKind::Eval(saved)),
        ("caught", OpKind::Eval(caught)),
        ("end", end(json!([kind, "{{nodes.saved.output.text}}"]))),
        ("end-2", end(json!("nothing failed"))),
    ];
    let world = || World::new(json!({ "n": 4 }));
    Shape::new("fallback", program("fallback", ops), world)
        .noted("the fallback is a value and no template")
}

fn facts() -> Shape {
    let ops = vec![
        ("write", ask("{{run.workflow}}", 1)),
        ("end", end(json!(["{{run.id}}", "{{nodes.write.output}}"]))),
    ];
    Shape::new("facts", program("facts", ops), || World::new(json!(null)))
}

/// A text of so many bytes that says what it is.
fn long(name: &str, bytes: usize) -> String {
    name.chars().cycle().take(bytes).collect()
}

fn large_values() -> Shape {
    let text = "{{nodes.write.output}}";
    let ops = vec![
        ("write", ask("{{in.seed}}", 1)),
        (
            "keep",
            assign("kept", Some(json!({ "text": text, "n": 1 })), 2),
        ),
        ("double", ask("{{vars.kept.text}}{{nodes.write.output}}", 3)),
        (
            "both",
            OpKind::Eval(eval(json!([text, "{{nodes.double.output}}"]), 4)),
        ),
        (
            "end",
            end(json!({ "both": "{{nodes.both.output}}", "seed": "{{in.seed}}" })),
        ),
    ];
    let world = || {
        let seed = long("seed ", INLINE_VALUE_BYTES_MAX + 1);
        World::new(json!({ "seed": seed })).calling(|stage, _, prompt| {
            // As long as the prompt, so that a prompt that lost a byte is seen.
            succeed(long(stage, prompt.len()))
        })
    };
    Shape::new("large_values", program("large_values", ops), world)
        .noted("the input, outputs, a variable and the run's output stand in the blob store")
}

fn too_large() -> Shape {
    let pages = VALUE_BYTES_MAX / PAGE_BYTES;
    let fits: Vec<Value> = vec![json!("{{in.page}}"); pages - 1];
    let bursts: Vec<Value> = vec![json!("{{in.page}}"); pages];
    let caught = Eval {
        on_error: Some(OpId(2)),
        ..eval(json!(bursts), 3)
    };
    let ops = vec![
        ("fits", OpKind::Eval(eval(json!(fits), 1))),
        ("bursts", OpKind::Eval(caught)),
        ("write", ask("{{nodes.bursts.output.error.kind}}", 4)),
        ("end", end(json!("nothing was too large"))),
        ("end-2", end(json!(bursts))),
    ];
    let world = || World::new(json!({ "page": long("page ", PAGE_BYTES) }));
    Shape {
        heavy: true,
        ..Shape::new("too_large", program("too_large", ops), world)
            .noted("a value over 4 MiB is a failure `limit`: once caught, at the end not")
    }
}

/// Pages of which 64 and the commas between them are more than a value may be.
const PAGE_BYTES: usize = 64 * 1024;
