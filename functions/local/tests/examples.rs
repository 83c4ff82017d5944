//! Every example runs as its own page says: the same path, the same values, the same refusal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Done, Place};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const NAMES: [&str; 9] = [
    "release-notes",
    "support-triage",
    "invoice-check",
    "meeting-follow-up",
    "incident-summary",
    "issue-intake",
    "monday-plan",
    "contract-review",
    "review-digest",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn file(name: &str, what: &str) -> PathBuf {
    root().join("examples").join(format!("{name}{what}.json"))
}

fn read(name: &str, what: &str) -> Value {
    let text = std::fs::read_to_string(file(name, what)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Runs the example with its own input, script and answers; gives the events and the last line.
fn run(place: &Place, name: &str) -> (Done, Vec<Value>) {
    let workflow = file(name, "");
    let answers: Vec<String> = read(name, ".expected")["answers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(node, answer)| {
            let plain = answer.as_str().map(str::to_owned);
            format!("{node}={}", plain.unwrap_or_else(|| answer.to_string()))
        })
        .collect();
    let mut words = vec!["run", workflow.to_str().unwrap(), "--json"];
    for answer in &answers {
        words.extend(["--answer", answer.as_str()]);
    }
    let done = place.lattice(&words);
    let lines = done
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let lines: Vec<Value> = lines.collect();
    (done, lines)
}

#[test]
fn every_example_gives_what_it_promises() {
    for name in NAMES {
        let expected = read(name, ".expected");
        let (done, lines) = run(&Place::new(), name);
        assert_eq!(
            done.code,
            Some(expected["exit"].as_i64().unwrap() as i32),
            "{name}: {done:?}"
        );
        let last = lines.last().unwrap();
        assert_eq!(last["status"], expected["status"], "{name}: {last}");
        for (pointer, value) in expected["output"].as_object().unwrap() {
            assert_eq!(
                last["output"].pointer(pointer),
                Some(value),
                "{name} {pointer}: {last}"
            );
        }
        for (pointer, part) in expected["outputContains"].as_object().unwrap() {
            let text = last["output"]
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap();
            assert!(
                text.contains(part.as_str().unwrap()),
                "{name} {pointer}: {text}"
            );
        }
        let ended = |line: &&Value| {
            matches!(
                line["type"].as_str(),
                Some("stage.completed" | "stage.failed")
            )
        };
        let path: Vec<&Value> = lines
            .iter()
            .filter(ended)
            .map(|line| &line["payload"]["stage"])
            .collect();
        assert_eq!(
            path,
            expected["path"]
                .as_array()
                .unwrap()
                .iter()
                .collect::<Vec<_>>(),
            "{name}"
        );
    }
}

#[test]
fn every_example_refuses_its_bad_input_and_names_the_place() {
    for name in NAMES {
        let expected = &read(name, ".expected")["badInput"];
        let (workflow, input) = (file(name, ""), file(name, ".bad-input"));
        let input = format!("@{}", input.display());
        let place = Place::new();
        let done = place.lattice(&["run", workflow.to_str().unwrap(), "--input", &input]);
        assert_eq!(
            done.code,
            Some(expected["exit"].as_i64().unwrap() as i32),
            "{name}"
        );
        assert!(
            done.err.contains(expected["says"].as_str().unwrap()),
            "{name}: {}",
            done.err
        );
        let listed = place.lattice(&["runs", "--json"]);
        assert_eq!(listed.out, "", "{name}: a refused input starts nothing");
    }
}

#[test]
fn every_example_compiles_without_a_word() {
    for name in NAMES {
        let workflow = file(name, "");
        let done = Place::new().lattice(&["compile", workflow.to_str().unwrap(), "--json"]);
        let report: Value = serde_json::from_str(&done.out).unwrap();
        assert_eq!(report["problems"], serde_json::json!([]), "{name}");
    }
}

#[test]
fn no_two_examples_have_one_shape() {
    let mut shapes = BTreeSet::new();
    for name in NAMES {
        let document = read(name, "");
        let kinds: BTreeMap<&str, &str> = document["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| (node["id"].as_str().unwrap(), node["type"].as_str().unwrap()))
            .collect();
        let mut edges: Vec<(&str, &str, &str)> = document["edges"]
            .as_array()
            .unwrap()
            .iter()
            .map(|edge| {
                let port = edge["fromPort"].as_str().unwrap_or("out");
                (
                    kinds[edge["from"].as_str().unwrap()],
                    port,
                    kinds[edge["to"].as_str().unwrap()],
                )
            })
            .collect();
        edges.sort_unstable();
        assert!(
            shapes.insert(format!("{edges:?}")),
            "{name} has the shape of another one"
        );
    }
}

#[test]
fn the_folder_holds_these_examples_and_all_their_parts() {
    let mut expected = BTreeSet::new();
    for name in NAMES {
        for what in ["", ".input", ".mock", ".expected", ".bad-input"] {
            expected.insert(format!("{name}{what}.json"));
        }
    }
    let found: BTreeSet<String> = std::fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(found, expected);
}
