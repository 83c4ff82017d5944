//! The OpenAI adapter against `@copilotkit/aimock`, an independent implementation of the wire
//! format. It is built only with the feature `aimock`, because the server is not ours to ship:
//!
//! ```sh
//! npm install --prefix target/aimock @copilotkit/aimock@1.43.0
//! AIMOCK=target/aimock/node_modules/.bin/llmock \
//!     cargo nextest run -p lattice-effects --features aimock --test aimock
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Asking, KEY, compatible, outcome};
use lattice_effects::{EnvSecrets, Provider};
use lattice_journal::{FailureKind, Usage};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

struct Aimock {
    child: Child,
    _folder: tempfile::TempDir,
    provider: Provider<EnvSecrets>,
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the server with our fixtures and waits for its port.
fn aimock(arguments: &[&str], keys: &str) -> Aimock {
    let program = std::env::var("AIMOCK").expect("set `AIMOCK` as the head of this file says");
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(&program);
    let port = free_port();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fixtures.json");
    std::fs::write(&file, fixtures().to_string()).unwrap();
    let mut child = Command::new(here)
        .args([
            "--port",
            &port.to_string(),
            "--fixtures",
            file.to_str().unwrap(),
        ])
        .args(["--strict", "--chunk-size", "3"])
        .args(arguments)
        .env("AIMOCK_API_KEYS", keys)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines
        .map_while(Result::ok)
        .any(|line| line.contains(&port.to_string()));
    assert!(ready, "the server ended before it listened");
    let provider = compatible(&format!("http://127.0.0.1:{port}/v1"), &[]);
    Aimock {
        child,
        _folder: folder,
        provider,
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn fixtures() -> serde_json::Value {
    let answer = |prompt: &str, content: &str| json!({"match": {"userMessage": prompt}, "response": {"content": content}});
    let fault = |prompt: &str, status: u16, code: &str| {
        json!({
            "match": {"userMessage": prompt},
            "response": {"error": {"message": "as scripted", "code": code}, "status": status},
        })
    };
    let mut cut = answer("break off", "an answer long enough to be cut in the middle");
    cut["truncateAfterChunks"] = json!(3);
    let mut counted = answer("count", "one two");
    counted["response"]["usage"] = json!({"prompt_tokens": 11, "completion_tokens": 7});
    let mut filtered = answer("forbidden", "");
    filtered["response"]["finishReason"] = json!("content_filter");
    json!({"fixtures": [
        answer("greet", "Grüße, 世界 🌍"),
        counted, cut, filtered,
        fault("quota", 429, "insufficient_quota"),
        fault("too long", 400, "context_length_exceeded"),
        fault("no model", 404, "model_not_found"),
        fault("overloaded", 503, "overloaded"),
    ]})
}

async fn kind(server: &Aimock, prompt: &str) -> (FailureKind, bool) {
    let (failure, _) = outcome(&server.provider, Asking::new(prompt))
        .await
        .unwrap_err();
    (failure.kind, failure.retryable)
}

#[tokio::test]
async fn answers_and_scripted_faults_are_read() {
    let server = aimock(&[], KEY);
    let done = outcome(&server.provider, Asking::new("greet"))
        .await
        .unwrap();
    assert_eq!(
        (done.text.as_str(), done.finish.as_str()),
        ("Grüße, 世界 🌍", "stop")
    );
    let done = outcome(&server.provider, Asking::new("count"))
        .await
        .unwrap();
    assert_eq!(
        done.usage,
        Usage {
            input_tokens: 11,
            output_tokens: 7
        }
    );
    for (prompt, wanted) in [
        ("break off", (FailureKind::Network, true)),
        ("forbidden", (FailureKind::Refused, false)),
        ("quota", (FailureKind::RateLimit, false)),
        ("too long", (FailureKind::ContextLength, false)),
        ("no model", (FailureKind::Configuration, false)),
        ("overloaded", (FailureKind::ProviderUnavailable, true)),
    ] {
        assert_eq!(kind(&server, prompt).await, wanted, "{prompt}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_an_auth_failure() {
    let server = aimock(&[], "another-key");
    assert_eq!(kind(&server, "greet").await, (FailureKind::Auth, false));
}

#[tokio::test]
async fn chaos_is_read_as_what_it_is() {
    for (chaos, wanted) in [
        ("--chaos-drop", (FailureKind::ProviderUnavailable, true)),
        ("--chaos-malformed", (FailureKind::MalformedOutput, false)),
        ("--chaos-disconnect", (FailureKind::Network, true)),
        ("--chaos-ratelimit", (FailureKind::RateLimit, true)),
    ] {
        let server = aimock(&[chaos, "1"], KEY);
        assert_eq!(kind(&server, "greet").await, wanted, "{chaos}");
    }
}
