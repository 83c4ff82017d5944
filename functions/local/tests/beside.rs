//! Commands beside a live run, and what ends one: an answer, a cancel, Ctrl-C, SIGTERM, SIGKILL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{LONG, Live, Place, line, prompt, question, tenacious};
use serde_json::json;
use std::time::Instant;

/// A run that is in the middle of a slow model call.
fn slow() -> (Place, Live, String) {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("draft", "prompt", tenacious("Hi."))]).to_string(),
    );
    place.write(
        "w.mock.json",
        r#"{"stages": {"draft": [{"text": "late", "latencyMs": 60000}]}}"#,
    );
    let live = place.start(&["run", "w.json", "--json"]);
    let run = until_claimed(&place);
    (place, live, run)
}

fn until_claimed(place: &Place) -> String {
    let began = Instant::now();
    while !place.path(".lattice/lattice.db").exists() {
        assert!(began.elapsed() < LONG, "no data");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let run = place.newest_run("running");
    place.lattice(&["events", &run]).says(0, &["stage.started"]);
    run
}

#[test]
fn an_answer_reaches_a_run_in_another_process() {
    let place = Place::new();
    let mut asks = question();
    asks["timeoutMs"] = json!(50_000);
    place.write(
        "w.json",
        line(&[("ask", "askUserQuestion", asks)]).to_string(),
    );
    let live = place.start(&["run", "w.json"]);
    while !place.path(".lattice/lattice.db").exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let run = place.newest_run("waiting");
    let follower = place.start(&["events", &run, "--follow", "--json"]);
    let said = format!("the run goes on in process {}", live.id());
    place
        .lattice(&["signal", &run, "ask", "Send"])
        .says(0, &[&said]);
    live.end().says(0, &["✓ ask", "completed in"]);
    let followed = follower.end();
    assert_eq!(
        (followed.code, &followed.result()["type"]),
        (Some(0), &json!("run.completed"))
    );
}

#[test]
fn a_cancel_reaches_a_run_in_another_process_in_the_middle_of_a_call() {
    let (place, live, run) = slow();
    place
        .lattice(&["cancel", &run])
        .says(0, &["the cancel is stored"]);
    let done = live.end();
    assert_eq!(
        (done.code, &done.result()["status"]),
        (Some(1), &json!("cancelled")),
        "{done:?}"
    );
    place
        .lattice(&["cancel", &run])
        .fails(1, &["is over (cancelled)"]);
}

#[test]
fn a_cancel_without_an_owner_ends_the_run_itself() {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("ask", "askUserQuestion", question())]).to_string(),
    );
    assert_eq!(place.lattice(&["run", "w.json"]).code, Some(3));
    let run = place.newest_run("waiting");
    place
        .lattice(&["cancel", &run])
        .says(0, &[&format!("{run} is cancelled")]);
    place
        .lattice(&["show", &run])
        .says(0, &["cancelled at event"]);
    assert_eq!(place.lattice(&["resume", &run]).code, Some(1));
}

#[test]
fn ctrl_c_cancels_the_run_and_returns_130() {
    let (place, live, run) = slow();
    live.signal("-INT");
    let done = live.end();
    assert_eq!(
        (done.code, &done.result()["status"]),
        (Some(130), &json!("cancelled")),
        "{done:?}"
    );
    place
        .lattice(&["events", &run])
        .says(0, &["cancel.requested", "run.cancelled"]);
}

#[test]
fn sigterm_stops_and_the_run_goes_on_later() {
    let (place, live, run) = slow();
    live.signal("-TERM");
    let done = live.end();
    assert_eq!(
        (done.code, &done.result()["status"]),
        (Some(143), &json!("running")),
        "{done:?}"
    );
    let done = place.lattice(&["resume", &run]);
    done.says(0, &["✓ draft", "completed in"]);
}

#[test]
fn after_sigkill_resume_goes_on_at_once() {
    let (place, live, run) = slow();
    live.signal("-KILL");
    assert_eq!(live.end().code, None);
    // The dead process held a lease of two minutes, which its successor does not wait for.
    place
        .lattice(&["resume", "--json"])
        .says(0, &["\"attempt\":2", "\"completed\""]);
    place
        .lattice(&["runs", "--status", "completed"])
        .says(0, &[&run]);
}

