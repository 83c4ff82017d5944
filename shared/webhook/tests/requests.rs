//! What a request must be besides signed, and what of it the run gets to see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_ir::{Payload, Webhook};
use lattice_model::limits::{
    JSON_DEPTH_MAX, WEBHOOK_BODY_BYTES_MAX, WEBHOOK_FIELDS_MAX, WEBHOOK_HEADER_BYTES_MAX,
    WEBHOOK_HEADERS_MAX,
};
use lattice_webhook::Refused;
use serde_json::{Value, json};
use support::{Sent, api_key, github};

const KEY: &str = "open sesame";

fn taking(payload: Payload) -> Webhook {
    Webhook {
        payload,
        methods: ["POST", "GET"].map(str::to_owned).to_vec(),
        ..api_key()
    }
}

fn send(kind: &str, body: &[u8]) -> Sent {
    Sent::post(kind, body).header("x-api-key", KEY)
}

fn body(payload: Payload, kind: &str, bytes: &[u8]) -> Result<Value, u16> {
    let checked = send(kind, bytes).check(&taking(payload), KEY);
    let accepted = checked.map_err(|refused| refused.status())?;
    Ok(accepted.input["body"].clone())
}

/// Each check comes before the next: a request that everything is wrong with is told the first, and
/// with that mended the second.
#[test]
fn the_checks_stand_in_one_order() {
    let hook = Webhook {
        schema: Some(json!({"type": "object"})),
        ..github()
    };
    let mut sent = Sent::post("text/html", &vec![b'['; WEBHOOK_BODY_BYTES_MAX + 1]);
    sent.method = "DELETE".to_owned();
    let status = |sent: &Sent| {
        sent.check(&hook, "s")
            .map_or_else(|no| no.status(), |_| 202)
    };
    assert_eq!(status(&sent), 405);
    sent.method = "POST".to_owned();
    assert_eq!(status(&sent), 415);
    sent = sent
        .without("content-type")
        .header("content-type", "application/json");
    assert_eq!(status(&sent), 413);
    sent.body.truncate(3);
    assert_eq!(status(&sent), 401);
    assert_eq!(status(&sent.clone().signed("s")), 400);
    sent.body = b"[]".to_vec();
    assert_eq!(status(&sent.clone().signed("s")), 422);
    sent.body = b"{}".to_vec();
    assert_eq!(status(&sent.signed("s")), 202);
}

#[test]
fn a_method_that_is_not_taken_is_told_which_are() {
    let mut sent = Sent::json("{}").signed("s");
    for method in ["GET", "post", "PUT", "", "CONNECT"] {
        sent.method = method.to_owned();
        let refused = sent.check(&github(), "s").unwrap_err();
        let allowed = vec!["POST".to_owned()];
        assert_eq!(refused, Refused::Method { allowed });
    }
}

#[test]
fn a_body_is_read_as_what_the_webhook_takes_and_as_nothing_else() {
    let json = Payload::Json;
    for kind in [
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/cloudevents+json",
        "application/json;charset=\"utf-8\"",
    ] {
        assert_eq!(body(json, kind, b"[1]"), Ok(json!([1])), "{kind}");
    }
    for kind in [
        "",
        "text/plain",
        "text/json",
        "application/jsonp",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
    ] {
        assert_eq!(body(json, kind, b"[1]"), Err(415), "{kind}");
    }
    let twice = send("application/json", b"1").header("content-type", "application/json");
    assert_eq!(twice.check(&taking(json), KEY).unwrap_err().status(), 415);
    let none = send("x", b"1").without("content-type");
    assert_eq!(none.check(&taking(json), KEY).unwrap_err().status(), 415);

    assert_eq!(
        body(Payload::Text, "text/plain", "é".as_bytes()),
        Ok(json!("é"))
    );
    assert_eq!(body(Payload::Text, "text/plain", b""), Ok(json!("")));
    assert_eq!(body(Payload::Text, "text/plain", b"\xff"), Err(400));
    assert_eq!(body(Payload::Text, "text/html", b"x"), Err(415));

    let form = "application/x-www-form-urlencoded";
    let read = body(Payload::Form, form, b"a=1&b=x+y%21&a=2&c&a=3");
    assert_eq!(
        read,
        Ok(json!({"a": ["1", "2", "3"], "b": "x y!", "c": ""}))
    );
    let many = |count: usize| vec!["a"; count].join("&");
    assert!(body(Payload::Form, form, many(WEBHOOK_FIELDS_MAX).as_bytes()).is_ok());
    let over = many(WEBHOOK_FIELDS_MAX + 1);
    assert_eq!(body(Payload::Form, form, over.as_bytes()), Err(400));
}

#[test]
fn json_that_is_none_is_refused_without_quoting_it() {
    for bad in [
        "",
        "{",
        "{}{}",
        "nul",
        "\u{feff}{}",
        "[1,]",
        "{'a': 1}",
        "{\"a\": c4nary}",
    ] {
        let sent = send("application/json", bad.as_bytes());
        let refused = sent.check(&taking(Payload::Json), KEY).unwrap_err();
        assert_eq!(refused.status(), 400, "{bad}");
        assert!(!refused.to_string().contains("c4nary"), "{refused}");
    }
    // The input has the body one level deeper; the engine refuses what is then too deep.
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let json = |text: String| body(Payload::Json, "application/json", text.as_bytes());
    assert!(json(deep(JSON_DEPTH_MAX - 2)).is_ok());
    assert_eq!(json(deep(JSON_DEPTH_MAX + 1)), Err(400));
    assert_eq!(json(deep(100_000)), Err(400));
}

