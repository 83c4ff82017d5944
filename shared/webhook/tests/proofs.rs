//! Who gets in: published vectors, and everybody who should not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_model::Millis;
use lattice_model::limits::{WEBHOOK_DELIVERY_BYTES_MAX, WEBHOOK_SKEW_MS_MAX};
use lattice_webhook::{ProofError, Refused};
use proptest::prelude::*;
use support::{NOW, Sent, api_key, github, standard};

/// From "Validating webhook deliveries" of GitHub's documentation.
const GITHUB_SECRET: &str = "It's a Secret to Everybody";
const GITHUB_SIGNATURE: &str =
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

/// From the tests of the reference libraries of Standard Webhooks; split, so that nobody who
/// searches for secrets finds it.
const STANDARD_SECRET: &str = concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
const STANDARD_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const STANDARD_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const STANDARD_BODY: &str = r#"{"test": 2432232314}"#;
const STANDARD_SECONDS: u64 = 1_614_265_330;

fn proof(refused: Refused) -> ProofError {
    assert_eq!(refused.status(), 401);
    match refused {
        Refused::Proof(error) => error,
        other => panic!("{other:?}"),
    }
}

fn vector() -> Sent {
    Sent::json(STANDARD_BODY)
        .header("webhook-id", STANDARD_ID)
        .header("webhook-timestamp", STANDARD_SECONDS.to_string())
        .header("webhook-signature", STANDARD_SIGNATURE)
}

#[test]
fn the_published_vector_of_github_gets_in() {
    let mut hook = github();
    hook.payload = lattice_ir::Payload::Text;
    let sent = Sent::post("text/plain", b"Hello, World!")
        .header("x-hub-signature-256", GITHUB_SIGNATURE)
        .header("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958");
    let accepted = sent.check(&hook, GITHUB_SECRET).unwrap();
    assert_eq!(accepted.input["body"], "Hello, World!");
    assert_eq!(accepted.key.as_deref(), Some(GITHUB_SIGNATURE));
    let delivery = accepted.delivery.unwrap();
    assert_eq!(delivery, "72d3162e-cc78-11e3-81ab-4c9367dc0958");
    assert_eq!(accepted.signed_at, None);
    // The same signature in capitals is the same delivery.
    let capitals = GITHUB_SIGNATURE.to_uppercase().replace("SHA256", "sha256");
    let sent = sent
        .without("x-hub-signature-256")
        .header("X-Hub-Signature-256", capitals);
    let again = sent.check(&hook, GITHUB_SECRET).unwrap();
    assert_eq!(again.key.as_deref(), Some(GITHUB_SIGNATURE));
}

#[test]
fn the_published_vector_of_standard_webhooks_gets_in() {
    for secret in [
        STANDARD_SECRET,
        STANDARD_SECRET.trim_start_matches("whsec_"),
    ] {
        let accepted = vector().check(&standard(), secret).unwrap();
        assert_eq!(accepted.key.as_deref(), Some(STANDARD_ID));
        assert_eq!(accepted.delivery.as_deref(), Some(STANDARD_ID));
        assert_eq!(accepted.signed_at, Some(NOW));
        assert_eq!(accepted.input["body"]["test"], 2_432_232_314_u64);
    }
}

#[test]
fn one_of_several_signatures_is_enough() {
    let other = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=";
    let asymmetric = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";
    let list = |signatures: &[&str]| {
        let sent = vector().without("webhook-signature");
        let sent = sent.header("webhook-signature", signatures.join(" "));
        sent.check(&standard(), STANDARD_SECRET)
    };
    list(&[other, asymmetric, STANDARD_SIGNATURE]).unwrap();
    list(&[STANDARD_SIGNATURE, "v1,not base64"]).unwrap();
    assert_eq!(proof(list(&[other]).unwrap_err()), ProofError::Wrong);
    // Only so many are tried, so that nobody guesses with a list.
    let mut many = vec![other; 10];
    many.push(STANDARD_SIGNATURE);
    assert_eq!(proof(list(&many).unwrap_err()), ProofError::Wrong);
    many.remove(0);
    list(&many).unwrap();
    for none in [
        asymmetric,
        "",
        "v1",
        "v1,",
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ] {
        assert_eq!(list(&[none]).unwrap_err().status(), 401, "{none}");
    }
}

