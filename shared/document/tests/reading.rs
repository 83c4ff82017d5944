//! What the reader says about documents of our own format, and what it makes of good ones.

#![allow(clippy::unwrap_used, clippy::panic)]

use lattice_document::{Document, PatchOp, Problem, Shape, codes, read, write};
use lattice_model::limits::{
    BUDGET_TOKENS_MAX, EDGES_MAX, ID_CHARS_MAX, LIFETIME_MS_MAX, NODES_MAX,
};
use serde_json::{Value, json};

/// A document with everything in it.
fn full() -> Value {
    json!({
        "format": "agent-lattice/workflow",
        "formatVersion": 1,
        "id": "release-notes",
        "name": "Release notes",
        "description": "Writes them",
        "input": {"type": "object"},
        "settings": {"maxLifetimeMs": 60000, "budget": {"tokens": 90000}, "concurrency": {"maxRuns": 3, "key": "{{in.customer}}"}, "variables": {"tone": "dry", "limits": {"words": 0.1}}},
        "nodes": [
            {"id": "start", "type": "start", "position": {"x": 1, "y": -2.5}, "settings": {}},
            {"id": "write", "type": "prompt", "label": "Write", "parent": "box",
             "settings": {"prompt": "{{vars.tone}}", "temperature": 0.30000000000000004},
             "legacy": {"type": "llmCall"}},
            {"id": "box", "type": "group", "settings": {}},
        ],
        "edges": [
            {"id": "e1", "from": "start", "to": "write"},
            {"id": "e2", "from": "write", "to": "write", "fromPort": "error", "toPort": "again"},
        ],
        "legacy": {"version": "1.0.0"},
    })
}

fn problems(document: &Value) -> Vec<Problem> {
    read(document.to_string().as_bytes()).problems
}

/// Puts a value at a pointer (null takes it away) and gives the codes and pointers of what is said.
fn with(pointer: &str, value: Value) -> Vec<(String, String)> {
    let mut document = full();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(fields) if value.is_null() => drop(fields.remove(key).unwrap()),
        Value::Object(fields) => drop(fields.insert(key.to_owned(), value)),
        other => other[key.parse::<usize>().unwrap()] = value,
    }
    let said = problems(&document).into_iter();
    said.map(|problem| (problem.code.to_string(), problem.pointer))
        .collect()
}

#[test]
fn a_good_document_comes_back_as_it_was() {
    let reading = read(full().to_string().as_bytes());
    assert_eq!(
        (reading.shape, &reading.changes, &reading.problems),
        (Shape::Current, &vec![], &vec![])
    );
    let document = reading.document.unwrap();
    assert_eq!(document.nodes[1].kind, "prompt");
    assert_eq!(
        (&*document.edges[0].from_port, &*document.edges[0].to_port),
        ("out", "in")
    );
    let text = write(&document);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), full());
    assert_eq!(read(text.as_bytes()).document, Some(document));
}

#[test]
fn what_is_written_has_a_stable_order() {
    let small = json!({
        "edges": [], "name": "N", "nodes": [{"settings": {"b": 1, "a": {"d": 2, "c": 3}}, "type": "note", "id": "n"}],
        "id": "w", "formatVersion": 1, "format": "agent-lattice/workflow",
    });
    let document: Document = read(small.to_string().as_bytes()).document.unwrap();
    let expected = r#"{
  "format": "agent-lattice/workflow",
  "formatVersion": 1,
  "id": "w",
  "name": "N",
  "nodes": [
    {
      "id": "n",
      "type": "note",
      "settings": {
        "a": {
          "c": 3,
          "d": 2
        },
        "b": 1
      }
    }
  ],
  "edges": []
}
"#;
    assert_eq!(write(&document), expected);
}

#[test]
fn a_missing_field_is_named_where_it_should_be() {
    for field in [
        "/id",
        "/name",
        "/nodes",
        "/edges",
        "/formatVersion",
        "/nodes/0/id",
        "/nodes/0/type",
        "/nodes/0/position/x",
        "/edges/0/id",
        "/edges/0/from",
        "/edges/0/to",
    ] {
        let parent = field.rsplit_once('/').unwrap().0;
        assert_eq!(
            with(field, json!(null)),
            [("LAT-D009".to_owned(), parent.to_owned())],
            "{field}"
        );
    }
}

