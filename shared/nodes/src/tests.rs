//! What holds for every node type on the shelf.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{ALL, NOT_YET, Opening, codes, find, runs};
use lattice_document::{Node, Problem};
use lattice_model::NodeId;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

fn node(kind: &str, settings: Value) -> Node {
    Node {
        id: NodeId::new("n"),
        kind: kind.to_owned(),
        label: None,
        position: None,
        parent: None,
        settings: settings.as_object().cloned().unwrap_or_default(),
        legacy: None,
        max_visits: None,
    }
}

fn problems_of(kind: &str, settings: Value) -> Vec<Problem> {
    let node = node(kind, settings);
    let opening = Opening::new(&node, "/nodes/0/settings".to_owned());
    find(kind).unwrap().open(&opening);
    opening.finish().0
}

#[test]
fn names_are_unique_and_what_is_not_run_is_known() {
    let names: BTreeSet<_> = ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), ALL.len());
    for name in NOT_YET {
        let (kind, _) = name.split_once(':').unwrap_or((name, ""));
        assert!(names.contains(kind), "{name}");
        assert!(!runs(name), "{name}");
    }
    assert!(
        ALL.iter()
            .all(|kind| kind.summary().ends_with('.') && !kind.title().is_empty())
    );
}

#[test]
fn codes_are_dense_and_in_order() {
    for (place, code) in codes::ALL.iter().enumerate() {
        assert_eq!(code.id(), format!("LAT-N{:03}", place + 1));
    }
}

/// The schema and the reader of a type are written twice, so they are compared.
#[test]
fn the_schema_names_the_settings_that_are_read() {
    for kind in ALL {
        let schema = kind.settings_schema().to_value();
        let none = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        for setting in properties.keys() {
            let mut settings = json!({setting: [[]]});
            let delay_type = setting == "until";
            if kind.name() == "delay" && setting != "delayType" {
                settings["delayType"] = json!(if delay_type { "until" } else { "duration" });
            }
            let problems = problems_of(kind.name(), settings);
            let unknown = problems
                .iter()
                .find(|one| one.code == codes::UNKNOWN_SETTING);
            assert_eq!(unknown, None, "{} {setting}", kind.name());
        }
        let unknown = problems_of(kind.name(), json!({"zzzzzzzz": 1}));
        let unknown = unknown
            .iter()
            .find(|one| one.code == codes::UNKNOWN_SETTING)
            .unwrap();
        assert_eq!(unknown.pointer, "/nodes/0/settings/zzzzzzzz");
        for word in unknown.help.split('`').skip(1).step_by(2) {
            assert!(properties.contains_key(word), "{} {word}", kind.name());
        }
        assert_eq!(
            schema.get("additionalProperties"),
            Some(&json!(false)),
            "{}",
            kind.name()
        );
    }
}

#[test]
fn every_required_setting_of_the_schema_is_asked_for() {
    for kind in ALL {
        let schema = kind.settings_schema().to_value();
        let required = schema.get("required").and_then(Value::as_array).cloned();
        let problems = problems_of(kind.name(), json!({}));
        for setting in required.unwrap_or_default() {
            let text = format!("the setting {setting} is missing").replace('"', "`");
            assert!(
                problems.iter().any(|one| one.text == text),
                "{}: {text}",
                kind.name()
            );
        }
    }
}

#[test]
fn every_value_that_is_not_supported_yet_is_named() {
    for (kind, value) in NOT_YET.iter().filter_map(|name| name.split_once(':')) {
        let settings = match kind {
            "dataTransform" => json!({"transformationType": value, "expression": "x"}),
            _ => json!({"operation": "get", "variableName": "x", "scope": value}),
        };
        let problems = problems_of(kind, settings);
        let found: Vec<_> = problems.iter().map(|one| one.code).collect();
        assert_eq!(found, [codes::NOT_YET], "{kind}:{value}");
        assert!(problems[0].text.contains(&format!("`{value}`")));
    }
}

#[test]
fn any_json_as_a_setting_is_answered_with_problems() {
    let values = [
        json!(null),
        json!(-1),
        json!(1e300),
        json!([]),
        json!({}),
        json!("{{"),
        json!([{}, {}]),
    ];
    for kind in ALL {
        let schema = kind.settings_schema().to_value();
        let none = Map::new();
        let properties = schema
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        for setting in properties.keys() {
            for value in &values {
                problems_of(kind.name(), json!({setting: value}));
            }
        }
    }
}
