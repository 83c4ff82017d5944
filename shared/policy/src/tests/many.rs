//! Values with very many fields or items, and texts with very many secrets and markers. Nothing is
//! timed, so that a busy machine fails no test; names that cost the square of their number would
//! run into the limit of every test.

use super::canaries::hex;
use crate::Redactor;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const MANY: usize = 40_000;
const AWS: &str = "[redacted:aws-access-key]";

/// Another access key for each number.
fn access_key(number: usize) -> String {
    format!("AK{}{number:016}", "IA")
}

fn object(fields: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(fields.into_iter().collect())
}

/// The names that `count` fields have which are redacted to one text.
fn numbered(count: usize) -> impl Iterator<Item = String> {
    let name = |number| match number {
        1 => AWS.to_owned(),
        _ => format!("{AWS} {number}"),
    };
    (1..=count).map(name)
}

#[test]
fn many_names_that_are_redacted_to_one_text_all_stay() {
    let given = object((0..MANY).map(|number| (access_key(number), json!(number))));
    let wanted = object(numbered(MANY).zip((0..MANY).map(|number| json!(number))));
    let redacted = Redactor::new().redact_value(given);
    assert!(redacted == wanted, "names or values differ");
    let again = Redactor::new().redact_value(redacted);
    assert!(again == wanted, "a second time changes them");
}

#[test]
fn numbers_that_are_taken_are_stepped_over_once() {
    let half = MANY / 2;
    let marker = "[redacted:huggingface-token]";
    // Fields come in the order of their names, so all numbers up to half are taken already.
    let taken = (1..=half).map(|number| format!("{marker} {number}"));
    let tokens = (0..half).map(|number| format!("hf_{}{number:06}", hex(30)));
    let fields = taken.chain(tokens).map(|name| (name, json!(1)));
    let redacted = Redactor::new().redact_value(object(fields));
    let unnumbered = std::iter::once(marker.to_owned());
    let rest = (1..2 * half).map(|number| format!("{marker} {number}"));
    let wanted = object(unnumbered.chain(rest).map(|name| (name, json!(1))));
    assert!(redacted == wanted, "names differ");
}

#[test]
fn many_names_stay_at_every_depth() {
    let (depth, each) = (100, MANY / 100);
    let mut given = json!("end");
    for _ in 0..depth {
        let keys = (0..each).map(|number| (access_key(number), json!(number)));
        given = object(keys.chain([("inner".to_owned(), given)]));
    }
    let mut redacted = Redactor::new().redact_value(given);
    for _ in 0..depth {
        let mut fields = redacted.as_object().unwrap().clone();
        assert_eq!(fields.len(), each + 1);
        redacted = fields.remove("inner").unwrap();
    }
    assert_eq!(redacted, "end");
}

#[test]
fn many_items_are_each_redacted() {
    let keys: Vec<_> = (0..MANY).map(access_key).collect();
    let given = json!({"plain": keys, "password": keys, "deep": {"secret": [[keys]]}});
    let redacted = Redactor::new().redact_value(given);
    let all = |path: &str, text: &str| {
        let items = redacted.pointer(path).unwrap().as_array().unwrap();
        items.len() == MANY && items.iter().all(|item| item == text)
    };
    assert!(all("/plain", AWS));
    assert!(all("/password", "[redacted:field]"));
    assert!(all("/deep/secret/0/0", "[redacted:field]"));
}

#[test]
fn a_text_of_many_markers_and_many_secrets_is_redacted() {
    let pairs: String = (0..MANY)
        .map(|number| format!("[redacted:jwt] {} ", access_key(number)))
        .collect();
    let redacted = Redactor::new().redact_text(&pairs).into_owned();
    assert!(redacted == format!("[redacted:jwt] {AWS} ").repeat(MANY));
}

/// Redacted names in the plainest way: each gets the first number that is free.
fn plainly(given: &Map<String, Value>) -> Map<String, Value> {
    let mut renamed = Map::new();
    for (name, item) in given {
        let name = Redactor::new().redact_text(name).into_owned();
        let mut free = name.clone();
        let mut number = 1;
        while renamed.contains_key(&free) {
            number += 1;
            free = format!("{name} {number}");
        }
        renamed.insert(free, item.clone());
    }
    renamed
}

fn hard_names() -> impl Strategy<Value = String> {
    let number = prop::sample::select(vec!["", " 1", " 2", " 3", " 2 2", " 2 3", " 02"]);
    let hugging = format!("[redacted:{}]", "huggingface-token");
    prop_oneof![
        (0..20_usize).prop_map(access_key),
        (0..8_usize).prop_map(|zeros| format!("hf_{}{}", hex(34), "0".repeat(zeros))),
        number.clone().prop_map(|number| format!("{AWS}{number}")),
        number.prop_map(move |number| format!("{hugging}{number}")),
        (0..4_usize, 2..4_u8).prop_map(|(key, number)| format!("{} {number}", access_key(key))),
    ]
}

proptest! {
    #[test]
    fn each_name_gets_the_first_free_number(names in prop::collection::vec(hard_names(), 0..24)) {
        let fields = names.into_iter().enumerate().map(|(place, name)| (name, json!(place)));
        let given: Map<String, Value> = fields.collect();
        let redacted = Redactor::new().redact_value(Value::Object(given.clone()));
        prop_assert_eq!(redacted, Value::Object(plainly(&given)));
    }
}
