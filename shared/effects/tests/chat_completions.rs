//! The OpenAI adapter against a real server on a real socket that misbehaves in every way it can.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Asking, compatible, outcome, server};
use lattice_effects::{Dialect, OpenAi, Telling};
use lattice_expr::Part;
use lattice_journal::{FailureKind, Usage};
use lattice_model::limits::MODEL_ANSWER_BYTES_MAX;
use lattice_model_server::{Behaviour, ModelServer, Options};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn an_answer_is_the_same_however_it_comes() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    let answer = "Grüße, 世界 🌍: done.";
    let ways = [Behaviour::Text, Behaviour::OneByte, Behaviour::Whole];
    server.script(ways.map(|way| way(answer.to_owned())));
    for _ in ways {
        let done = outcome(&provider, Asking::new("say three words"))
            .await
            .unwrap();
        assert_eq!((done.text.as_str(), done.finish.as_str()), (answer, "stop"));
        assert_eq!(done.model, "model-s");
        assert_eq!(
            done.usage,
            Usage {
                input_tokens: 3,
                output_tokens: 4
            }
        );
    }
}

#[tokio::test]
async fn a_server_that_closes_behind_each_stream_is_no_obstacle() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    for number in 0..20 {
        server.script([Behaviour::HangUp(number.to_string())]);
        let done = outcome(&provider, Asking::new("x")).await.unwrap();
        assert_eq!(done.text, number.to_string());
    }
    assert_eq!(server.connections(), 20);
}

#[tokio::test]
async fn the_question_carries_key_settings_and_idempotency_key() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    let schema = json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer", "minimum": 4}}});
    let asking = Asking::new("count").schema(schema.clone()).key(7);
    let done = outcome(&provider, asking).await.unwrap();
    assert_eq!(done.text, r#"{"n":4}"#);
    let seen = server.seen().remove(0);
    assert_eq!(
        seen.headers["authorization"],
        format!("Bearer {}", common::KEY)
    );
    assert_eq!(seen.headers["idempotency-key"], common::key(7).to_hex());
    assert_eq!(
        seen.body["response_format"]["json_schema"]["schema"],
        schema
    );
    assert_eq!(seen.body["model"], "model-s");
}

#[tokio::test]
async fn a_repeated_key_is_applied_once_where_keys_are_honoured() {
    for (honour_keys, applied) in [(true, 1), (false, 2)] {
        let options = Options {
            honour_keys,
            ..Options::default()
        };
        let server = ModelServer::start(options).await.unwrap();
        let provider = compatible(&server.base_url(), &[]);
        server.script([Behaviour::CutMidStream("kept for later use".to_owned())]);
        let (failure, _) = outcome(&provider, Asking::new("x").key(1))
            .await
            .unwrap_err();
        assert_eq!(failure.kind, FailureKind::Network);
        let done = outcome(&provider, Asking::new("x").key(1)).await.unwrap();
        assert_eq!(done.text == "kept for later use", honour_keys);
        assert_eq!(server.counts()[&common::key(1).to_hex()], applied);
    }
}

