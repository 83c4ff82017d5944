//! Loops, as somebody at a terminal meets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt};
use serde_json::json;

#[test]
fn a_loop_ends_at_its_ceiling_and_shows_its_visits() {
    let place = Place::new();
    let mut workflow = line(&[
        ("draft", "prompt", prompt("Write.")),
        (
            "poor",
            "ifElse",
            json!({"condition": "nodes.draft.output != ''"}),
        ),
    ]);
    workflow["nodes"][1]["maxVisits"] = json!(3);
    workflow["edges"] = json!([
        {"id": "e1", "from": "start", "to": "draft"},
        {"id": "e2", "from": "draft", "to": "poor"},
        {"id": "e3", "from": "poor", "fromPort": "true", "to": "draft"},
        {"id": "e4", "from": "poor", "fromPort": "false", "to": "end"},
        {"id": "e5", "from": "draft", "fromPort": "error", "to": "end"},
    ]);
    place.write("w.json", workflow.to_string());
    let done = place.lattice(&["run", "w.json"]);
    done.says(0, &["prompt #2", "prompt #3", "more often than 3 times"]);
}
