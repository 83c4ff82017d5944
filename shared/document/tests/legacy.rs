//! Every type name of both older shapes: it opens, nothing is lost, and it says what it changed.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use lattice_document::{Document, Reading, Shape, read, schema, write};
use lattice_fixtures::Fixture;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const CATALOGUE: &[&str] = &[
    "start",
    "end",
    "prompt",
    "subAgent",
    "askUserQuestion",
    "ifElse",
    "switch",
    "branch",
    "skill",
    "mcp",
    "flow",
    "parallel",
    "httpRequest",
    "dataTransform",
    "delay",
    "webhookTrigger",
    "scheduleTrigger",
    "variableStore",
    "codeExecutor",
    "batchIterator",
    "group",
    "note",
];
/// The oldest names, and what they are now.
const OLDEST: &[(&str, &str)] = &[
    ("llmCall", "subAgent"),
    ("promptTemplate", "prompt"),
    ("systemInstruction", "prompt"),
    ("fewShotBank", "prompt"),
    ("textResponse", "prompt"),
    ("fileReader", "prompt"),
    ("fileWriter", "prompt"),
    ("conditionalBranch", "ifElse"),
    ("errorHandler", "ifElse"),
    ("switchCase", "switch"),
    ("humanInTheLoopGate", "askUserQuestion"),
    ("inputForm", "askUserQuestion"),
    ("apiCall", "httpRequest"),
    ("jsonCsvParse", "dataTransform"),
    ("webhookPush", "httpRequest"),
    ("loop", "batchIterator"),
];

fn open(fixture: &Fixture) -> (Value, Reading, Document) {
    let reading = read(&fixture.bytes);
    let errors: Vec<_> = reading
        .problems
        .iter()
        .filter(|problem| problem.is_error())
        .collect();
    assert!(errors.is_empty(), "{}: {errors:?}", fixture.path.display());
    let shape = match fixture.shape.as_str() {
        "cc-workflow-studio" => Shape::CcWorkflowStudio,
        _ => Shape::EarlierLattice,
    };
    assert_eq!(reading.shape, shape, "{}", fixture.path.display());
    let document = reading.document.clone().unwrap();
    (
        serde_json::from_slice(&fixture.bytes).unwrap(),
        reading,
        document,
    )
}

#[test]
fn there_is_a_fixture_for_every_type_name() {
    let mut expected: BTreeSet<(String, String)> = BTreeSet::new();
    for name in CATALOGUE {
        expected.insert(("cc-workflow-studio".into(), (*name).into()));
        expected.insert(("earlier-lattice".into(), (*name).into()));
    }
    expected.insert(("cc-workflow-studio".into(), "subAgentFlow".into()));
    for (name, _) in OLDEST {
        expected.insert(("earlier-lattice".into(), (*name).into()));
    }
    let mut found = BTreeSet::new();
    for fixture in lattice_fixtures::legacy().unwrap() {
        let (old, ..) = open(&fixture);
        let nodes = old["nodes"].as_array().unwrap();
        assert!(
            nodes
                .iter()
                .any(|node| node["type"] == fixture.node_type.as_str())
        );
        found.insert((fixture.shape, fixture.node_type));
    }
    assert_eq!(found, expected);
}

#[test]
fn every_type_name_becomes_the_type_of_today() {
    for fixture in lattice_fixtures::legacy().unwrap() {
        let (old, _, document) = open(&fixture);
        for (old, new) in old["nodes"].as_array().unwrap().iter().zip(&document.nodes) {
            let old = old["type"].as_str().unwrap();
            let renamed = OLDEST
                .iter()
                .find(|(name, _)| *name == old)
                .map(|(_, now)| *now);
            let expected = match (old, renamed) {
                (_, Some(now)) => vec![now],
                ("branch", _) => vec!["ifElse", "switch"],
                ("subAgentFlow", _) => vec!["flow"],
                (same, _) => vec![same],
            };
            assert!(
                expected.contains(&new.kind.as_str()),
                "`{old}` became `{}`",
                new.kind
            );
        }
    }
}