/// Another run may have been started with another provider: who was not asked leaves it alone.
#[test]
fn a_process_carries_on_only_the_runs_it_was_asked_for() {
    let (place, live, slow) = slow();
    place.write(
        "ask.json",
        line(&[("ask", "askUserQuestion", question())]).to_string(),
    );
    live.signal("-KILL");
    live.end();
    let waiting = place.lattice(&["run", "ask.json", "--json"]);
    assert_eq!(waiting.code, Some(3), "{waiting:?}");
    let waiting = waiting.result()["runId"].as_str().unwrap().to_owned();
    let live = place.start(&["run", "w.json", "--json"]);
    while place.newest_run("running") == slow {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    place
        .lattice(&["signal", &waiting, "ask", "Send"])
        .says(0, &["is stored"]);
    // Time enough for the owner to see the write and to do nothing about it.
    std::thread::sleep(std::time::Duration::from_millis(300));
    place
        .lattice(&["show", &waiting])
        .says(0, &["waiting at event"]);
    live.signal("-KILL");
    live.end();
    place
        .lattice(&["resume", &waiting])
        .says(0, &["completed in"]);
    place
        .lattice(&["show", &slow])
        .says(0, &["running at event"]);
}

#[test]
fn a_second_owner_is_refused_by_name() {
    let (place, live, _run) = slow();
    let process = format!("is in use by process {} since 20", live.id());
    for words in [vec!["run", "w.json"], vec!["resume"]] {
        place
            .lattice(&words)
            .fails(1, &["`.lattice`", &process, "--data"]);
    }
    let elsewhere = place.lattice(&["run", "w.json", "--data", "other", "--script", "none.json"]);
    elsewhere.fails(1, &["`none.json`"]);
    place
        .lattice(&["doctor"])
        .says(0, &[&format!("in use by process {}", live.id())]);
}

#[test]
fn several_runs_are_carried_on_together() {
    let place = Place::new();
    place.write(
        "ask.json",
        line(&[("ask", "askUserQuestion", question())]).to_string(),
    );
    place.write(
        "fail.json",
        line(&[
            ("ask", "askUserQuestion", question()),
            ("next", "prompt", prompt("Hi.")),
        ])
        .to_string(),
    );
    assert_eq!(place.lattice(&["run", "ask.json"]).code, Some(3));
    assert_eq!(place.lattice(&["run", "fail.json"]).code, Some(3));
    let failing = place.newest_run("waiting");
    assert_eq!(place.lattice(&["resume"]).code, Some(3));
    assert_eq!(
        place.lattice(&["signal", &failing, "ask", "Send"]).code,
        Some(0)
    );
    place.write("s.json", r#"{"stages": {"next": [{"fault": "auth"}]}}"#);
    let done = place.lattice(&["resume", "--script", "s.json"]);
    done.says(1, &["failed in", "waits for a person"]);
}

#[test]
fn a_stopped_delay_waits_for_nobody_and_says_how_to_go_on() {
    let place = Place::new();
    let delay = json!({"delayType": "duration", "duration": 60, "unit": "seconds"});
    place.write("w.json", line(&[("rest", "delay", delay)]).to_string());
    let live = place.start(&["run", "w.json"]);
    let began = Instant::now();
    while !place.path(".lattice/lattice.db").exists() {
        assert!(began.elapsed() < LONG, "no data");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let run = place.newest_run("waiting");
    live.signal("-TERM");
    let said = format!("go on:  lattice resume {run}");
    live.end().says(143, &[&said, "is unfinished after"]);
}

#[test]
fn the_reason_of_a_cancel_is_shown_where_the_run_ends() {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("draft", "prompt", tenacious("Hi."))]).to_string(),
    );
    place.write(
        "w.mock.json",
        r#"{"stages": {"draft": [{"text": "late", "latencyMs": 60000}]}}"#,
    );
    let live = place.start(&["run", "w.json"]);
    let run = until_claimed(&place);
    let said = format!("the run ends in process {}", live.id());
    place
        .lattice(&["cancel", &run, "--reason", "wrong input"])
        .says(0, &[&said]);
    live.end()
        .says(1, &["cancel requested: wrong input", "cancelled after"]);
}
