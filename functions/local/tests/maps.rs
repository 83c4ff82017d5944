//! Maps on the real binary: a long list goes in batches, each a run of its own, also over a kill.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test writes files")]

mod common;

use common::Place;
use serde_json::{Value, json};

fn workflow(settings: Value) -> String {
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "w", "name": "W",
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "each", "type": "batchIterator", "settings": settings},
            {"id": "a", "type": "prompt", "settings": {"prompt": "Number {{index}}: {{item}}"}},
            {"id": "end", "type": "end", "settings": {"output": "{{nodes.each.output}}"}}
        ],
        "edges": [
            {"id": "e1", "from": "start", "to": "each"},
            {"id": "e2", "from": "each", "fromPort": "each", "to": "a"},
            {"id": "e3", "from": "each", "to": "end"}
        ]
    })
    .to_string()
}

#[test]
fn a_long_list_goes_in_runs_and_comes_back_in_order() {
    let place = Place::new();
    let settings = json!({
        "items": "{{in.list}}", "batchSize": 20, "processingMode": "parallel", "continueOnError": true
    });
    place.write("w.json", workflow(settings));
    let script = json!({"stages": {"a": [
        {"when": "Number 7:", "fault": "refused"},
        {"when": "Number", "text": "done"}
    ]}});
    place.write("w.mock.json", script.to_string());
    let list: Vec<u32> = (0..70).collect();
    let input = json!({ "list": list }).to_string();
    let done = place.lattice(&["run", "w.json", "--json", "--input", &input]);
    assert_eq!(done.code, Some(0), "{done:?}");
    let last = done.result();
    let results = last["output"].as_array().unwrap();
    assert_eq!(results.len(), 70);
    assert_eq!(results[7]["error"]["kind"], "refused");
    assert!(
        (0..70)
            .filter(|it| *it != 7)
            .all(|it| results[it] == "done"),
        "{last}"
    );
    let runs = place.lattice(&["runs", "--json"]).out;
    assert_eq!(runs.lines().count(), 5, "the run and its four batches");
}

#[test]
fn what_is_no_list_says_so_and_where() {
    let place = Place::new();
    place.write("w.json", workflow(json!({"items": "{{in.list}}"})));
    let done = place.lattice(&["run", "w.json", "--json", "--input", r#"{"list": "a, b"}"#]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(
        done.out.contains("`items` gives a text, not a list"),
        "{}",
        done.out
    );
}
