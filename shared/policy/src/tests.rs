//! Plants a canary of every shape and looks for it afterwards; reads much that is no secret.
//! Canaries are put together here, so that this file itself holds none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod canaries;
mod live;
mod many;

use crate::rules::RULES;
use crate::{Redactor, find_secrets};
use canaries::{alnum, canaries, hex, run};
use lattice_model::Secret;
use proptest::prelude::*;
use serde_json::json;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// `@@` stands for the canary and a real `@`.
fn plant(around: &str, canary: &str) -> String {
    around.replacen('@', canary, 1)
}

#[test]
fn every_shape_has_a_canary_and_no_canary_survives() {
    let redactor = Redactor::new();
    let mut tried = BTreeSet::new();
    for (rule, around, canary) in canaries() {
        let text = plant(around, &canary);
        let found = find_secrets(&text);
        let rules: Vec<_> = found.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, [rule], "{text}");
        let redacted = redactor.redact_text(&text);
        assert!(!redacted.contains(&canary), "{redacted}");
        assert!(
            redacted.contains(&format!("[redacted:{rule}]")),
            "{redacted}"
        );
        tried.insert(rule);
    }
    let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(tried, rules);
}

#[test]
fn a_canary_is_found_among_prose_lines_and_json() {
    for (_, around, canary) in canaries() {
        let planted = plant(around, &canary);
        for text in [
            format!("{PROSE}\n{planted}\n{PROSE}"),
            json!({"log": [planted.clone(), "fine"]}).to_string(),
            format!("é{planted}é"),
        ] {
            let escaped = canary.replace('\n', "\\n");
            let redacted = Redactor::new().redact_text(&text).into_owned();
            assert!(
                !redacted.contains(&canary) && !redacted.contains(&escaped),
                "{redacted}"
            );
        }
    }
}

const PROSE: &str = "The secret of a good token is its key: patience. Ask the author for the password \
    or read about OAuth: bearer authentication needs care. Tasks, risk-averse desks and sk-learn are \
    words; max_tokens: 4096 and password: required are settings.";

#[test]
fn what_is_no_secret_stays() {
    let texts = [
        PROSE.to_owned(),
        format!("{}-{}-{}-{}-{}", hex(8), hex(4), hex(4), hex(4), hex(12)),
        hex(40),
        hex(64),
        format!("commit {} and sha256:{}", hex(40), hex(64)),
        format!("Idempotency-Key: {}", hex(64)),
        format!("token: run_{}", run("0123456789abcdefghjkmnpqrstvwxyz", 26)),
        "run_01jxyz0000abcdefghjkmnpqrs".to_owned(),
        "[redacted:jwt] password: [redacted:named-secret] [redacted:field]".to_owned(),
        "password: {{secret.DB_PASSWORD1}} token={{ secret.API_2 }}".to_owned(),
        "apiKey: process.env.OPENAI_API_KEY2, token = readToken1FromStore(x)".to_owned(),
        "const secret = $SECRET_2; password=<your-password-1>".to_owned(),
        "nextPageToken: CAUQAA19sd8f7sd9f87".to_owned(),
        "https://example.com:8080/a@b?c=d:e@f http://localhost:3000/x".to_owned(),
        "mail bob@example.com, see version v1.0-rc.1, 12:30:45".to_owned(),
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ".to_owned(),
        "npm_config_registry pypi-server glpat- hf_hub ghp_ key-value xoxo sk-SK sg.".to_owned(),
    ];
    for text in texts {
        assert_eq!(find_secrets(&text), vec![], "{text}");
        assert!(matches!(
            Redactor::new().redact_text(&text),
            Cow::Borrowed(_)
        ));
    }
}

#[test]
fn a_private_key_without_its_end_goes_to_the_end_of_the_text() {
    let text = format!("a -----BEGIN {}KEY-----\n{}", "PRIVATE ", alnum(50));
    assert_eq!(
        Redactor::new().redact_text(&text),
        "a [redacted:private-key]"
    );
}

#[test]
fn declared_values_go_in_every_form() {
    let redactor = Redactor::with_values([
        Secret::new("corr\"ect horse/9".to_owned()),
        Secret::new("short".to_owned()),
    ]);
    let held = "corr\"ect horse/9";
    use base64::Engine;
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("user:{held}"));
    for text in [
        format!("said {held}."),
        json!({ "x": held }).to_string(),
        "q=corr%22ect+horse%2F9".to_owned(),
        format!("header {basic}"),
    ] {
        let redacted = redactor.redact_text(&text).into_owned();
        assert!(
            redacted.contains("[redacted:declared-secret]"),
            "{redacted}"
        );
        assert!(!redacted.contains("horse"), "{redacted}");
        assert_eq!(redactor.redact_text(&redacted), redacted);
    }
    assert_eq!(redactor.redact_text("a short word"), "a short word");
    assert_eq!(format!("{redactor:?}"), "Redactor(1 declared)");
}