#[test]
fn a_signed_moment_holds_for_five_minutes_both_ways() {
    let sent = vector();
    let at = |now: u64| sent.check_at(&standard(), STANDARD_SECRET, Millis::new(now));
    let now = NOW.get();
    at(now + WEBHOOK_SKEW_MS_MAX).unwrap();
    at(now - WEBHOOK_SKEW_MS_MAX).unwrap();
    for stale in [
        now + WEBHOOK_SKEW_MS_MAX + 1,
        now - WEBHOOK_SKEW_MS_MAX - 1,
        0,
        u64::MAX,
    ] {
        let refused = at(stale).unwrap_err();
        assert_eq!((&refused, refused.status()), (&Refused::Stale, 401));
    }
    // Whoever cannot sign is not told that the moment is wrong.
    let forged = vector()
        .without("webhook-timestamp")
        .header("webhook-timestamp", "1");
    let refused = forged.check(&standard(), STANDARD_SECRET).unwrap_err();
    assert_eq!(proof(refused), ProofError::Wrong);
    for bad in [
        "",
        "-1",
        "+1614265330",
        "1614265330.0",
        "1e9",
        "99999999999999999999",
        "\u{661}",
    ] {
        let sent = vector()
            .without("webhook-timestamp")
            .header("webhook-timestamp", bad);
        let refused = sent.check(&standard(), STANDARD_SECRET).unwrap_err();
        assert!(!matches!(proof(refused), ProofError::Wrong), "{bad}");
    }
}

#[test]
fn a_retry_has_the_same_key_and_a_later_moment() {
    let at = |seconds| Sent::json("{}").standard(STANDARD_SECRET, "msg_1", seconds);
    let first = at(STANDARD_SECONDS)
        .check(&standard(), STANDARD_SECRET)
        .unwrap();
    let retry = at(STANDARD_SECONDS + 5)
        .check(&standard(), STANDARD_SECRET)
        .unwrap();
    assert_eq!(first.key, retry.key);
    assert!(first.signed_at < retry.signed_at);
}

#[test]
fn an_api_key_is_compared_whole() {
    let send = |key: &str| Sent::json("{}").header("X-API-Key", key);
    let accepted = send("open sesame")
        .check(&api_key(), "open sesame")
        .unwrap();
    assert_eq!(
        (accepted.key, accepted.delivery, accepted.signed_at),
        (None, None, None)
    );
    let named = send("open sesame").header("Idempotency-Key", "k1");
    let accepted = named.check(&api_key(), "open sesame").unwrap();
    assert_eq!(accepted.key.as_deref(), Some("k1"));
    assert_eq!(accepted.delivery.as_deref(), Some("k1"));
    for wrong in [
        "open sesam",
        "open sesame!",
        "OPEN SESAME",
        "Bearer open sesame",
    ] {
        let refused = send(wrong).check(&api_key(), "open sesame").unwrap_err();
        assert_eq!(proof(refused), ProofError::Wrong, "{wrong}");
    }
    let long = "x".repeat(WEBHOOK_DELIVERY_BYTES_MAX + 1);
    for names in [vec!["a", "a"], vec![""], vec![&long]] {
        let mut sent = send("k");
        for name in &names {
            sent = sent.header("idempotency-key", *name);
        }
        let status = sent.check(&api_key(), "k").unwrap_err().status();
        assert_eq!(status, 400, "{names:?}");
    }
}

#[test]
fn without_a_secret_nobody_gets_in() {
    // Signed with the empty secret, as whoever guesses that there is none would sign.
    let empty = String::new();
    for secret in ["", "  ", "\n"] {
        for (hook, sent) in [
            (github(), Sent::json("{}").signed(secret)),
            (
                standard(),
                Sent::json("{}").standard(&empty, "m", STANDARD_SECONDS),
            ),
            (api_key(), Sent::json("{}").header("x-api-key", secret)),
            (github(), Sent::json("{}")),
        ] {
            let refused = sent.check(&hook, secret).unwrap_err();
            assert_eq!(proof(refused), ProofError::NoSecret);
        }
    }
    let refused = vector().check(&standard(), "not base64").unwrap_err();
    assert_eq!(proof(refused.clone()), ProofError::BadSecret);
    // The sender cannot tell these from a wrong signature.
    let wrong = Refused::Proof(ProofError::Wrong).to_string();
    assert_eq!(refused.to_string(), wrong);
    assert_eq!(Refused::Proof(ProofError::NoSecret).to_string(), wrong);
    // A prefix with nothing behind it is no secret either.
    let sent = Sent::json("{}").standard(&empty, "m", STANDARD_SECONDS);
    let refused = sent.check(&standard(), "whsec_").unwrap_err();
    assert_eq!(proof(refused), ProofError::BadSecret);
}

