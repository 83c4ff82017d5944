//! `lattice dev`: served, stopped, started again, and used beside other commands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::http::Dev;
use common::{Place, line, prompt, question};
use serde_json::{Value, json};

fn asking() -> Value {
    line(&[
        ("draft", "prompt", prompt("Draft.")),
        ("ask", "askUserQuestion", question()),
        ("send", "prompt", prompt("Send.")),
    ])
}

fn store(dev: &Dev, document: &Value) {
    let id = document["id"].as_str().unwrap();
    let headers = [("if-none-match", "*")];
    let answer = dev.send(
        "PUT",
        &format!("/v1/workflows/{id}"),
        &headers,
        Some(document),
    );
    assert_eq!(answer.status, 201, "{answer:?}");
}

fn started(dev: &Dev, key: &str) -> String {
    let body = json!({ "workflowId": "w", "idempotencyKey": key });
    let answer = dev.send("POST", "/v1/runs", &[], Some(&body));
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
    answer.json()["runId"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_waits_through_a_stop_and_ends_after_the_next_start() {
    let place = Place::new();
    let dev = Dev::start(&place, &[]);
    store(&dev, &asking());
    let run = started(&dev, "one");
    assert_eq!(started(&dev, "one"), run);
    let wait = dev.question(&run);
    assert_eq!(wait["node"], "ask");
    let done = dev.stop();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.err.contains("stopping"), "{done:?}");

    let dev = Dev::start(&place, &[]);
    assert!(dev.hello.contains("1 run to carry on"), "{}", dev.hello);
    let follower = place.start(&["events", &run, "--follow", "--json"]);
    let answer = json!({ "node": "ask", "value": "Send", "idempotencyKey": "k" });
    let path = format!("/v1/runs/{run}/signal");
    assert_eq!(dev.send("POST", &path, &[], Some(&answer)).status, 202);
    let followed = follower.end();
    assert_eq!(followed.code, Some(0), "{followed:?}");
    let seqs: Vec<u64> = followed
        .records()
        .iter()
        .map(|event| event["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(followed.result()["type"], "run.completed");
    let again = dev.send("POST", &path, &[], Some(&answer));
    assert_eq!(
        (again.status, again.json()["known"].clone()),
        (200, json!(true))
    );
    let run_now = dev.get(&format!("/v1/runs/{run}")).json();
    assert_eq!(run_now["status"], "completed", "{run_now}");
}

#[test]
fn other_commands_work_beside_a_server() {
    let place = Place::new();
    let dev = Dev::start(&place, &[]);
    store(&dev, &asking());
    let (answered, cancelled) = (started(&dev, "a"), started(&dev, "b"));
    dev.question(&answered);
    dev.question(&cancelled);
    place
        .lattice(&["signal", &answered, "ask", "Send"])
        .says(0, &["is stored"]);
    place
        .lattice(&["cancel", &cancelled])
        .says(0, &[&cancelled]);
    place
        .lattice(&["events", &answered, "--follow"])
        .says(0, &["run.completed"]);
    place
        .lattice(&["events", &cancelled, "--follow"])
        .says(0, &["run.cancelled"]);
    place.write("w.json", asking().to_string());
    place
        .lattice(&["run", "w.json"])
        .fails(1, &["is in use", "process"]);
    place
        .lattice(&["dev", "--no-open"])
        .fails(1, &["is in use", "process"]);
}

#[test]
fn a_port_that_is_taken_is_named_and_the_directory_given_up() {
    let place = Place::new();
    let dev = Dev::start(&place, &[]);
    let other = Place::new();
    let port = dev.port.to_string();
    let refused = other.lattice(&["dev", "--no-open", "--port", &port]);
    refused.fails(1, &[&format!("cannot listen on port {port}"), "`--port`"]);
    Dev::start(&other, &[]);
}

#[test]
fn the_page_is_served_to_this_machine_only() {
    let place = Place::new();
    let dev = Dev::start(&place, &[]);
    let page = dev.get("/");
    assert_eq!(page.status, 200);
    assert!(page.text.contains("<title>"), "{}", page.text);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    for asset in page.text.split("/assets/").skip(1) {
        let name = asset.split('"').next().unwrap();
        assert_eq!(dev.get(&format!("/assets/{name}")).status, 200, "{name}");
    }
    assert_eq!(
        dev.get("/assets/examples.json")
            .json()
            .as_array()
            .unwrap()
            .len(),
        9
    );
    for path in ["/", "/metrics", "/v1/health", "/v1/runs", "/nowhere"] {
        for foreign in [
            ("host", "evil.example:80"),
            ("origin", "http://evil.example"),
        ] {
            let answer = dev.send("GET", path, &[foreign], None);
            assert_eq!(answer.status, 403, "{path} {foreign:?} {answer:?}");
            assert_eq!(answer.json()["code"], "LAT-A012");
        }
    }
}

#[test]
fn what_happened_is_counted_and_logged() {
    let mut place = Place::new();
    place.set("LATTICE_LOG_FORMAT", "json");
    let dev = Dev::start(&place, &[]);
    store(&dev, &line(&[("draft", "prompt", prompt("Draft."))]));
    let run = started(&dev, "one");
    let stream = dev.get(&format!("/v1/runs/{run}/stream"));
    assert!(
        stream.text.contains("event: run.completed"),
        "{}",
        stream.text
    );
    let metrics = dev.get("/metrics").text;
    for line in [
        "lattice_runs{status=\"completed\"} 1",
        "lattice_runs_started_total 1",
        "lattice_runs_ended_total{status=\"completed\"} 1",
        "lattice_step_duration_seconds_count 1",
        "lattice_http_requests_total{operation=\"startRun\",status=\"201\"} 1",
    ] {
        assert!(metrics.contains(line), "`{line}` is not in {metrics}");
    }
    let done = dev.stop();
    let parse = |line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}"));
    let lines: Vec<Value> = done.err.lines().map(parse).collect();
    let ended = lines.iter().find(|line| line["status"] == "completed");
    assert_eq!(ended.unwrap()["run"], run.as_str(), "{lines:?}");
}

#[test]
fn a_port_that_is_no_port_is_refused() {
    let place = Place::new();
    place
        .lattice(&["dev", "--port", "65536"])
        .fails(2, &["--port"]);
    place
        .lattice(&["dev", "--provider", "nobody"])
        .fails(1, &["nobody"]);
}

/// A start whose caller hangs up is a start all the same: it does not lie there until a sweep finds it.
#[test]
fn runs_begin_although_their_callers_are_gone() {
    let place = Place::new();
    let dev = Dev::start(&place, &[]);
    store(&dev, &line(&[("draft", "prompt", prompt("Draft."))]));
    for number in 0..60 {
        let body = json!({ "workflowId": "w", "idempotencyKey": number.to_string() });
        dev.send_and_leave("POST", "/v1/runs", &body);
    }
    let began = std::time::Instant::now();
    loop {
        let runs = dev.get("/v1/runs?limit=100").json();
        let runs = runs["runs"].as_array().unwrap();
        let open = runs
            .iter()
            .filter(|run| run["status"] != "completed")
            .count();
        if !runs.is_empty() && open == 0 && began.elapsed().as_millis() > 300 {
            break;
        }
        assert!(
            began.elapsed() < common::LONG,
            "{open} of {} are open",
            runs.len()
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
