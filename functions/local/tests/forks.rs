//! Forks on the real binary: what is kept, what is set, what is refused, and a kill in the middle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test writes files")]

mod common;

use common::http::Dev;
use common::{Place, line, prompt, tenacious};
use serde_json::{Value, json};

/// Two calls in a line; the second repeats what the first gave.
fn two() -> Value {
    let second = tenacious("After {{nodes.a.output}}: {{vars.tone}}");
    let mut workflow = line(&[("a", "prompt", prompt("First.")), ("b", "prompt", second)]);
    workflow["settings"] = json!({"variables": {"tone": "plain"}});
    workflow
}

/// A place where it ran with this script, and its run.
fn ran(script: Value, code: i32) -> (Place, String) {
    let place = Place::new();
    place.write("w.json", two().to_string());
    place.write("w.mock.json", script.to_string());
    let done = place.lattice(&["run", "w.json", "--json"]);
    assert_eq!(done.code, Some(code), "{done:?}");
    let run = done.result()["runId"].as_str().unwrap().to_owned();
    (place, run)
}

fn events(place: &Place, run: &str) -> Vec<Value> {
    place.lattice(&["events", run, "--json"]).records()
}

fn seq_of(place: &Place, run: &str, kind: &str, stage: &str) -> String {
    let events = events(place, run);
    let is_it = |event: &&Value| event["type"] == kind && event["payload"]["stage"] == stage;
    let found = events.iter().find(is_it);
    found.unwrap_or_else(|| panic!("{events:?}"))["seq"].to_string()
}

fn types(events: &[Value], kind: &str) -> Vec<String> {
    let of = events.iter().filter(|event| event["type"] == kind);
    let stage = |event: &Value| event["payload"]["stage"].as_str().unwrap().to_owned();
    of.map(stage).collect()
}

#[test]
fn a_fork_keeps_what_was_done_and_does_the_rest_with_what_is_set() {
    let (place, run) = ran(json!({"stages": {"a": [{"text": "one"}]}}), 0);
    let at = seq_of(&place, &run, "stage.completed", "a");
    let words = [
        "fork",
        &run,
        "--at",
        &at,
        "--set",
        "vars.tone=\"kind\"",
        "--json",
    ];
    let done = place.lattice(&words);
    assert_eq!(done.code, Some(0), "{done:?}");
    let forked = done.result();
    let fork = forked["runId"].as_str().unwrap();
    assert_eq!(forked["forkedFrom"]["run"], json!(run));
    assert_eq!(forked["forkedFrom"]["seq"].to_string(), at);
    let shown = format!("from {run} at seq {at}");
    place.lattice(&["show", fork]).says(0, &["forked", &shown]);
    place.lattice(&["resume", fork]).says(0, &["completed in"]);
    let log = events(&place, fork);
    assert_eq!(log[0]["type"], "run.queued");
    assert_eq!(log[1]["type"], "run.forked");
    assert_eq!(types(&log, "stage.started"), ["b"]);
    let asked = log.iter().find(|event| event["type"] == "llm.step.started");
    assert!(
        asked.unwrap().to_string().contains("After one: kind"),
        "{asked:?}"
    );
    // The other run stays as it is.
    let before = events(&place, &run);
    place
        .lattice(&["resume"])
        .says(0, &["no run is unfinished"]);
    assert_eq!(events(&place, &run), before);
}

#[test]
fn a_redrive_does_the_failed_stage_again_and_nothing_before_it() {
    let script = json!({"stages": {"a": [{"text": "one"}], "b": [{"fault": "refused"}]}});
    let (place, run) = ran(script, 1);
    let done = place.lattice(&["fork", &run, "--from-failed"]);
    done.says(0, &["is forked from", "go on: lattice resume run_"]);
    let fork = place.newest_run("queued");
    place.write(
        "good.json",
        json!({"stages": {"b": [{"text": "two"}]}}).to_string(),
    );
    let done = place.lattice(&["resume", &fork, "--script", "good.json", "--json"]);
    assert_eq!(done.result()["output"], "two", "{done:?}");
    assert_eq!(types(&events(&place, &fork), "stage.started"), ["b"]);
}

