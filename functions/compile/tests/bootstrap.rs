//! The bootstrap as a process: a request in, an answer out, as API Gateway takes it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use lattice_runtime::{Function, environment};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

#[tokio::test]
async fn a_request_is_answered_in_the_gateways_own_shape() {
    let bootstrap = Path::new(env!("CARGO_BIN_EXE_compile"));
    let mut function = Function::start(bootstrap, &environment()).await.unwrap();
    for (file, status) in [
        ("compile-health", 200),
        ("compile-document", 401),
        ("start-run", 404),
    ] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/invoke");
        let event = std::fs::read_to_string(format!("{folder}/{file}.json")).unwrap();
        let answer = function
            .invoke(&event, Duration::from_secs(30))
            .await
            .unwrap();
        let answer: Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(answer["statusCode"], status, "{answer}");
        let sniff = answer["headers"]["x-content-type-options"].as_str();
        assert_eq!(sniff.is_some(), file != "start-run", "{answer}");
    }
    let said = function.stop().await;
    assert!(said.contains(r#""operation":"health""#), "{said}");
}
