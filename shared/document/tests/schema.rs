//! `docs/workflow.schema.json` is the generated schema, and the schema agrees with the reader.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use lattice_document::{read, schema};
use serde_json::{Value, json};
use std::path::Path;

#[test]
fn the_schema_in_docs_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workflow.schema.json");
    let generated = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        generated,
        kept,
        "{}: run with UPDATE_EXPECT=1",
        path.display()
    );
}

/// What the reader refuses for its form, the schema refuses too, and the other way round.
#[test]
fn the_schema_and_the_reader_agree() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let good = json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "w", "name": "W",
        "nodes": [{"id": "n", "type": "start", "position": {"x": 0, "y": 0.5}, "parent": "n"}],
        "edges": [{"id": "e", "from": "n", "to": "n", "fromPort": "error"}],
        "settings": {"maxLifetimeMs": 1, "budget": {"tokens": 1}, "concurrency": {"maxRuns": 1}, "variables": {"a": null}},
        "description": "d", "input": true, "legacy": {},
    });
    let mut wrong = vec![json!([]), json!({})];
    for (pointer, value) in [
        ("/format", json!("other")),
        ("/formatVersion", json!(2)),
        ("/id", json!("a b")),
        ("/id", json!("")),
        ("/name", json!("")),
        ("/name", json!(null)),
        ("/description", json!(null)),
        ("/input", json!("x")),
        ("/legacy", json!(1)),
        ("/settings", json!(null)),
        ("/settings/maxLifetimeMs", json!(0)),
        ("/settings/maxLifetimeMs", json!(null)),
        ("/settings/maxLifetimeMs", json!(31_622_400_001_u64)),
        ("/settings/budget", json!(null)),
        ("/settings/budget", json!({})),
        ("/settings/budget", json!({"tokens": 1, "usd": 2})),
        ("/settings/budget/tokens", json!(0)),
        ("/settings/budget/tokens", json!(1_000_000_000_001_u64)),
        ("/settings/budget/tokens", json!("1")),
        ("/settings/concurrency", json!(null)),
        ("/settings/concurrency", json!({"key": "{{in.a}}"})),
        ("/settings/concurrency", json!({"maxRuns": 1, "wait": true})),
        ("/settings/concurrency/maxRuns", json!(0)),
        ("/settings/concurrency/maxRuns", json!(1_001)),
        ("/settings/concurrency/maxRuns", json!("1")),
        ("/settings/variables", json!([])),
        ("/settings/variables", json!({"a-b": 1})),
        ("/nodes", json!({})),
        ("/nodes/0", json!("n")),
        ("/nodes/0/id", json!("é")),
        ("/nodes/0/type", json!("")),
        ("/nodes/0/parent", json!(null)),
        ("/nodes/0/position", json!({"x": 1})),
        ("/nodes/0/position", json!({"x": 1, "y": 2, "z": 3})),
        ("/edges/0/from", json!(1)),
        ("/edges/0/fromPort", json!("a b")),
        ("/edges/0", json!({"id": "e", "from": "n"})),
        (
            "/edges/0",
            json!({"id": "e", "from": "n", "to": "n", "x": 1}),
        ),
    ] {
        let mut document = good.clone();
        *document.pointer_mut(pointer).unwrap() = value;
        wrong.push(document);
    }
    let errors = |document: &Value| {
        let said = read(document.to_string().as_bytes()).problems;
        (!validator.is_valid(document), !said.is_empty())
    };
    assert_eq!(errors(&good), (false, false));
    for document in wrong {
        assert_eq!(errors(&document), (true, true), "{document}");
    }
}