#[test]
fn what_cannot_be_forked_is_refused_and_nothing_is_written() {
    let (place, run) = ran(json!({"stages": {"a": [{"text": "one"}]}}), 0);
    let last = events(&place, &run).len();
    let beyond = (last + 1).to_string();
    let at = seq_of(&place, &run, "stage.completed", "a");
    let refused = |words: &[&str], code: i32, texts: &[&str]| {
        let all: Vec<&str> = ["fork", &run].iter().chain(words).copied().collect();
        place.lattice(&all).fails(code, texts);
    };
    let range = format!("it has those from 1 to {last}");
    refused(&["--at", "0"], 1, &["has no event 0", &range]);
    refused(&["--at", &beyond], 1, &[&range]);
    refused(&["--from-failed"], 1, &["the run completed", "`--at`"]);
    refused(&[], 2, &["--at"]);
    refused(&["--at", "3", "--from-failed"], 2, &["cannot be used with"]);
    refused(&["--at", "x"], 2, &["invalid value"]);
    let set = |change: &str, texts: &[&str]| refused(&["--at", &at, "--set", change], 1, texts);
    set("vars.tone", &["`vars.tone` is not `PATH=JSON`"]);
    set(
        "vars.tone=kind",
        &["the value of `vars.tone` is not JSON", "quotes"],
    );
    set("vars.tune=1", &["`vars.tune` is not there", "`tone`"]);
    set(
        "nodes.b.output=1",
        &["`nodes.b.output` is not there", "`a`"],
    );
    set("env.HOME=1", &["`env.HOME` cannot be set", "`vars.NAME`"]);
    set(
        "vars.tone.x=1",
        &["`vars.tone.x` leads to `x` inside a text"],
    );
    let twice = ["--at", &at, "--set", "vars.tone=1", "--set", "vars.tone=2"];
    refused(&twice, 1, &["`vars.tone` is set twice"]);
    let nobody = "run_00000000000000000000000000";
    place
        .lattice(&["fork", nobody, "--at", "1"])
        .fails(1, &["there is no run"]);
    place
        .lattice(&["fork", "x", "--at", "1"])
        .fails(1, &["`lattice runs` lists"]);
    let runs = place.lattice(&["runs", "--json"]);
    assert_eq!(runs.records().len(), 1, "{runs:?}");
}

#[test]
fn a_key_gives_one_fork_and_no_other_run() {
    let (place, run) = ran(json!({"stages": {"a": [{"text": "one"}]}}), 0);
    let fork = |words: &[&str]| {
        let all: Vec<&str> = ["fork", &run, "--json", "--key", "k"]
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        place.lattice(&all)
    };
    let first = fork(&["--at", "4"]).result();
    let again = fork(&["--at", "4"]).result();
    assert_eq!(
        (&again["runId"], &again["known"]),
        (&first["runId"], &json!(true))
    );
    assert_eq!(again["forkedFrom"], first["forkedFrom"]);
    for other in [vec!["--at", "5"], vec!["--at", "4", "--set", "vars.tone=1"]] {
        let done = fork(&other);
        assert_eq!(done.code, Some(1), "{done:?}");
        assert!(
            format!("{done:?}").contains("the key belongs to run"),
            "{done:?}"
        );
    }
    let done = place.lattice(&["run", "w.json", "--key", "k"]);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(
        format!("{done:?}").contains("the key belongs to run"),
        "{done:?}"
    );
}

#[test]
fn a_fork_of_a_fork_begins_behind_its_beginning() {
    let (place, run) = ran(json!({"stages": {"a": [{"text": "one"}]}}), 0);
    let at = seq_of(&place, &run, "stage.completed", "a");
    let fork = |run: &str, at: &str| place.lattice(&["fork", run, "--at", at, "--json"]);
    let first = fork(&run, &at).result()["runId"]
        .as_str()
        .unwrap()
        .to_owned();
    fork(&first, "1").fails(1, &[]);
    let second = fork(&first, "2").result()["runId"]
        .as_str()
        .unwrap()
        .to_owned();
    place
        .lattice(&["resume", &second])
        .says(0, &["completed in"]);
    assert_eq!(types(&events(&place, &second), "stage.started"), ["b"]);
}

