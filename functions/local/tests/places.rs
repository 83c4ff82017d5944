//! Limits on open runs, as somebody at a terminal or over the API meets them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::http::Dev;
use common::{LONG, Place, line, question};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Asks; one open run for each customer.
fn asking(max_runs: u64) -> Value {
    let mut workflow = line(&[("ask", "askUserQuestion", question())]);
    let key = "{{in.customer}}";
    workflow["settings"] = json!({ "concurrency": { "maxRuns": max_runs, "key": key } });
    workflow
}

fn start(dev: &Dev, customer: &str) -> String {
    let body = json!({ "workflowId": "w", "input": { "customer": customer } });
    let answer = dev.send("POST", "/v1/runs", &[], Some(&body));
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["runId"].as_str().unwrap().to_owned()
}

fn until(dev: &Dev, run: &str, status: &str) -> Value {
    let began = Instant::now();
    loop {
        let seen = dev.get(&format!("/v1/runs/{run}")).json();
        if seen["status"] == status {
            return seen;
        }
        assert!(began.elapsed() < LONG, "{seen}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn answer(dev: &Dev, run: &str) {
    let body = json!({ "node": "ask", "value": 1 });
    let path = format!("/v1/runs/{run}/signal");
    assert_eq!(dev.send("POST", &path, &[], Some(&body)).status, 202);
}

fn status(dev: &Dev, run: &str) -> Value {
    dev.get(&format!("/v1/runs/{run}")).json()["status"].clone()
}

#[test]
fn runs_of_one_key_begin_one_after_the_other_also_behind_a_kill() {
    let place = Place::new();
    let dev = Dev::start(&place, &[]);
    let put = dev.send(
        "PUT",
        "/v1/workflows/w",
        &[("if-none-match", "*")],
        Some(&asking(1)),
    );
    assert_eq!(put.status, 201, "{put:?}");
    let [first, second, third] = ["acme"; 3].map(|customer| start(&dev, customer));
    let other = start(&dev, "globex");
    for begun in [&first, &other] {
        until(&dev, begun, "waiting");
    }
    let lined = until(&dev, &third, "queued");
    let waits_for = json!({ "key": "acme", "maxRuns": 1, "before": 1 });
    assert_eq!(lined["waitsFor"], waits_for, "{lined}");
    assert_eq!(status(&dev, &second), "queued");
    let shown = place.lattice(&["show", &second]);
    let line = "at most 1 runs with the key `acme` are open at once, 0 before it";
    shown.says(0, &["queued", line]);
    place
        .lattice(&["runs", "--status", "queued"])
        .says(0, &[&second, &third]);

    // Who stands in line is cancelled there, and holds nobody up.
    let cancelled = format!("/v1/runs/{second}/cancel");
    assert_eq!(
        dev.send("POST", &cancelled, &[], Some(&json!({}))).status,
        202
    );
    until(&dev, &second, "cancelled");
    assert_eq!(status(&dev, &third), "queued");
    drop(dev);

    let dev = Dev::start(&place, &[]);
    until(&dev, &first, "waiting");
    assert_eq!(status(&dev, &third), "queued");
    answer(&dev, &first);
    until(&dev, &first, "completed");
    until(&dev, &third, "waiting");
    answer(&dev, &third);
    until(&dev, &third, "completed");
    let events = place.lattice(&["events", &second, "--json"]).out;
    assert!(!events.contains("run.started"), "{events}");
}

#[test]
fn a_command_does_not_wait_for_a_place_that_nobody_gives_back() {
    let place = Place::new();
    place.write("w.json", asking(1).to_string());
    let run = || place.lattice(&["run", "w.json", "--input", "{\"customer\": \"acme\"}"]);
    run().says(3, &["waits for a person"]);
    let first = place.newest_run("waiting");
    run().says(3, &["waits for a place after", "lattice resume"]);
    let second = place.newest_run("queued");
    place.lattice(&["signal", &first, "ask", "1"]).says(0, &[]);
    // Both are carried on: the second one begins where the first one ends.
    place.lattice(&["resume"]).says(3, &["waits for a person"]);
    assert_eq!(place.newest_run("completed"), first);
    assert_eq!(place.newest_run("waiting"), second);
}

#[test]
fn without_a_key_a_run_fails_and_says_why() {
    let place = Place::new();
    place.write("w.json", asking(1).to_string());
    place.lattice(&["run", "w.json"]).says(
        1,
        &[
            "the key of the limit on open runs cannot be made",
            "customer",
        ],
    );
    let long = json!({ "customer": "x".repeat(257) }).to_string();
    place
        .lattice(&["run", "w.json", "--input", &long])
        .says(1, &["it has 257 characters, the limit is 256"]);
    for (limit, problem) in [
        (json!({ "maxRuns": 0 }), "LAT-D015"),
        (json!({ "maxRuns": 1001 }), "LAT-D015"),
        (json!({ "maxRuns": 1, "key": "{{vars.x}}" }), "LAT-C040"),
        (json!({ "maxRuns": 1, "key": "{{customer}}" }), "LAT-C040"),
    ] {
        let mut workflow = asking(1);
        workflow["settings"]["concurrency"] = limit;
        place.write("w.json", workflow.to_string());
        place.lattice(&["compile", "w.json"]).says(1, &[problem]);
    }
}