#[test]
fn a_field_of_the_wrong_type_is_named() {
    for (field, value) in [
        ("/id", json!(7)),
        ("/name", json!([])),
        ("/description", json!({})),
        ("/input", json!("text")),
        ("/settings", json!([])),
        ("/settings/maxLifetimeMs", json!(1.5)),
        ("/settings/maxLifetimeMs", json!(-1)),
        ("/settings/budget", json!(5)),
        ("/settings/budget/tokens", json!("9")),
        ("/settings/budget/tokens", json!(0.5)),
        ("/settings/concurrency", json!(5)),
        ("/settings/concurrency/maxRuns", json!("9")),
        ("/settings/concurrency/maxRuns", json!(-1)),
        ("/settings/concurrency/key", json!(7)),
        ("/settings/variables", json!("x")),
        ("/nodes", json!({})),
        ("/nodes/0", json!("start")),
        ("/nodes/0/type", json!(false)),
        ("/nodes/0/settings", json!([])),
        ("/nodes/0/position", json!([1, 2])),
        ("/nodes/0/position/y", json!("top")),
        ("/nodes/1/label", json!(1)),
        ("/nodes/1/legacy", json!("old")),
        ("/edges/1/fromPort", json!(0)),
        ("/legacy", json!([])),
        ("/formatVersion", json!("1")),
    ] {
        assert_eq!(
            with(field, value),
            [("LAT-D010".to_owned(), field.to_owned())],
            "{field}"
        );
    }
}

#[test]
fn a_value_that_may_not_be_is_named() {
    let long = "x".repeat(ID_CHARS_MAX + 1);
    for (field, value, code) in [
        ("/formatVersion", json!(2), "LAT-D008"),
        ("/formatVersion", json!(0), "LAT-D008"),
        ("/formatVersion", json!(1.5), "LAT-D008"),
        ("/metadata", json!({}), "LAT-D011"),
        ("/settings/retries", json!(1), "LAT-D011"),
        ("/nodes/0/lable", json!("x"), "LAT-D011"),
        ("/nodes/0/position/z", json!(0), "LAT-D011"),
        ("/id", json!(""), "LAT-D012"),
        ("/id", json!("my workflow"), "LAT-D012"),
        ("/nodes/2/id", json!("böx"), "LAT-D012"),
        ("/nodes/2/id", json!(long), "LAT-D012"),
        ("/nodes/1/parent", json!("a/b"), "LAT-D012"),
        ("/edges/0/to", json!(""), "LAT-D012"),
        ("/edges/1/toPort", json!("a b"), "LAT-D012"),
        ("/settings/variables/2nd", json!(0), "LAT-D012"),
        ("/nodes/2/id", json!("start"), "LAT-D013"),
        ("/edges/1/id", json!("e1"), "LAT-D013"),
        ("/settings/maxLifetimeMs", json!(0), "LAT-D015"),
        ("/settings/budget/usd", json!(1), "LAT-D011"),
        ("/settings/budget/tokens", json!(0), "LAT-D015"),
        ("/settings/concurrency/onLimit", json!("x"), "LAT-D011"),
        ("/settings/concurrency/maxRuns", json!(0), "LAT-D015"),
        ("/settings/concurrency/maxRuns", json!(1001), "LAT-D015"),
        ("/settings/concurrency/maxRuns", json!(u64::MAX), "LAT-D015"),
        ("/settings/concurrency/key", json!(" "), "LAT-D015"),
        (
            "/settings/budget/tokens",
            json!(BUDGET_TOKENS_MAX + 1),
            "LAT-D015",
        ),
        ("/name", json!(" "), "LAT-D015"),
        ("/nodes/0/type", json!(""), "LAT-D015"),
    ] {
        assert_eq!(
            with(field, value),
            [(code.to_owned(), field.to_owned())],
            "{field}"
        );
    }
    assert_eq!(
        with("/settings/maxLifetimeMs", json!(LIFETIME_MS_MAX)),
        vec![]
    );
    assert_eq!(with("/nodes/2/id", json!("x".repeat(ID_CHARS_MAX))), vec![]);
}

#[test]
fn pointers_are_escaped() {
    let mut document = full();
    document["edges"][0]["on~e/rror"] = json!(true);
    assert_eq!(problems(&document)[0].pointer, "/edges/0/on~0e~1rror");
}

#[test]
fn problems_are_collected_and_name_their_node() {
    let mut document = full();
    document["nodes"][1]["id"] = json!("start");
    document["nodes"][1]["lable"] = json!("x");
    document["edges"][0]["weight"] = json!(1);
    document["extra"] = json!(1);
    let said = problems(&document);
    assert_eq!(said.len(), 4);
    let node = |problem: &Problem| problem.node.as_ref().map(|node| node.as_str().to_owned());
    let at = |code| said.iter().find(|problem| problem.code == code).unwrap();
    assert_eq!(node(at(codes::DUPLICATE_ID)), Some("start".to_owned()));
    assert!(read(document.to_string().as_bytes()).document.is_some());
}