#[test]
fn a_get_has_no_body() {
    let mut sent = send("text/html", b"");
    sent.method = "GET".to_owned();
    sent.query = "a=1".to_owned();
    let accepted = sent.check(&taking(Payload::Json), KEY).unwrap();
    assert_eq!(accepted.input["body"], Value::Null);
    assert_eq!(accepted.input["query"], json!({"a": "1"}));
    sent.body = b"{}".to_vec();
    assert_eq!(
        sent.check(&taking(Payload::Json), KEY)
            .unwrap_err()
            .status(),
        400
    );
}

#[test]
fn a_body_is_measured_as_bytes_and_as_the_input_it_becomes() {
    let hook = taking(Payload::Text);
    let of = |bytes: usize, letter: u8| {
        let checked = send("text/plain", &vec![letter; bytes]).check(&hook, KEY);
        checked.map_or_else(|refused| refused.status(), |_| 202)
    };
    assert_eq!(of(WEBHOOK_BODY_BYTES_MAX + 1, b'a'), 413);
    assert_eq!(of(WEBHOOK_BODY_BYTES_MAX - 1_000, b'a'), 202);
    // Each of them is two in JSON.
    assert_eq!(of(WEBHOOK_BODY_BYTES_MAX - 1_000, b'"'), 413);
}

#[test]
fn the_schema_names_the_places() {
    let hook = Webhook {
        schema: Some(json!({"type": "object", "required": ["ref"],
            "properties": {"n": {"type": "integer"}}})),
        ..taking(Payload::Json)
    };
    let refused = send("application/json", br#"{"n": "c4nary"}"#)
        .check(&hook, KEY)
        .unwrap_err();
    assert_eq!(refused.status(), 422);
    let text = refused.to_string();
    assert!(
        text.contains("`/n`") && text.contains("ref") && !text.contains("c4nary"),
        "{text}"
    );
    send("application/json", br#"{"n": 1, "ref": "x"}"#)
        .check(&hook, KEY)
        .unwrap();
}

#[test]
fn the_run_sees_headers_and_query_without_what_proves_who_sent_them() {
    let mut sent = send("application/json", b"{}")
        .header("User-Agent", " GitHub-Hookshot/1 ")
        .header("Accept", "a")
        .header("accept", "b")
        .header("Idempotency-Key", "k1")
        .header("Webhook-Id", "m1")
        .header("X-Author", "Ada");
    for secret in [
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "X-Hub-Signature",
        "X-Auth-Token",
        "X-Amz-Security-Token",
        "X-Client-Secret",
        "Api_Key",
        "X-Session-Id",
    ] {
        sent = sent.header(secret, "c4nary");
    }
    sent.query = "page=2&page=3&token=c4nary&access_token=c4nary&API-KEY=c4nary&q=a%20b".to_owned();
    let accepted = sent.check(&taking(Payload::Json), KEY).unwrap();
    let expected = json!({
        "body": {},
        "headers": {
            "content-type": "application/json", "user-agent": "GitHub-Hookshot/1",
            "accept": "a, b", "idempotency-key": "k1", "webhook-id": "m1", "x-author": "Ada",
        },
        "query": {"page": ["2", "3"], "q": "a b"},
    });
    assert_eq!(accepted.input, expected);
    // A header that carries the proof is not shown, whatever it is called.
    let mut hook = taking(Payload::Json);
    hook.authentication = lattice_ir::WebhookAuth::ApiKey {
        secret: "S".to_owned(),
        header: "x-plain".to_owned(),
    };
    let sent = Sent::json("{}").header("X-Plain", KEY);
    let accepted = sent.check(&hook, KEY).unwrap();
    assert_eq!(
        accepted.input["headers"],
        json!({"content-type": "application/json"})
    );
}

#[test]
fn headers_over_the_limits_are_left_out() {
    let mut sent = send("application/json", b"{}");
    for number in 0..2 * WEBHOOK_HEADERS_MAX {
        sent = sent.header(&format!("x-{number:03}"), "v");
    }
    let long = |bytes: usize| "v".repeat(bytes);
    let accepted = sent.check(&taking(Payload::Json), KEY).unwrap();
    let headers = accepted.input["headers"].as_object().unwrap();
    assert_eq!(headers.len(), WEBHOOK_HEADERS_MAX);
    let sent = send("application/json", b"{}")
        .header("x-long", long(WEBHOOK_HEADER_BYTES_MAX))
        .header("x-longer", long(WEBHOOK_HEADER_BYTES_MAX + 1));
    let accepted = sent.check(&taking(Payload::Json), KEY).unwrap();
    let headers = accepted.input["headers"].as_object().unwrap();
    assert!(headers.contains_key("x-long") && !headers.contains_key("x-longer"));
}
