//! Export, then import, then export: the files are the same, and what a document says comes back but for
//! what the export said is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod drawn;

use drawn::document;
use lattice_document::{Document, Node};
use lattice_export::{Export, Target, export};
use lattice_import::{Files, Import, import};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The files of an export but for the workflow itself, which an import cannot read.
fn files(export: &Export, workflow: &str) -> Files {
    let is_workflow = |path: &str| path.contains(&format!("/{workflow}/"));
    let files = export.files.iter().filter(|(path, _)| !is_workflow(path));
    files
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect()
}

fn shown(files: &Files) -> String {
    let file = |(path, bytes): (&String, &Vec<u8>)| {
        format!("==== {path}\n{}", String::from_utf8_lossy(bytes))
    };
    files.iter().map(file).collect::<Vec<_>>().join("\n")
}

fn there_and_back(document: &Document, target: Target) -> Option<(Export, Import)> {
    let first = export(document, target).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let kept = files(&first, "the-workflow");
    match import(&first.files, target, "again") {
        Ok(back) => Some((first, back)),
        Err(left) => {
            assert!(
                kept.is_empty(),
                "nothing was read of\n{}\n{left:#?}",
                shown(&kept)
            );
            None
        }
    }
}

fn same_files(document: &Document, target: Target) {
    let Some((first, back)) = there_and_back(document, target) else {
        return;
    };
    let second = export(&back.document, target).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let (before, after) = (files(&first, "the-workflow"), files(&second, "again"));
    assert!(
        before == after,
        "{target}: before\n{}\n\nafter\n{}\n{:#?}",
        shown(&before),
        shown(&after),
        back.left
    );
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A setting as it may come back: texts without blank space around them, descriptions on one line.
fn plain(node: &Node, name: &str, target: Target) -> Value {
    let text = |name: &str| node.settings.get(name).and_then(Value::as_str);
    let value = node.settings.get(name).cloned().unwrap_or_default();
    match (name, &value) {
        ("prompt" | "instructions", Value::String(text)) => text.trim().into(),
        ("description", Value::String(text)) => line(text).into(),
        // Without one, the text itself is written.
        ("description", _) => {
            line(text("prompt").or(text("instructions")).unwrap_or_default()).into()
        }
        ("tools" | "disallowedTools", Value::Array(all)) => {
            // What is a part of a tool that is there as a whole says nothing.
            let is_whole = |tool: &&Value| {
                let (base, _) = tool
                    .as_str()
                    .and_then(|tool| tool.split_once('('))
                    .unwrap_or_default();
                !all.contains(&base.into())
            };
            let mut tools: Vec<_> = all.iter().filter(is_whole).cloned().collect();
            // Their order means nothing.
            tools.sort_by_key(Value::to_string);
            tools.into()
        }
        (_, Value::Number(number)) => number.as_f64().into(),
        // A skill has no model there, which the export says of the first step that uses it.
        ("model", _) if node.kind == "skill" && target != Target::ClaudeCode => Value::Null,
        _ => value,
    }
}

const SETTINGS: &[&str] = &[
    "description",
    "prompt",
    "model",
    "tools",
    "disallowedTools",
    "maxTurns",
    "memory",
    "color",
    "temperature",
    "instructions",
    "allowedTools",
];

/// Whether a warning is about a setting.
fn says(lost: &str, setting: &str) -> bool {
    match setting {
        "model" => lost.contains("model"),
        "tools" | "disallowedTools" => {
            let words = ["tool", "is left out, for", "is denied", "`disallowedTools`"];
            words.iter().any(|word| lost.contains(word))
        }
        other => lost.contains(&format!("`{other}`")),
    }
}

/// What the export did not say is lost has come back.
fn same_settings(document: &Document, target: Target) {
    let Some((first, back)) = there_and_back(document, target) else {
        return;
    };
    for node in &document.nodes {
        let Some(name) = node.settings.get("name").and_then(Value::as_str) else {
            continue;
        };
        let found = back.document.nodes.iter().find(|one| {
            one.kind == node.kind && one.settings.get("name").and_then(Value::as_str) == Some(name)
        });
        let found = found
            .unwrap_or_else(|| panic!("{target}: `{name}` did not come back: {:#?}", back.left));
        for setting in SETTINGS {
            let (was, is) = (plain(node, setting, target), plain(found, setting, target));
            // Without a description the text stands there, and is cut.
            let is_cut = *setting == "description" && !node.settings.contains_key("description");
            let mut warnings = first.warnings.iter();
            let is_said =
                warnings.any(|one| one.node.as_ref() == Some(&node.id) && says(&one.lost, setting));
            assert!(
                was == is || is_said || is_cut,
                "{target}: `{setting}` of `{name}` was {was}, and is {is}: {:#?}",
                first.warnings
            );
        }
    }
}

/// What servers and their tools may do, by the names of the files.
fn servers(document: &Document, target: Target) -> BTreeMap<String, (Value, Option<String>)> {
    let rewrites = matches!(target, Target::ClaudeCode | Target::OpenCode);
    let letter = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => letter,
        _ => '_',
    };
    let mut found = BTreeMap::new();
    for node in document.nodes.iter().filter(|node| node.kind == "mcp") {
        let text = |name: &str| node.settings.get(name).and_then(Value::as_str);
        let tool = text("toolName").map(|tool| match rewrites {
            true => tool.chars().map(letter).collect(),
            false => tool.to_owned(),
        });
        let mut setup = node.settings.get("server").cloned().unwrap_or_default();
        if let Some(fields) = setup.as_object_mut() {
            fields.retain(|_, value| *value != json!({}));
        }
        let name = format!("{} {}", text("serverId").unwrap(), tool.unwrap_or_default());
        // GitHub Copilot asks unless it is told otherwise.
        let is_said = |word: &&str| target != Target::Copilot || *word != "ask";
        let word = text("permission").filter(is_said).map(str::to_owned);
        if setup != Value::Null || word.is_some() {
            let entry: &mut (Value, Option<String>) = found.entry(name).or_default();
            let strict = |word: &Option<String>| {
                let word = word.as_deref();
                [None, Some("allow"), Some("ask"), Some("deny")]
                    .iter()
                    .position(|one| *one == word)
            };
            if strict(&word) > strict(&entry.1) {
                entry.1 = word;
            }
            if setup != Value::Null {
                entry.0 = setup;
            }
        }
    }
    found
}

/// Servers and permissions have come back but for what the export said is lost.
fn same_servers(document: &Document, target: Target) {
    let made = export(document, target).unwrap();
    let is_lossless = !made.warnings.iter().any(|warning| {
        let node = document
            .nodes
            .iter()
            .find(|node| Some(&node.id) == warning.node.as_ref());
        node.is_some_and(|node| node.kind == "mcp")
            && (warning.lost.contains("has no place in the files")
                || warning.lost.contains("flag")
                || warning.lost.contains("holds a secret"))
    });
    if !is_lossless {
        return;
    }
    let was = servers(document, target);
    let is = there_and_back(document, target).map(|(_, back)| servers(&back.document, target));
    assert_eq!(was, is.unwrap_or_default(), "{target}");
}

proptest! {
    // `PROPTEST_CASES` asks for more of them.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_files_are_the_same(document in document()) {
        for target in Target::ALL {
            same_files(&document, *target);
        }
    }

    #[test]
    fn what_is_not_said_to_be_lost_comes_back(document in document()) {
        for target in Target::ALL {
            same_settings(&document, *target);
            same_servers(&document, *target);
        }
    }
}