#[test]
fn a_fix_mends_its_problem() {
    let mut first = full();
    first["nodes"][0]["lable"] = json!("x");
    let mut second = full();
    second.as_object_mut().unwrap().remove("edges");
    let mut third = full();
    third["edges"][1].as_object_mut().unwrap().remove("id");
    let mut fourth = full();
    fourth.as_object_mut().unwrap().remove("formatVersion");
    for mut document in [first, second, third, fourth] {
        let fix = problems(&document).remove(0).fix.unwrap();
        for operation in fix {
            apply(&mut document, operation);
        }
        assert_eq!(problems(&document), vec![]);
    }
}

fn apply(document: &mut Value, operation: PatchOp) {
    let (path, value) = match operation {
        PatchOp::Remove { path } => (path, None),
        PatchOp::Add { path, value } | PatchOp::Replace { path, value } => (path, Some(value)),
    };
    let (parent, key) = path.rsplit_once('/').unwrap();
    let fields = document
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap();
    match value {
        Some(value) => fields.insert(key.to_owned(), value),
        None => fields.remove(key),
    };
}

#[test]
fn shapes_are_told_apart() {
    for (text, code) in [
        ("[]", "LAT-D006"),
        ("\"x\"", "LAT-D006"),
        ("null", "LAT-D006"),
        ("{}", "LAT-D007"),
        (
            r#"{"format": "other/workflow", "formatVersion": 1}"#,
            "LAT-D007",
        ),
        (r#"{"format": 1}"#, "LAT-D007"),
        (r#"{"nodes": []}"#, "LAT-D007"),
        (
            r#"{"nodes": [{"id": "a", "settings": {}}], "edges": []}"#,
            "LAT-D007",
        ),
        (r#"{"name": "n8n", "nodes": [], "pinData": {}}"#, "LAT-D007"),
    ] {
        let reading = read(text.as_bytes());
        assert_eq!(reading.problems.len(), 1, "{text}");
        assert_eq!(reading.problems[0].code.id(), code, "{text}");
        assert_eq!(reading.document, None);
    }
    let unknown = read(b"{}").problems.remove(0);
    for known in [
        "agent-lattice/workflow",
        "CC Workflow Studio",
        "earlier Agent Lattice",
    ] {
        assert!(unknown.help.contains(known), "{}", unknown.help);
    }
    for (text, shape) in [
        (
            r#"{"name": "a", "nodes": [], "connections": []}"#,
            Shape::CcWorkflowStudio,
        ),
        (
            r#"{"version": "1.0.0", "nodes": [], "edges": []}"#,
            Shape::EarlierLattice,
        ),
        (
            r#"{"nodes": [{"id": "a", "type": "end", "config": {}}], "edges": []}"#,
            Shape::EarlierLattice,
        ),
    ] {
        let reading = read(text.as_bytes());
        assert_eq!((reading.shape, reading.problems), (shape, vec![]), "{text}");
        assert!(reading.document.is_some());
    }
}

#[test]
fn pointers_of_a_shape_lead_into_the_document() {
    assert_eq!(Shape::Current.settings_pointer(3), "/nodes/3/settings");
    assert_eq!(Shape::CcWorkflowStudio.settings_pointer(3), "/nodes/3/data");
    assert_eq!(Shape::EarlierLattice.settings_pointer(3), "/nodes/3/config");
    assert_eq!(Shape::CcWorkflowStudio.edge_pointer(0), "/connections/0");
    assert_eq!(Shape::EarlierLattice.edge_pointer(0), "/edges/0");
}

#[test]
fn nodes_and_edges_have_limits() {
    let nodes = |count: usize| -> Value {
        (0..count)
            .map(|n| json!({"id": n.to_string(), "type": "note"}))
            .collect()
    };
    let edges = |count: usize| -> Value {
        (0..count)
            .map(|n| json!({"id": n.to_string(), "from": "a", "to": "b"}))
            .collect()
    };
    let codes = |nodes: Value, edges: Value| -> Vec<_> {
        let mut document = full();
        document["nodes"] = nodes;
        document["edges"] = edges;
        problems(&document)
            .into_iter()
            .map(|problem| problem.code)
            .collect()
    };
    assert_eq!(codes(nodes(NODES_MAX), edges(EDGES_MAX)), vec![]);
    assert_eq!(codes(nodes(NODES_MAX + 1), edges(0)), vec![codes::TOO_MANY]);
    assert_eq!(codes(nodes(0), edges(EDGES_MAX + 1)), vec![codes::TOO_MANY]);
    let old = json!({"nodes": nodes(NODES_MAX + 1), "connections": []});
    assert_eq!(problems(&old).remove(0).code, codes::TOO_MANY);
}