/// Every leaf of the older document stands somewhere in the upgraded one, as often as before. The
/// names of the two plain ports are the only thing that is translated and not kept.
#[test]
fn nothing_is_dropped() {
    for fixture in lattice_fixtures::legacy().unwrap() {
        let (mut old, _, document) = open(&fixture);
        for edge in ["edges", "connections"] {
            for edge in old
                .get_mut(edge)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                let edge = edge.as_object_mut().unwrap();
                let plain = ["", "in", "input", "out", "output"];
                edge.retain(|key, value| {
                    let port = key.ends_with("Port") || key.ends_with("Handle");
                    !(port && plain.contains(&value.as_str().unwrap_or_default()))
                });
            }
        }
        let new: Value = serde_json::from_str(&write(&document)).unwrap();
        let (mut wanted, mut there) = (BTreeMap::new(), BTreeMap::new());
        leaves(&old, &mut wanted);
        leaves(&new, &mut there);
        for (leaf, count) in wanted {
            let found = there.get(&leaf).copied().unwrap_or(0);
            // A label that said the same twice, in the node and in its settings, is said once.
            let said_twice = count > found && found > 0 && is_label(&old, &leaf);
            assert!(
                found >= count || said_twice,
                "{}: lost {leaf}",
                fixture.path.display()
            );
        }
    }
}

fn leaves(value: &Value, found: &mut BTreeMap<String, usize>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| leaves(item, found)),
        leaf => *found.entry(leaf.to_string()).or_default() += 1,
    }
}

fn is_label(old: &Value, leaf: &str) -> bool {
    let said = |node: &Value| {
        let own = [&node["label"], &node["name"], &node["id"]];
        let inner = [
            &node["data"]["label"],
            &node["config"]["label"],
            &node["data"]["name"],
        ];
        own.into_iter()
            .chain(inner)
            .filter(|value| value.to_string().as_str() == leaf)
            .count()
            > 1
    };
    old["nodes"].as_array().unwrap().iter().any(said)
}

/// Whether a node was an end that is merged with another one.
fn is_merged(document: &lattice_document::Document, id: &Value) -> bool {
    let legacy = document.legacy.as_ref();
    let merged = legacy.and_then(|legacy| legacy["mergedEnds"]["nodes"].as_array());
    merged.is_some_and(|merged| merged.iter().any(|node| node["id"] == *id))
}

#[test]
fn every_older_node_keeps_its_settings_whole() {
    for fixture in lattice_fixtures::legacy().unwrap() {
        let (old, _, document) = open(&fixture);
        let key = if fixture.shape == "earlier-lattice" {
            "config"
        } else {
            "data"
        };
        let gone = |old: &&Value| is_merged(&document, &old["id"]);
        let nodes = old["nodes"].as_array().unwrap().iter();
        for (old, new) in nodes.filter(|old| !gone(old)).zip(&document.nodes) {
            let Some(legacy) = &new.legacy else {
                assert_eq!(old["type"], new.kind.as_str());
                continue;
            };
            assert_eq!(legacy["type"], old["type"]);
            assert_eq!(legacy[key], old[key], "{}", fixture.path.display());
        }
    }
}

#[test]
fn what_is_upgraded_is_a_document_of_ours() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for fixture in lattice_fixtures::legacy().unwrap() {
        let (_, _, document) = open(&fixture);
        let text = write(&document);
        let again = read(text.as_bytes());
        assert_eq!(again.problems, vec![], "{}", fixture.path.display());
        assert_eq!(
            (again.shape, again.document.as_ref()),
            (Shape::Current, Some(&document))
        );
        assert_eq!(write(&document), text);
        let errors: Vec<_> = schema
            .iter_errors(&serde_json::from_str(&text).unwrap())
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", fixture.path.display());
    }
}

/// What the reader says, and what became of each node: read the diff after an update.
#[test]
fn what_was_changed_is_said() {
    for fixture in lattice_fixtures::legacy().unwrap() {
        let (old, reading, document) = open(&fixture);
        let mut said = String::new();
        for change in &reading.changes {
            let node = change
                .node
                .as_ref()
                .map(|node| format!(" {node}:"))
                .unwrap_or_default();
            let line = format!("{}{node} {}\n", change.pointer, change.text);
            said += line.trim_start();
            assert!(
                old.pointer(&change.pointer).is_some(),
                "`{}` is nowhere",
                change.pointer
            );
        }
        for problem in &reading.problems {
            said += &format!("{problem}\n");
            let settings = old.pointer(&problem.pointer);
            assert!(settings.is_some(), "`{}` is nowhere", problem.pointer);
        }
        for node in document.nodes.iter().filter(|node| node.legacy.is_some()) {
            let settings = serde_json::to_string_pretty(&node.settings).unwrap();
            said += &format!("\n{} ({})\n{settings}\n", node.id, node.kind);
        }
        said += "\n";
        for edge in &document.edges {
            said += &format!(
                "{}.{} -> {}.{}\n",
                edge.from, edge.from_port, edge.to, edge.to_port
            );
        }
        let path = fixture.path.with_extension("changes.txt");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, &said).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            said,
            expected,
            "{}: run with UPDATE_EXPECT=1 and read the diff",
            path.display()
        );
    }
}
