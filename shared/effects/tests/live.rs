//! What a watcher sees of an answer while it comes: the stored text, only earlier and less of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Asking, Watcher, compatible, outcome, server, watched};
use lattice_effects::{EnvSecrets, Provider, ProviderConfig};
use lattice_expr::Part;
use lattice_journal::FailureKind;
use lattice_model_server::Behaviour;
use lattice_ports::Performer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const ANSWER: &str = "The lamp was sent on Monday, über the hills. It is expected on Thursday, and \
    whoever is at home then may sign for it; otherwise the neighbour keeps it until the evening.";
const CANARY: &str = "c4nary value of a secret";

fn scripted(script: &Value) -> Provider<EnvSecrets> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers.json");
    std::fs::write(&file, script.to_string()).unwrap();
    let env: BTreeMap<String, String> = BTreeMap::from([
        ("LATTICE_PROVIDER".to_owned(), "mock".to_owned()),
        ("LATTICE_MOCK_SCRIPT".to_owned(), file.display().to_string()),
        ("LATTICE_SECRET_SHOP".to_owned(), CANARY.to_owned()),
    ]);
    let secrets = EnvSecrets::new(&env);
    let known: Vec<_> = secrets.values().collect();
    let config = ProviderConfig::from_settings(&env, None).unwrap();
    Provider::new(config, secrets)
        .unwrap()
        .with_known_secrets(known)
}

/// The end of what was told: a beginning of the text, and most of it.
fn assert_most(told: &[String], text: &str) {
    let last = told.last().expect("nothing was told");
    assert!(text.starts_with(last.as_str()), "{last}");
    assert!(last.len() + 40 >= text.len(), "{last}");
}

#[tokio::test]
async fn a_streamed_answer_is_told_as_it_comes() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    for way in [Behaviour::Text, Behaviour::OneByte] {
        server.script([way(ANSWER.to_owned())]);
        let (outcome, told) = watched(&provider, Asking::new("where is it")).await;
        assert!(told.len() >= 4, "{told:?}");
        assert_most(&told, &outcome.unwrap().text);
    }
}

#[tokio::test]
async fn a_watcher_who_comes_late_is_told_everything_and_nobody_is_told_nothing() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    server.script([ANSWER, ANSWER].map(|text| Behaviour::Text(text.to_owned())));
    let late = Watcher::after(12);
    provider.perform(Asking::new("x").0, &late).await.unwrap();
    let told = late.told();
    assert!(told[0].len() > 40, "{told:?}");
    assert_most(&told, ANSWER);
    let never = Watcher::after(u64::MAX);
    provider.perform(Asking::new("x").0, &never).await.unwrap();
    assert!(never.told().is_empty());
}

#[tokio::test]
async fn secrets_are_never_told_however_they_are_cut() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[("SHOP", CANARY)]);
    let token = format!("{}{}", "npm_", "a1B2".repeat(9));
    let answer = format!("They said {CANARY} and {token}, so I, too, say {CANARY}. {ANSWER}");
    for way in [Behaviour::Text, Behaviour::OneByte] {
        server.script([way(answer.clone())]);
        let parts = vec![Part::Secret("SHOP".to_owned())];
        let (outcome, told) = watched(&provider, Asking::parts(parts)).await;
        let stored = outcome.unwrap().text;
        assert!(
            stored.contains("[redacted:npm-token]") && !stored.contains("c4nary"),
            "{stored}"
        );
        for text in &told {
            assert!(stored.starts_with(text.as_str()), "{text}");
        }
        assert_most(&told, &stored);
    }
}

#[tokio::test]
async fn an_answer_with_a_schema_is_told_only_whole() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    let answer = json!({"password": "words that are no secret by themselves", "note": ANSWER});
    server.script([Behaviour::Text(answer.to_string())]);
    let (outcome, told) = watched(&provider, Asking::new("x").schema(json!(true))).await;
    assert!(outcome.unwrap().text.contains("[redacted:field]"));
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_stream_that_hangs_or_breaks_was_told_as_far_as_it_came() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    for (behaviour, kind) in [
        (
            Behaviour::StallMidStream(ANSWER.to_owned()),
            FailureKind::Timeout,
        ),
        (
            Behaviour::CutMidStream(ANSWER.to_owned()),
            FailureKind::Network,
        ),
    ] {
        server.script([behaviour]);
        let (outcome, told) = watched(&provider, Asking::new("x").timeout_ms(1_000)).await;
        assert_eq!(outcome.unwrap_err().0.kind, kind);
        assert!(
            ANSWER.starts_with(told.last().unwrap().as_str()),
            "{told:?}"
        );
        assert!(told.last().unwrap().len() > 40, "{told:?}");
    }
    // The next attempt begins anew.
    server.script([Behaviour::Text(ANSWER.to_owned())]);
    let (outcome, told) = watched(&provider, Asking::new("x").attempt(2)).await;
    assert!(told[0].len() < 40, "{told:?}");
    assert_most(&told, &outcome.unwrap().text);
}

#[tokio::test]
async fn the_mock_tells_its_pieces_over_its_latency() {
    let text = format!("As you wish: {CANARY}. {ANSWER}");
    let entry = |more: Value| {
        let mut entry = json!({"text": text, "latencyMs": 300, "chunks": 12});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        entry
    };
    let provider = scripted(&json!({"stages": {"ask": [
        entry(json!({"when": "break", "fault": "cut"})),
        entry(json!({})),
    ]}}));
    let started = Instant::now();
    let (whole, told) = watched(&provider, Asking::new("x")).await;
    assert!(started.elapsed() >= Duration::from_millis(300));
    let stored = whole.unwrap().text;
    assert!(
        stored.starts_with("As you wish: [redacted:declared-secret]. "),
        "{stored}"
    );
    assert!((6..=12).contains(&told.len()), "{told:?}");
    assert_most(&told, &stored);
    let (broken, told) = watched(&provider, Asking::new("break")).await;
    assert_eq!(broken.unwrap_err().0.kind, FailureKind::Network);
    let last = told.last().unwrap();
    assert!(
        stored.starts_with(last) && last.len() < stored.len() / 2 + 20,
        "{last}"
    );
    let (late, told) = watched(&provider, Asking::new("x").timeout_ms(200)).await;
    assert_eq!(late.unwrap_err().0.kind, FailureKind::Timeout);
    assert!(told.len() > 2 && told.last().unwrap().len() < stored.len());
}

#[tokio::test]
async fn what_the_mock_says_at_once_is_not_told() {
    let provider = scripted(&json!({"stages": {}}));
    let (made_up, told) = watched(&provider, Asking::new("Name a colour")).await;
    assert!(made_up.is_ok() && told.is_empty());
    assert!(
        outcome(&provider, Asking::new("Name a colour"))
            .await
            .is_ok()
    );
}