#[test]
fn a_header_of_the_proof_that_is_missing_or_repeated_is_refused() {
    let secret = GITHUB_SECRET;
    let cases = [
        (
            github(),
            Sent::json("{}").signed(secret),
            secret,
            vec!["x-hub-signature-256"],
        ),
        (
            standard(),
            vector(),
            STANDARD_SECRET,
            vec!["webhook-id", "webhook-timestamp", "webhook-signature"],
        ),
        (
            api_key(),
            Sent::json("{}").header("x-api-key", secret),
            secret,
            vec!["x-api-key"],
        ),
    ];
    for (hook, sent, secret, headers) in cases {
        sent.check(&hook, secret).unwrap();
        for header in headers {
            let refused = sent
                .clone()
                .without(header)
                .check(&hook, secret)
                .unwrap_err();
            assert_eq!(proof(refused), ProofError::Missing(header.to_owned()));
            // Twice the same is as bad as two that differ: who knows which one others read.
            let value = sent
                .headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(header));
            let value = value.unwrap().1.clone();
            let twice = sent.clone().header(&header.to_uppercase(), value);
            let refused = twice.check(&hook, secret).unwrap_err();
            assert_eq!(proof(refused), ProofError::Repeated(header.to_owned()));
        }
    }
}

#[test]
fn a_signature_that_cannot_be_one_is_refused() {
    let hex = GITHUB_SIGNATURE.trim_start_matches("sha256=");
    for bad in [
        hex.to_owned(),
        format!("sha1={hex}"),
        format!("SHA256={hex}"),
        format!("sha256={}", &hex[1..]),
        format!("sha256={hex}0"),
        format!("sha256={},sha256={hex}", "0".repeat(64)),
        format!("sha256={}", "g".repeat(64)),
        format!("sha256={}", "é".repeat(32)),
    ] {
        let sent = Sent::json("{}").header("x-hub-signature-256", &bad);
        let refused = sent.check(&github(), GITHUB_SECRET).unwrap_err();
        assert!(matches!(proof(refused), ProofError::Malformed(_)), "{bad}");
    }
}

#[test]
fn json_that_means_the_same_in_other_bytes_is_not_signed() {
    let sent = Sent::json(r#"{"ref":"refs/heads/main","n":1}"#).signed("s");
    sent.check(&github(), "s").unwrap();
    for other in [
        r#"{"ref": "refs/heads/main", "n": 1}"#,
        r#"{"n":1,"ref":"refs/heads/main"}"#,
        r#"{"ref":"refs\/heads\/main","n":1}"#,
        r#"{"ref":"refs/heads/main","n":1.0}"#,
        "{\"ref\":\"refs/heads/main\",\"n\":1}\n",
    ] {
        let mut sent = sent.clone();
        sent.body = other.as_bytes().to_owned();
        assert_eq!(
            proof(sent.check(&github(), "s").unwrap_err()),
            ProofError::Wrong
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bit_of_what_is_signed_matters(
        body in prop::collection::vec(any::<u8>(), 1..60),
        secret in "[!-~]{1,40}",
        place in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let mut hook = github();
        hook.payload = lattice_ir::Payload::Text;
        let mut sent = Sent::post("text/plain", &body).signed(&secret);
        // Bytes that are no text are known only behind the proof.
        let status = sent.check(&hook, &secret).map_or_else(|refused| refused.status(), |_| 202);
        prop_assert_eq!(status, if std::str::from_utf8(&body).is_ok() { 202 } else { 400 });
        let at = place.index(body.len());
        sent.body[at] ^= 1 << bit;
        prop_assert_eq!(sent.check(&hook, &secret), Err(Refused::Proof(ProofError::Wrong)));
        sent.body[at] ^= 1 << bit;
        let other = format!("{secret}x");
        prop_assert_eq!(sent.check(&hook, &other), Err(Refused::Proof(ProofError::Wrong)));
    }

    #[test]
    fn no_request_brings_it_down_or_shows_the_secret(
        method in "(GET|POST|PUT|[A-Z]{0,6})",
        headers in prop::collection::vec(("(content-type|webhook-[a-z]{2,9}|x-api-key|x-hub-signature-256|.{0,12})", ".{0,40}"), 0..8),
        query in ".{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let sent = Sent { method, headers, query, body };
        for hook in [github(), standard(), api_key()] {
            if let Err(refused) = sent.check(&hook, "c4nary-value") {
                let shown = format!("{refused} {refused:?}");
                prop_assert!(!shown.contains("c4nary"));
                prop_assert!((400..500).contains(&refused.status()));
            }
        }
    }
}
