//! Runs that nobody starts by hand: webhooks that `lattice dev` takes, schedules that it fires.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// When a schedule fires is what is tried here.
#![allow(clippy::disallowed_methods)]

mod common;

use common::http::Dev;
use common::{LONG, Place};
use lattice_model::Millis;
use serde_json::{Value, json};
use std::time::{Instant, SystemTime};

const KEY: &str = "a key that only two know";

fn workflow(id: &str, trigger: &str, settings: &Value, output: &str) -> Value {
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": id,
        "nodes": [
            { "id": "begin", "type": trigger, "settings": settings },
            { "id": "end", "type": "end", "settings": { "output": output } },
        ],
        "edges": [{ "id": "e1", "from": "begin", "to": "end" }],
    })
}

fn hooked() -> Value {
    let settings = json!({ "authentication": { "type": "api-key", "secret": "{{secret.SHOP}}" } });
    workflow("orders", "webhookTrigger", &settings, "{{in.body.order}}")
}

/// Fires once, so many seconds from now.
fn soon(id: &str, seconds: u64) -> Value {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let at = Millis::new(u64::try_from(now).unwrap() + seconds * 1_000).rfc3339();
    let settings = json!({ "expression": format!("at({})", &at[..19]), "input": { "n": seconds } });
    workflow(id, "scheduleTrigger", &settings, "{{in.n}}")
}