/// One way to go wrong: the behaviour, the kind, whether to try again, and words of the message.
type Case = (Behaviour, FailureKind, bool, &'static str);

fn status(status: u16, headers: &[(&'static str, &str)], body: &str) -> Behaviour {
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    Behaviour::Status(status, headers.collect(), body.to_owned())
}

#[rustfmt::skip]
fn ways_to_go_wrong() -> Vec<Case> {
    use FailureKind as Kind;
    let some = || "some words that come in several pieces".to_owned();
    vec![
        (status(401, &[], "{}"), Kind::Auth, false, "`OPENAI_API_KEY`"),
        (status(429, &[("retry-after", "3")], "{}"), Kind::RateLimit, true, "answered 429"),
        (status(500, &[], "<html>"), Kind::ProviderUnavailable, true, "answered 500"),
        (status(503, &[("retry-after", "3")], ""), Kind::ProviderUnavailable, true, "answered 503"),
        (status(307, &[("location", "http://127.0.0.1:1/")], ""), Kind::Configuration, false, "redirects"),
        (Behaviour::Close, Kind::Network, true, "broke the connection"),
        (Behaviour::CutMidStream(some()), Kind::Network, true, "broke the connection"),
        (Behaviour::EndMidStream(some()), Kind::Network, true, "in the middle"),
        (Behaviour::StallBeforeHeaders, Kind::Timeout, true, "no whole answer within"),
        (Behaviour::StallMidStream(some()), Kind::Timeout, true, "model `model-s`"),
        (Behaviour::GarbageBody, Kind::MalformedOutput, false, "`LATTICE_BASE_URL`"),
        (Behaviour::GarbageSse, Kind::MalformedOutput, false, "no chat completion"),
        (Behaviour::ErrorInStream(json!({"code": 503})), Kind::ProviderUnavailable, true, "broke its answer off"),
        (Behaviour::Huge(MODEL_ANSWER_BYTES_MAX + 1), Kind::Limit, false, "MODEL_ANSWER_BYTES_MAX"),
        (Behaviour::ContentFilter, Kind::Refused, false, "content filter"),
        (Behaviour::Refusal("I would rather not".to_owned()), Kind::Refused, false, "I would rather not"),
    ]
}

#[tokio::test]
async fn every_way_to_go_wrong_is_one_canonical_failure() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    let host = server.base_url().replace("http://", "").replace("/v1", "");
    for (behaviour, kind, retryable, words) in ways_to_go_wrong() {
        server.script([behaviour.clone()]);
        let timeout = if kind == FailureKind::Timeout {
            300
        } else {
            20_000
        };
        let asking = Asking::new("go wrong").timeout_ms(timeout);
        let started = Instant::now();
        let (failure, usage) = outcome(&provider, asking).await.unwrap_err();
        assert_eq!(
            (failure.kind, failure.retryable),
            (kind, retryable),
            "{behaviour:?}: {failure}"
        );
        assert!(failure.message.contains(words), "{failure}");
        assert!(failure.message.contains(&format!("`{host}`")), "{failure}");
        assert!(started.elapsed() < Duration::from_secs(15), "{behaviour:?}");
        let has_wait = matches!(&behaviour, Behaviour::Status(429 | 503, ..));
        assert_eq!(failure.retry_after_ms, has_wait.then_some(3_000));
        let took_it = !matches!(
            behaviour,
            Behaviour::Status(..) | Behaviour::Close | Behaviour::StallBeforeHeaders
        );
        assert_eq!(usage.input_tokens > 0, took_it, "{behaviour:?} {usage:?}");
    }
}

#[tokio::test]
async fn silence_counts_only_once_the_answer_has_begun() {
    let options = Options {
        latency: Duration::from_millis(400),
        ..Options::default()
    };
    let server = ModelServer::start(options).await.unwrap();
    server.script([
        Behaviour::Text("slow to begin".to_owned()),
        Behaviour::StallMidStream("a b c d".to_owned()),
    ]);
    let openai = OpenAi::new(Dialect::Compatible, &server.base_url(), None)
        .unwrap()
        .with_stall_max(Duration::from_millis(100));
    let asking = Asking::new("x");
    let done = openai
        .answer(&asking.ask(), &mut Telling::nobody())
        .await
        .unwrap();
    assert_eq!(done.text, "slow to begin");
    let asking = Asking::new("y");
    let (failure, usage) = openai
        .answer(&asking.ask(), &mut Telling::nobody())
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("silent for 100 ms"), "{failure}");
    assert!(usage.output_tokens > 0);
}

#[tokio::test]
async fn nobody_there_is_a_network_failure_that_says_where_to_look() {
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let provider = compatible(&format!("http://{gone}/v1"), &[]);
    let (failure, usage) = outcome(&provider, Asking::new("hello?")).await.unwrap_err();
    assert_eq!(
        (failure.kind, usage),
        (FailureKind::Network, Usage::default())
    );
    for words in [gone.to_string().as_str(), "refused", "`LATTICE_BASE_URL`"] {
        assert!(failure.message.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn an_answer_of_the_largest_size_is_taken() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    // "huge " is five bytes, and the server rounds up to a whole word.
    server.script([Behaviour::Huge(MODEL_ANSWER_BYTES_MAX - 5)]);
    let done = outcome(&provider, Asking::new("long").timeout_ms(60_000))
        .await
        .unwrap();
    assert!(
        done.text.len() <= MODEL_ANSWER_BYTES_MAX && done.text.len() > MODEL_ANSWER_BYTES_MAX - 10
    );
}

#[tokio::test]
async fn an_answer_without_usage_is_estimated_and_the_ceiling_is_told() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    server.script([
        Behaviour::Bare("12345678".to_owned()),
        Behaviour::Length("half an ans".to_owned()),
    ]);
    let done = outcome(&provider, Asking::new("1234")).await.unwrap();
    assert_eq!(
        done.usage,
        Usage {
            input_tokens: 1,
            output_tokens: 2
        }
    );
    let done = outcome(&provider, Asking::new("1234")).await.unwrap();
    assert_eq!(
        (done.text.as_str(), done.finish.as_str()),
        ("half an ans", "length")
    );
}

#[tokio::test]
async fn secrets_are_put_in_only_on_the_wire() {
    let server = server().await;
    let canary = "c4nary-value-of-a-secret";
    let provider = compatible(&server.base_url(), &[("SHOP", canary)]);
    let parts = || {
        vec![
            Part::Text("use {{secret.SHOP}} and ".to_owned()),
            Part::Secret("SHOP".to_owned()),
        ]
    };
    server.script([
        Behaviour::Text(format!("you said {canary}")),
        Behaviour::Text(json!({"password": "x", "said": canary}).to_string()),
        status(
            400,
            &[],
            &json!({"error": {"message": format!("bad {canary}")}}).to_string(),
        ),
        status(
            400,
            &[],
            &json!({"error": {"message": format!("bad {}", common::KEY)}}).to_string(),
        ),
    ]);
    let done = outcome(&provider, Asking::parts(parts())).await.unwrap();
    assert_eq!(done.text, "you said [redacted:declared-secret]");
    let sent = &server.seen()[0].body["messages"][0]["content"];
    assert_eq!(sent, &format!("use {{{{secret.SHOP}}}} and {canary}"));
    let done = outcome(&provider, Asking::parts(parts()).schema(json!(true)))
        .await
        .unwrap();
    let wanted = json!({"password": "[redacted:field]", "said": "[redacted:declared-secret]"});
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&done.text).unwrap(),
        wanted
    );
    for _ in 0..2 {
        let (failure, _) = outcome(&provider, Asking::parts(parts()))
            .await
            .unwrap_err();
        assert!(failure.message.contains("bad [redacted:"), "{failure}");
    }
}

#[tokio::test]
async fn a_missing_secret_or_model_stops_the_call_before_it_is_sent() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    let missing = Asking::parts(vec![Part::Secret("GONE".to_owned())]);
    let (failure, _) = outcome(&provider, missing).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Configuration);
    assert!(
        failure.message.contains("`LATTICE_SECRET_GONE`"),
        "{failure}"
    );
    let (failure, _) = outcome(&provider, Asking::new("x").model("large"))
        .await
        .unwrap_err();
    assert!(
        failure.message.contains("`LATTICE_MODEL_LARGE`"),
        "{failure}"
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn dropping_the_call_closes_the_connection_and_the_next_one_works() {
    let server = server().await;
    let provider = compatible(&server.base_url(), &[]);
    server.script([Behaviour::StallMidStream("some words that hang".to_owned())]);
    let call = outcome(&provider, Asking::new("x"));
    assert!(
        tokio::time::timeout(Duration::from_millis(200), call)
            .await
            .is_err()
    );
    assert!(outcome(&provider, Asking::new("y")).await.is_ok());
    assert_eq!(server.connections(), 2);
}
