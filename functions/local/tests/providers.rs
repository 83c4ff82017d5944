//! A provider that is down, refuses, stalls, breaks off or talks nonsense ends a run with a clear
//! sentence, and the run is stored with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt};
use lattice_model_server::{Behaviour, ModelServer, Options};
use serde_json::json;

fn workflow(attempts: u32) -> String {
    let settings = json!({"prompt": "Say hello.", "maxAttempts": attempts, "timeoutMs": 400});
    line(&[("draft", "prompt", settings)]).to_string()
}

async fn fails_with(behaviour: Behaviour, kind: &str, said: &str) {
    let server = ModelServer::start(Options::default()).await.unwrap();
    let shown = format!("{behaviour:?}");
    server.script([behaviour]);
    let place = Place::with_server(&server.base_url());
    place.write("w.json", workflow(1));
    let done = tokio::task::block_in_place(|| place.lattice(&["run", "w.json", "--json"]));
    let result = done.result();
    assert_eq!(
        (done.code, &result["status"]),
        (Some(1), &json!("failed")),
        "{shown}: {done:?}"
    );
    assert_eq!(result["failure"]["kind"], kind, "{shown}: {result}");
    let message = result["failure"]["message"].as_str().unwrap();
    assert!(
        message.contains(said) && message.contains("127.0.0.1"),
        "{shown}: {message}"
    );
    assert_eq!(result["node"], "draft");
    let run = result["runId"].as_str().unwrap();
    tokio::task::block_in_place(|| place.lattice(&["show", run])).says(0, &["failed", kind]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_misbehaviour_has_its_kind_and_its_sentence() {
    let status = |status| Behaviour::Status(status, vec![], "{}".to_owned());
    for (behaviour, kind, said) in [
        (status(401), "auth", "OPENAI_API_KEY"),
        (status(429), "rate_limit", "429"),
        (status(503), "provider_unavailable", "503"),
        (Behaviour::Close, "network", ""),
        (Behaviour::StallBeforeHeaders, "timeout", " ms"),
        (
            Behaviour::StallMidStream("hello there".to_owned()),
            "timeout",
            "",
        ),
        (
            Behaviour::CutMidStream("hello there".to_owned()),
            "network",
            "",
        ),
        (Behaviour::GarbageBody, "malformed_output", ""),
        (Behaviour::GarbageSse, "malformed_output", ""),
        (Behaviour::ContentFilter, "refused", ""),
    ] {
        fails_with(behaviour, kind, said).await;
    }
}

#[test]
fn a_provider_that_is_down_is_named() {
    // Nothing listens on the discard port of this machine.
    let place = Place::with_server("http://127.0.0.1:9/v1");
    place.write("w.json", workflow(1));
    let done = place.lattice(&["run", "w.json"]);
    done.says(1, &["network: ", "127.0.0.1:9", " failed in "]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_comes_back_is_asked_again() {
    let server = ModelServer::start(Options::default()).await.unwrap();
    server.script([Behaviour::Close, Behaviour::Text("hello".to_owned())]);
    let place = Place::with_server(&server.base_url());
    place.write("w.json", workflow(2));
    let done = tokio::task::block_in_place(|| place.lattice(&["run", "w.json"]));
    done.says(0, &["↻ draft", "attempt 1 failed: network", "hello"]);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn a_slip_in_a_section_or_a_script_is_said() {
    let place = Place::new();
    place.write(
        "w.json",
        line(&[("draft", "prompt", prompt("Hi."))]).to_string(),
    );
    place.write(
        "s.json",
        r#"{"stages": {"draft": [{"text": "a"}], "drfat": [{"text": "b"}]}}"#,
    );
    let words = ["run", "w.json", "--script", "s.json"];
    let done = place.lattice(&words);
    done.fails(
        0,
        &["the mock script answers for `drfat`, and no node has that id"],
    );
    assert_eq!(done.err.matches("the mock script answers").count(), 1);
    place.write("lattice.toml", "[provder]\nkind = \"openai\"\n");
    let said = [
        "nothing reads `provder`",
        "help: its sections are `[provider]`",
    ];
    place.lattice(&words).fails(1, &said);
    place
        .lattice(&["doctor"])
        .says(1, &["broken  provider: nothing reads `provder`"]);
    // What needs no provider works all the same.
    assert_eq!(place.lattice(&["runs"]).code, Some(0));
}

/// Not when the node is reached, after calls that were paid for.
#[test]
fn a_class_without_a_model_is_refused_before_anything_starts() {
    let place = Place::with_server("http://127.0.0.1:9/v1");
    let mut asks = common::prompt("Hi.");
    asks["model"] = serde_json::json!("large");
    let document = common::line(&[("draft", "prompt", asks)]);
    place.write("w.json", document.to_string());
    place.lattice(&["run", "w.json"]).fails(
        1,
        &["at node `draft`: no model is set", "LATTICE_MODEL_LARGE"],
    );
    assert!(!place.path(".lattice").exists());
}
