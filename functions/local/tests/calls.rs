//! Workflows that call workflows, as somebody at a terminal meets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt, question};
use serde_json::{Value, json};

fn named(id: &str, mut workflow: Value) -> String {
    workflow["id"] = json!(id);
    workflow.to_string()
}

fn calls(flow: &str) -> Value {
    json!({"flowId": flow, "inputMapping": {"topic": "{{in.topic}}"}})
}

#[test]
fn a_file_calls_the_one_beside_it_and_both_runs_are_shown() {
    let place = Place::new();
    let below = line(&[("draft", "prompt", prompt("About {{in.topic}}."))]);
    place.write("below.json", named("below", below));
    let above = line(&[("ask", "flow", calls("below"))]);
    place.write("above.json", named("above", above));
    let done = place.lattice(&["run", "above.json", "--input", r#"{"topic": "rain"}"#]);
    done.says(0, &["calls `below` as run_", "✓ draft", "✓ ask"]);
    let runs = place.lattice(&["runs", "--json"]).records();
    assert_eq!(runs.len(), 2, "{runs:?}");
    for run in &runs {
        assert_eq!(run["status"], "completed", "{run}");
    }
    // What was stored can be called without the file.
    std::fs::remove_file(place.path("below.json")).unwrap();
    let again = place.lattice(&["run", "above.json", "--input", r#"{"topic": "sun"}"#]);
    again.says(0, &["✓ ask"]);
}

/// A run that waits for one below it, in which a question stands open; and the list of both.
fn asked_below() -> (Place, Vec<Value>) {
    let place = Place::new();
    let below = line(&[("sure", "askUserQuestion", question())]);
    place.write("below.json", named("below", below));
    let above = line(&[("ask", "flow", calls("below"))]);
    place.write("above.json", named("above", above));
    let waits = place.lattice(&["run", "above.json", "--input", r#"{"topic": "rain"}"#]);
    assert_eq!(waits.code, Some(3), "{waits:?}");
    let runs = place.lattice(&["runs", "--json"]).records();
    (place, runs)
}

#[test]
fn a_question_below_is_answered_and_both_runs_go_on() {
    let (place, runs) = asked_below();
    let asks = runs.iter().find(|run| run["workflow"] == "below").unwrap();
    let asks = asks["runId"].as_str().unwrap();
    let answer = place.lattice(&["signal", asks, "sure", "Send"]);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    let resumed = place.lattice(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let runs = place.lattice(&["runs", "--json"]).records();
    assert!(
        runs.iter().all(|run| run["status"] == "completed"),
        "{runs:?}"
    );
}

#[test]
fn a_cancel_reaches_what_is_called() {
    let (place, runs) = asked_below();
    let root = runs.iter().find(|run| run["workflow"] == "above").unwrap();
    let root = root["runId"].as_str().unwrap();
    place.lattice(&["cancel", root]);
    place.lattice(&["resume"]);
    let runs = place.lattice(&["runs", "--json"]).records();
    assert!(
        runs.iter().all(|run| run["status"] == "cancelled"),
        "{runs:?}"
    );
}

#[test]
fn what_cannot_be_called_is_said_before_anything_runs() {
    let place = Place::new();
    let above = line(&[("ask", "flow", calls("nowhere"))]);
    place.write("above.json", named("above", above));
    let refused = place.lattice(&["run", "above.json"]);
    refused.fails(1, &["LAT-C034", "`nowhere`", "nowhere.json"]);
    // Two files that call each other.
    let below = line(&[("back", "flow", calls("above"))]);
    place.write("nowhere.json", named("nowhere", below));
    let refused = place.lattice(&["run", "above.json"]);
    refused.fails(1, &["LAT-C035", "`above`"]);
}

#[test]
fn an_input_that_does_not_fit_is_the_callers_failure() {
    let place = Place::new();
    let mut below = line(&[("draft", "prompt", prompt("Hi."))]);
    below["input"] = json!({"type": "object", "required": ["title"]});
    place.write("below.json", named("below", below));
    let above = line(&[("ask", "flow", calls("below"))]);
    place.write("above.json", named("above", above));
    let failed = place.lattice(&["run", "above.json", "--input", r#"{"topic": "rain"}"#]);
    failed.says(1, &["ask", "cannot begin", "title"]);
}
