//! Statuses and bodies in, canonical failures out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use serde_json::json;

const PEER: Peer<'static> = Peer {
    dialect: Dialect::OpenAi,
    host: "api.example",
    model: "m-1",
};

fn fail(status: u16, body: &Value, headers: &[(&'static str, &str)]) -> Failure {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    ErrorBody::of_bytes(body.to_string().as_bytes()).failure(&PEER, Some(status), Some(&map))
}

#[rustfmt::skip]
fn statuses_and_codes() -> Vec<(u16, Value, FailureKind, bool)> {
    use FailureKind as Kind;
    let code = |code: &str| json!({"error": {"message": "m", "code": code}});
    let kind = |kind: &str| json!({"error": {"message": "m", "type": kind, "code": 400}});
    let said = |text: &str| json!({"error": {"message": text, "type": "invalid_request_error"}});
    vec![
        (401, Value::Null, Kind::Auth, false),
        (403, code("permission"), Kind::Auth, false),
        (400, code("invalid_api_key"), Kind::Auth, false),
        (429, Value::Null, Kind::RateLimit, true),
        (429, code("insufficient_quota"), Kind::RateLimit, false),
        (429, kind("insufficient_quota"), Kind::RateLimit, false),
        (408, Value::Null, Kind::Timeout, true),
        (400, code("context_length_exceeded"), Kind::ContextLength, false),
        (400, kind("exceed_context_size_error"), Kind::ContextLength, false),
        (500, kind("exceed_context_size_error"), Kind::ContextLength, false),
        (400, said("This model's maximum context length is 8192 tokens"), Kind::ContextLength, false),
        (400, code("content_filter"), Kind::Refused, false),
        (404, Value::Null, Kind::Configuration, false),
        (404, code("model_not_found"), Kind::Configuration, false),
        (400, code("unsupported_parameter"), Kind::Configuration, false),
        (302, Value::Null, Kind::Configuration, false),
        (500, Value::Null, Kind::ProviderUnavailable, true),
        (502, json!("<html>"), Kind::ProviderUnavailable, true),
        (503, Value::Null, Kind::ProviderUnavailable, true),
        (529, kind("overloaded_error"), Kind::ProviderUnavailable, true),
        (400, said("what is this"), Kind::Unknown, false),
        (418, json!({"detail": "teapot"}), Kind::Unknown, false),
    ]
}

#[test]
fn every_status_and_code_has_its_kind() {
    for (status, body, wanted, retryable) in statuses_and_codes() {
        let failure = fail(status, &body, &[]);
        assert_eq!(
            (failure.kind, failure.retryable),
            (wanted, retryable),
            "{status} {body}"
        );
        for word in [
            "OpenAI",
            "`api.example`",
            "`m-1`",
            &status.to_string(),
            "; ",
        ] {
            assert!(failure.message.contains(word), "{}", failure.message);
        }
    }
}

#[test]
fn an_error_inside_a_stream_is_read_by_its_words_or_its_code() {
    for (error, wanted) in [
        (
            json!({"code": 503, "message": "x"}),
            FailureKind::ProviderUnavailable,
        ),
        (json!({"code": "429"}), FailureKind::RateLimit),
        (
            json!({"type": "server_error"}),
            FailureKind::ProviderUnavailable,
        ),
        (
            json!({"code": 400, "type": "exceed_context_size_error"}),
            FailureKind::ContextLength,
        ),
        (json!("odd"), FailureKind::Unknown),
    ] {
        let found = ErrorBody::in_stream(&json!({ "error": error })).unwrap();
        assert_eq!(found.failure(&PEER, None, None).kind, wanted, "{error}");
    }
    assert!(ErrorBody::in_stream(&json!({"error": null, "choices": []})).is_none());
}

#[test]
fn the_wait_is_taken_from_seconds_a_date_or_milliseconds() {
    let wait = |name, value: &str| fail(503, &Value::Null, &[(name, value)]).retry_after_ms;
    assert_eq!(wait("retry-after", "7"), Some(7_000));
    assert_eq!(wait("retry-after-ms", "250"), Some(250));
    assert_eq!(wait("retry-after", "soon"), None);
    assert_eq!(
        wait("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"),
        Some(0)
    );
    let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
    assert!((90_000..=100_000).contains(&wait("retry-after", &later).unwrap()));
    assert_eq!(wait("retry-after", "99999999999999999999"), None);
    assert_eq!(
        fail(401, &Value::Null, &[("retry-after", "7")]).retry_after_ms,
        None
    );
}

#[test]
fn the_words_of_the_provider_are_repeated_in_part_and_never_about_a_key() {
    let long = json!({"error": {"message": format!("line\n{}", "é".repeat(400))}});
    let message = fail(400, &long, &[]).message;
    assert!(
        message.contains("line é") && message.ends_with("[cut]\")"),
        "{message}"
    );
    let key = json!({"error": {"message": "Incorrect API key provided: abc***xyz"}});
    assert!(!fail(401, &key, &[]).message.contains("abc"));
}
