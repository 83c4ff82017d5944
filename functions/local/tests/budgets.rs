//! Budgets, as somebody at a terminal meets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt};
use serde_json::json;

#[test]
fn a_call_that_does_not_fit_fails_by_name_and_the_error_port_catches_it() {
    let place = Place::new();
    let mut ask = prompt("Write.");
    ask["maxOutputTokens"] = json!(100);
    let mut workflow = line(&[("draft", "prompt", ask.clone()), ("more", "prompt", ask)]);
    workflow["settings"] = json!({"budget": {"tokens": 171}});
    place.write("w.json", workflow.to_string());
    let failed = place.lattice(&["run", "w.json"]);
    // 6 bytes of prompt, 64 around it and 100 of an answer fit once.
    failed.says(
        1,
        &["budget: the budget is 171 tokens", "the call may need 170"],
    );
    workflow["edges"] = json!([
        {"id": "e1", "from": "start", "to": "draft"},
        {"id": "e2", "from": "draft", "to": "more"},
        {"id": "e3", "from": "more", "to": "end"},
        {"id": "e4", "from": "more", "fromPort": "error", "to": "end"},
    ]);
    place.write("w.json", workflow.to_string());
    place.lattice(&["run", "w.json"]).says(0, &["caught"]);
    let run = place.newest_run("failed");
    let shown = place.lattice(&["show", &run]);
    shown.says(0, &["171 tokens", "used, 0 reserved", "failure"]);
}

#[test]
fn a_budget_in_money_is_refused_by_name() {
    let place = Place::new();
    let mut workflow = line(&[("draft", "prompt", prompt("Write."))]);
    workflow["settings"] = json!({"budget": {"usd": 5}});
    place.write("w.json", workflow.to_string());
    let refused = place.lattice(&["compile", "w.json"]);
    refused.says(1, &["LAT-D011", "/settings/budget/usd"]);
}
