//! A judgement directly behind the start judges the trigger's input: the start has no output.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_document::read;
use serde_json::json;

#[test]
fn nothing_refers_to_an_output_of_the_start() {
    let document = json!({
        "id": "w", "name": "W", "version": "1.0.0",
        "nodes": [
            { "id": "start", "type": "start", "name": "s", "position": { "x": 0, "y": 0 }, "data": {} },
            { "id": "ok", "type": "ifElse", "name": "ok", "position": { "x": 0, "y": 0 }, "data": {
                "evaluationTarget": "the checks",
                "branches": [
                    { "label": "Green", "condition": "All checks are green" },
                    { "label": "Red", "condition": "A check failed" },
                ],
            } },
            { "id": "end", "type": "end", "name": "e", "position": { "x": 0, "y": 0 }, "data": {} },
        ],
        "connections": [
            { "id": "a", "from": "start", "to": "ok", "fromPort": "out", "toPort": "input" },
            { "id": "b", "from": "ok", "to": "end", "fromPort": "branch-0", "toPort": "input" },
            { "id": "c", "from": "ok", "to": "end", "fromPort": "branch-1", "toPort": "input" },
        ],
    });
    let reading = read(document.to_string().as_bytes());
    let upgraded = reading.document.unwrap();
    let target = upgraded.nodes[1].settings["evaluationTarget"].as_str();
    assert_eq!(target, Some("the checks"), "{:?}", reading.problems);
}
