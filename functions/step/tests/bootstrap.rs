//! The bootstrap as a process: it starts, says what is missing, and reports messages one by one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use lattice_runtime::{Function, RuntimeError, environment};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

fn bootstrap() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_step"))
}

#[tokio::test]
async fn a_batch_is_answered_message_by_message_and_told_in_the_log() {
    let mut environment = environment();
    environment.insert("LATTICE_LOG".to_owned(), "info".to_owned());
    let mut function = Function::start(bootstrap(), &environment).await.unwrap();
    let event = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../events/invoke/step-batch.json"
    );
    let event = std::fs::read_to_string(event).unwrap();
    let answer = function
        .invoke(&event, Duration::from_secs(60))
        .await
        .unwrap();
    assert!(!answer.failed, "{}", answer.text());
    // Nothing of AWS answers here, so both come again: one because its run cannot be read, the other
    // because it is none.
    let answer: Value = serde_json::from_str(&answer.text()).unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    assert_eq!(failures.len(), 2, "{answer}");
    // It goes on with the next batch.
    let empty = json!({ "Records": [] }).to_string();
    let answer = function
        .invoke(&empty, Duration::from_secs(60))
        .await
        .unwrap();
    assert_eq!(answer.text(), r#"{"batchItemFailures":[]}"#);
    let said = function.stop().await;
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let with =
        |name: &str, value: &str| lines.iter().any(|line| line[name].as_str() == Some(value));
    assert!(with("run", "run_01kamz5r000000000000000000"), "{said}");
    assert!(
        with("traceId", "4bf92f3577b34da6a3ce929d0e0e4736"),
        "{said}"
    );
    assert!(
        with("requestId", "11111111-2222-3333-4444-555555555555"),
        "{said}"
    );
    let counted = lines
        .iter()
        .find(|line| line["outcome"] == "unreadable")
        .unwrap();
    assert_eq!(counted["lattice_messages_total"], 1, "{said}");
    assert!(
        lines
            .iter()
            .any(|line| line["calls"]["dynamodb.GetItem"].is_u64()),
        "{said}"
    );
}

#[tokio::test]
async fn without_its_settings_it_says_all_that_is_missing_and_ends() {
    let mut environment = environment();
    environment.retain(|name, _| !name.starts_with("LATTICE_"));
    let ended = Function::start(bootstrap(), &environment).await;
    let Err(RuntimeError::Ended(status, said)) = ended else {
        panic!("it started");
    };
    assert!(!status.success());
    for name in [
        "LATTICE_TABLE",
        "LATTICE_BUCKET",
        "LATTICE_QUEUE_URL",
        "LATTICE_STAGE",
    ] {
        assert!(said.contains(&format!("`{name}` is not set")), "{said}");
    }
}

#[test]
fn nothing_of_the_compiler_is_in_it() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--quiet", "--package", "lattice-step"])
        .args(["--edges", "normal", "--prefix", "none"])
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("lattice-driver"), "{tree}");
    for refused in [
        "nodes", "document", "compiler", "export", "api", "wire", "local",
    ] {
        assert!(!tree.contains(&format!("lattice-{refused} ")), "{refused}");
    }
}