#[test]
fn a_declared_value_that_is_part_of_a_marker_does_not_grow_it() {
    let redactor =
        Redactor::with_values(["redacted", "declared", "secret"].map(|v| Secret::new(v.into())));
    let once = redactor.redact_text("it was redacted").into_owned();
    assert_eq!(once, "it was [redacted:declared-secret]");
    assert_eq!(redactor.redact_text(&once), once);
}

#[test]
fn fields_with_a_secret_name_go_whole() {
    let given = json!({
        "password": "required",
        "apiKey": "{{secret.SHOP_KEY}}",
        "Authorization": ["Basic x", 3],
        "client_secret": {"hint": "nothing here"},
        "secret": "",
        "token": "word",
        "githubToken": alnum(20),
        "nextPageToken": alnum(20),
        "count": 3,
        "access_token": "{{in.x}} {{in.y}}",
    });
    let wanted = json!({
        "password": "[redacted:field]",
        "apiKey": "{{secret.SHOP_KEY}}",
        "Authorization": ["[redacted:field]", 3],
        "client_secret": {"hint": "nothing here"},
        "secret": "",
        "token": "word",
        "githubToken": "[redacted:field]",
        "nextPageToken": alnum(20),
        "count": 3,
        "access_token": "[redacted:field]",
    });
    let redactor = Redactor::new();
    let redacted = redactor.redact_value(given);
    assert_eq!(redacted, wanted);
    assert_eq!(redactor.redact_value(redacted), wanted);
}

#[test]
fn secrets_in_names_go_and_no_field_is_lost() {
    let given = json!({ format!("hf_{}", alnum(34)): 1, format!("hf_{}", hex(34)): 2 });
    let wanted = json!({"[redacted:huggingface-token]": 1, "[redacted:huggingface-token] 2": 2});
    let mut values: Vec<_> = wanted.as_object().unwrap().keys().cloned().collect();
    values.sort();
    let redacted = Redactor::new().redact_value(given);
    let mut names: Vec<_> = redacted.as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, values);
}

/// Texts made of what redaction looks at: canaries, their halves, markers, names and signs.
fn hard_texts() -> impl Strategy<Value = String> {
    let mut pieces: Vec<String> = canaries()
        .into_iter()
        .map(|(_, _, canary)| canary)
        .collect();
    let halves: Vec<_> = pieces
        .iter()
        .map(|piece| piece[..piece.len() / 2].to_owned())
        .collect();
    pieces.extend(halves);
    for piece in [
        "[redacted:jwt]",
        "[redacted:",
        "]",
        " ",
        "\n",
        "password=",
        "token: \"",
        "://a:",
        "@",
        "Bearer ",
        "é",
        "a",
        "-",
    ] {
        pieces.extend([
            piece.to_owned(),
            piece.to_owned(),
            piece.to_owned(),
            piece.to_owned(),
        ]);
    }
    prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn redacting_twice_changes_nothing_more(text in hard_texts()) {
        let redactor = Redactor::with_values([Secret::new("redacted".to_owned()), Secret::new("a-a-a-".to_owned())]);
        let once = redactor.redact_text(&text).into_owned();
        prop_assert_eq!(redactor.redact_text(&once), once.as_str());
    }

    #[test]
    fn any_text_is_taken_and_spans_are_in_order(text in ".{0,400}") {
        let found = find_secrets(&text);
        for pair in found.windows(2) {
            prop_assert!(pair[0].span.end <= pair[1].span.start);
        }
        for finding in found {
            prop_assert!(text.get(finding.span).is_some());
        }
    }
}

/// It runs on every result, so prose must cost little: 8 KB in well under a millisecond even on a
/// busy machine. The bound is loose; what it catches is a shape that reads the text again and again.
#[test]
fn eight_kilobytes_of_prose_cost_little() {
    let text = PROSE.repeat(8 * 1024 / PROSE.len() + 1);
    find_secrets(&text);
    #[allow(clippy::disallowed_methods)] // the test measures; the crate does not
    let started = std::time::Instant::now();
    for _ in 0..20 {
        assert!(find_secrets(&text).is_empty());
    }
    let each = started.elapsed() / 20;
    assert!(each.as_millis() < 20, "8 KB took {each:?}");
}