fn store(dev: &Dev, document: &Value) -> Value {
    let path = format!("/v1/workflows/{}", document["id"].as_str().unwrap());
    let made = dev.send("PUT", &path, &[("if-none-match", "*")], Some(document));
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

/// The runs of a workflow, once there is one that is completed.
fn completed(dev: &Dev, workflow: &str) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let page = dev.get(&format!("/v1/runs?workflow={workflow}")).json();
        let runs = page["runs"].as_array().unwrap();
        if runs.iter().any(|run| run["status"] == "completed") {
            return runs.clone();
        }
        assert!(began.elapsed() < LONG, "{page}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

fn output(dev: &Dev, run: &Value) -> Value {
    let run = run["runId"].as_str().unwrap();
    dev.get(&format!("/v1/runs/{run}")).json()["output"].clone()
}

#[test]
fn a_webhook_starts_a_run() {
    let mut place = Place::new();
    place.set("LATTICE_SECRET_SHOP", KEY);
    let dev = Dev::start(&place, &[]);
    let hook = store(&dev, &hooked())["hooks"][0].clone();
    let path = hook["path"].as_str().unwrap();
    let body = json!({ "order": 7 });
    let send = |key: &str| {
        let headers = [("x-api-key", key), ("idempotency-key", "7")];
        dev.send("POST", path, &headers, Some(&body))
    };
    assert_eq!(send("another").status, 401);
    let started = send(KEY);
    assert_eq!(started.status, 202, "{started:?}");
    let again = send(KEY);
    assert_eq!(
        (again.status, &again.json()["runId"]),
        (200, &started.json()["runId"])
    );
    let runs = completed(&dev, "orders");
    assert_eq!((runs.len(), output(&dev, &runs[0])), (1, json!(7)));
    // Beside the server its address is shown, and without it the one it will have.
    let listed = place.lattice(&["hooks", "--json"]);
    let shown = listed.result();
    assert_eq!(
        shown["address"],
        format!("http://127.0.0.1:{}{path}", dev.port)
    );
    assert_eq!(
        (&shown["secret"], &shown["secretIsSet"]),
        (&json!("SHOP"), &json!(true))
    );
    let done = dev.stop();
    assert!(
        !done.out.contains(KEY) && !done.err.contains(KEY),
        "{done:?}"
    );
    assert!(done.err.contains("a webhook is taken"), "{done:?}");
    let table = place.lattice(&["hooks"]);
    assert!(
        table.out.contains(&format!("http://127.0.0.1:4870{path}")),
        "{table:?}"
    );
    let dev = Dev::start(&place, &[]);
    let done = dev.stop();
    assert!(
        done.out.contains("webhook of `orders`: http://127.0.0.1:"),
        "{done:?}"
    );
}

#[test]
fn a_webhook_without_its_secret_says_so_to_the_owner_alone() {
    let place = Place::new();
    let dev = Dev::start(&place, &[]);
    let saved = store(&dev, &hooked());
    let path = saved["hooks"][0]["path"].as_str().unwrap();
    let refused = dev.send("POST", path, &[("x-api-key", KEY)], Some(&json!({})));
    assert_eq!(
        (refused.status, refused.json()["code"].clone()),
        (401, json!("LAT-A060"))
    );
    assert!(!refused.text.contains("SHOP"), "{refused:?}");
    let done = dev.stop();
    assert!(done.err.contains("`LATTICE_SECRET_SHOP`"), "{done:?}");
    let table = place.lattice(&["hooks"]);
    assert!(
        table.out.contains("not set: LATTICE_SECRET_SHOP"),
        "{table:?}"
    );
}

#[test]
fn a_schedule_fires_once_while_the_server_runs() {
    let place = Place::new();
    let none = place.lattice(&["schedules"]);
    assert_eq!(none.code, Some(1), "there is no data yet: {none:?}");
    let dev = Dev::start(&place, &[]);
    let none = place.lattice(&["schedules"]);
    assert!(none.out.contains("no schedules"), "{none:?}");
    let saved = store(&dev, &soon("later", 2));
    let schedule = &saved["schedules"][0];
    let next = schedule["nextAt"].as_str().unwrap();
    assert!(
        schedule["expression"]
            .as_str()
            .unwrap()
            .contains(&next[..19])
    );
    let shown = place.lattice(&["schedules", "--json"]).result();
    assert_eq!(
        (&shown["nextAt"], &shown["node"]),
        (&json!(next), &json!("begin"))
    );
    let runs = completed(&dev, "later");
    assert_eq!((runs.len(), output(&dev, &runs[0])), (1, json!(2)));
    let run = runs[0]["runId"].as_str().unwrap();
    let first = dev.get(&format!("/v1/runs/{run}/events?limit=1")).json();
    let trigger = &first["events"][0]["payload"]["trigger"];
    assert_eq!(trigger["id"], schedule["id"]);
    assert_eq!(Millis::new(trigger["at"].as_u64().unwrap()).rfc3339(), next);
    let table = place.lattice(&["schedules"]);
    assert!(table.out.contains("never again"), "{table:?}");
    // It is armed at the next start too, and knows that it has fired.
    dev.stop();
    let dev = Dev::start(&place, &[]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(completed(&dev, "later").len(), 1);
    dev.stop();
}

#[test]
fn a_schedule_that_a_run_stored_is_armed_at_the_next_start() {
    let place = Place::new();
    place.write("soon.json", soon("stored", 4).to_string());
    let ran = place.lattice(&["run", "soon.json", "--input", "{\"n\": 0}"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let dev = Dev::start(&place, &[]);
    let began = Instant::now();
    while completed(&dev, "stored").len() < 2 {
        assert!(began.elapsed() < LONG);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    dev.stop();
}

#[test]
fn a_schedule_that_is_paused_beside_the_server_starts_nothing_until_it_is_resumed() {
    let place = Place::new();
    let dev = Dev::start(&place, &[]);
    let id = store(&dev, &soon("resting", 3))["schedules"][0]["id"].clone();
    let id = id.as_str().unwrap();
    let act = |act: &str| place.lattice(&["schedules", act, id]);
    let paused = act("pause");
    assert_eq!(paused.code, Some(0), "{paused:?}");
    assert!(paused.out.contains("`resting`") && paused.out.contains("is paused"));
    assert!(act("pause").out.contains("is paused already"));
    let shown = place.lattice(&["schedules", "--json"]).result();
    assert!(
        shown["pausedAt"].is_string() && shown["nextAt"].is_null(),
        "{shown}"
    );
    assert!(place.lattice(&["schedules"]).out.contains("paused since"));
    // Another one of the same moment fires, so the moment has come.
    store(&dev, &soon("awake", 3));
    completed(&dev, "awake");
    let runs = dev.get("/v1/runs?workflow=resting").json();
    assert_eq!(runs["runs"], json!([]));
    let resumed = act("resume");
    assert!(resumed.out.contains("fires again"), "{resumed:?}");
    let listed = dev.get("/v1/schedules?workflow=resting").json();
    assert!(listed["schedules"][0]["pausedAt"].is_null(), "{listed}");
    dev.stop();
    assert!(
        act("resume").out.contains("is not paused"),
        "without an owner"
    );
    for (id, act) in [("tr_00000000000000000000000000", "pause"), ("x", "resume")] {
        let none = place.lattice(&["schedules", act, id]);
        assert_eq!(none.code, Some(1), "{none:?}");
        assert!(none.err.contains("there is no schedule"), "{none:?}");
    }
}

#[test]
fn the_newest_moment_that_was_missed_is_made_up_for_once() {
    let place = Place::new();
    let mut document = soon("missed", 1);
    document["nodes"][0]["settings"]["missed"] = json!("once");
    place.write("missed.json", document.to_string());
    let ran = place.lattice(&["run", "missed.json", "--input", "{\"n\": 0}"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // Its moment passes before anybody fires.
    let began = Instant::now();
    let over = || {
        let listed = place.lattice(&["schedules", "--json"]).result();
        listed["nextAt"].is_null()
    };
    while !over() {
        assert!(began.elapsed() < LONG);
    }
    for _ in 0..2 {
        let dev = Dev::start(&place, &[]);
        while completed(&dev, "missed").len() < 2 {
            assert!(began.elapsed() < LONG);
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(completed(&dev, "missed").len(), 2);
        dev.stop();
    }
}
