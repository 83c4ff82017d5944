//! The limits of a run, just below and just above, on the real binary and its file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Done, Place, line};
use lattice_model::limits::{INLINE_VALUE_BYTES_MAX, RUN_BYTES_MAX, RUN_EVENTS_MAX};
use serde_json::{Value, json};

/// A loop of three writes, that often, and the end behind its ceiling.
fn writes(times: u64, text: &str) -> Value {
    let write = || json!({"operation": "set", "variableName": "kept", "value": text});
    let names = ["one", "two", "three"];
    let mut workflow = line(&names.map(|name| (name, "variableStore", write())));
    workflow["nodes"][1]["maxVisits"] = json!(times);
    let edge = |id: &str, from: &str, to: &str| json!({"id": id, "from": from, "to": to});
    workflow["edges"] = json!([
        edge("e1", "start", "one"),
        edge("e2", "one", "two"),
        edge("e3", "two", "three"),
        edge("e4", "three", "one"),
        {"id": "e5", "from": "one", "fromPort": "error", "to": "end"},
    ]);
    workflow
}

/// Runs it; gives what it said and the seq of its last event.
fn run(times: u64, text: &str) -> (Done, u64) {
    let place = Place::new();
    place.write("w.json", writes(times, text).to_string());
    let done = place.lattice(&["run", "w.json", "--json"]);
    let last = done.out.lines().rev().find_map(|line| {
        let record: Value = serde_json::from_str(line).ok()?;
        record["seq"].as_u64()
    });
    let last = last.unwrap_or_else(|| panic!("{done:?}"));
    (done, last)
}

#[test]
fn a_run_has_nearly_so_many_events_and_no_more() {
    // Six events a round.
    let (done, last) = run(RUN_EVENTS_MAX / 6 - 20, "x");
    done.says(0, &["run.completed"]);
    assert!(last + 200 > RUN_EVENTS_MAX, "{last}");
    let (done, last) = run(RUN_EVENTS_MAX / 6 + 1, "x");
    done.says(1, &["the run reached the limit of 50000 events"]);
    assert!(
        last <= RUN_EVENTS_MAX && last + 200 > RUN_EVENTS_MAX,
        "{last}"
    );
}

#[test]
fn a_run_has_nearly_so_many_bytes_and_no_more() {
    let text = "x".repeat(INLINE_VALUE_BYTES_MAX - 100);
    // Each of six events has the text, and less than 300 bytes beside it.
    let round = 6 * (INLINE_VALUE_BYTES_MAX as u64 + 200);
    let (done, _) = run((RUN_BYTES_MAX - RUN_BYTES_MAX / 50) / round, &text);
    done.says(0, &["run.completed"]);
    let (done, _) = run((RUN_BYTES_MAX + RUN_BYTES_MAX / 50) / round, &text);
    done.says(1, &["the run reached the limit of 52428800 bytes"]);
}