#[test]
fn a_killed_fork_goes_on_and_ends_once() {
    let script =
        json!({"stages": {"a": [{"text": "one"}], "b": [{"text": "two", "latencyMs": 60_000}]}});
    let place = Place::new();
    place.write("w.json", two().to_string());
    place.write("slow.json", script.to_string());
    let fast = json!({"stages": {"a": [{"text": "one"}], "b": [{"text": "two"}]}});
    place.write("w.mock.json", fast.to_string());
    let done = place.lattice(&["run", "w.json", "--json"]);
    let run = done.result()["runId"].as_str().unwrap().to_owned();
    let at = seq_of(&place, &run, "stage.completed", "a");
    let done = place.lattice(&["fork", &run, "--at", &at, "--json"]);
    let fork = done.result()["runId"].as_str().unwrap().to_owned();
    let live = place.start(&["resume", &fork, "--script", "slow.json"]);
    let began = std::time::Instant::now();
    while types(&events(&place, &fork), "stage.started").is_empty() {
        assert!(began.elapsed() < common::LONG, "nothing is claimed");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    live.signal("-KILL");
    assert_eq!(live.end().code, None);
    let done = place.lattice(&["resume", &fork, "--script", "w.mock.json", "--json"]);
    assert_eq!(done.result()["output"], "two", "{done:?}");
    let log = events(&place, &fork);
    let ends = log.iter().filter(|event| event["type"] == "run.completed");
    assert_eq!(ends.count(), 1);
    assert_eq!(types(&log, "stage.started"), ["b", "b"]);
}

#[test]
fn the_server_forks_a_run_and_says_where_it_comes_from() {
    let (place, run) = ran(json!({"stages": {"a": [{"text": "one"}]}}), 0);
    let at = seq_of(&place, &run, "stage.completed", "a");
    let at: u64 = at.parse().unwrap();
    let dev = Dev::start(&place, &[]);
    let path = format!("/v1/runs/{run}/fork");
    let post = |body: &Value| dev.send("POST", &path, &[], Some(body));
    let answer = post(&json!({"at": at, "set": {"vars.tone": "kind"}, "idempotencyKey": "k"}));
    assert_eq!(answer.status, 201, "{answer:?}");
    let fork: Value = serde_json::from_str(&answer.text).unwrap();
    let shown = dev.get(&format!("/v1/runs/{}", fork["runId"].as_str().unwrap()));
    let shown: Value = serde_json::from_str(&shown.text).unwrap();
    assert_eq!(shown["forkedFrom"], fork["forkedFrom"]);
    let rows = dev.get("/v1/runs").json();
    let row = rows["runs"].as_array().unwrap();
    let row = row.iter().find(|row| row["runId"] == fork["runId"]);
    let point = json!({"run": run, "seq": at});
    assert_eq!(row.unwrap()["forkedFrom"], point, "{rows}");
    // The process that owns the data says where it can be asked.
    let aside = place.lattice(&["fork", &run, "--at", &at.to_string()]);
    aside.fails(1, &["http://127.0.0.1:"]);
    for (body, status, said) in [
        (json!({}), 422, "either `at` or `fromFailed`"),
        (json!({"at": at, "fromFailed": true}), 422, "either"),
        (json!({"at": 0}), 422, "has no event 0"),
        (json!({"at": 9_999}), 409, "has no event 9999"),
        (json!({"fromFailed": true}), 422, "the run completed"),
        (
            json!({"at": at, "set": {"vars.tune": 1}}),
            422,
            "the variables there are `tone`",
        ),
        (
            json!({"at": at, "idempotencyKey": "k"}),
            409,
            "is not this fork",
        ),
        (json!({"at": at, "sett": {}}), 400, "sett"),
    ] {
        let answer = post(&body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.text.contains(said), "{body}: {answer:?}");
    }
    dev.stop();
}
