//! No bytes make the reader crash or take long, and what it writes it reads again.

#![allow(clippy::unwrap_used)]

use lattice_document::{Severity, read, write};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};

/// Promises that hold for every input.
fn check(bytes: &[u8]) {
    let reading = read(bytes);
    let has_error = reading
        .problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    assert!(
        reading.document.is_some() || has_error,
        "no document, and no word why"
    );
    for problem in &reading.problems {
        let json = serde_json::to_value(problem).unwrap();
        assert!(json["code"].as_str().unwrap().starts_with("LAT-D"));
        assert!(problem.pointer.is_empty() || problem.pointer.starts_with('/'));
        assert!(!problem.text.is_empty());
    }
    let Some(document) = reading.document else {
        return;
    };
    let text = write(&document);
    let again = read(text.as_bytes());
    if !has_error {
        assert_eq!(again.problems, vec![], "written with problems");
        assert_eq!(again.document, Some(document));
        assert_eq!(write(&again.document.unwrap()), text);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("id"),
        Just("type"),
        Just("nodes"),
        Just("edges"),
        Just("data"),
        Just("config"),
        Just("prompt"),
        Just("branches"),
        Just("condition"),
        Just("value"),
        Just("label"),
        Just("{{a}}"),
        Just("$vars.a"),
        Just("{{$vars.b.result}}"),
        Just("a == 'b'"),
        Just(""),
        Just("{{"),
        Just("}}"),
        Just("format"),
        Just("é"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        words.clone().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let fields = prop::collection::vec((words.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            fields.prop_map(|fields| {
                let fields = fields
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(fields.collect::<Map<_, _>>())
            }),
        ]
    })
}

/// Every place in a document, as a pointer.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                places(item, &lattice_document::pointer_to(at, key), found);
            }
        }
        _ => {}
    }
}

/// The same cases each time, so that the suite is not red by chance; `PROPTEST_RNG_SEED` and
/// `PROPTEST_CASES` look further.
fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_251_102),
        chosen => chosen,
    };
    ProptestConfig {
        rng_seed,
        failure_persistence: None,
        ..given
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes);
    }

    #[test]
    fn any_value(value in any_json()) {
        check(value.to_string().as_bytes());
    }

    #[test]
    fn any_nodes_in_any_shape(nodes in any_json(), edges in any_json(), shape in 0..3) {
        let mut document = json!({"id": "w", "name": "W", "version": "1.0.0", "nodes": nodes});
        match shape {
            0 => document["connections"] = edges,
            1 => document["edges"] = edges,
            _ => {
                document["edges"] = edges;
                document["format"] = json!("agent-lattice/workflow");
                document["formatVersion"] = json!(1);
            }
        }
        check(document.to_string().as_bytes());
    }

    /// A good document with one place changed: the likeliest damage.
    #[test]
    fn a_document_with_one_place_changed(which in any::<prop::sample::Index>(), place in any::<prop::sample::Index>(), value in any_json()) {
        let fixtures = lattice_fixtures::legacy().unwrap();
        let mut document: Value = serde_json::from_slice(&which.get(&fixtures).bytes).unwrap();
        let mut found = Vec::new();
        places(&document, "", &mut found);
        *document.pointer_mut(&found[place.index(found.len())]).unwrap() = value;
        check(document.to_string().as_bytes());
    }

    #[test]
    fn a_document_cut_short(which in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()) {
        let fixtures = lattice_fixtures::legacy().unwrap();
        let bytes = &which.get(&fixtures).bytes;
        check(&bytes[..cut.index(bytes.len())]);
    }
}

/// Inputs made to be slow: equal ids, equal names, braces without end. Each would take minutes if
/// the work grew with the square of the input; the runner's timeout is the limit.
#[test]
fn hostile_documents_take_no_longer_than_others() {
    let nodes: Vec<_> = (0..10_000)
        .map(|n| json!({"id": "é", "type": "prompt", "data": {"variables": {"x": n}, "prompt": "{{x}}"}}))
        .collect();
    let edges: Vec<_> = (0..40_000)
        .map(|_| json!({"id": "e e", "from": "é", "to": "é"}))
        .collect();
    check(
        json!({"nodes": nodes, "connections": edges})
            .to_string()
            .as_bytes(),
    );
    let braces = "{{".repeat(500_000);
    let node =
        json!({"id": "a", "type": "prompt", "data": {"prompt": braces, "condition": braces}});
    check(
        json!({"nodes": [node], "connections": []})
            .to_string()
            .as_bytes(),
    );
    let names: Map<_, _> = (1..60_000).map(|n| (format!("-{n}-"), json!(n))).collect();
    let dashes: Map<_, _> = (1..1_500).map(|n| ("-".repeat(n), json!(n))).collect();
    for variables in [names, dashes] {
        let node = json!({"id": "a", "type": "prompt", "data": {"variables": variables}});
        check(
            json!({"nodes": [node], "connections": []})
                .to_string()
                .as_bytes(),
        );
    }
}
