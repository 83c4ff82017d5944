//! The contract: what every example and every older document becomes in each target. A changed snapshot
//! needs a higher version of its target in `contract.json`; `UPDATE_EXPECT=1` writes both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files and its environment"
)]

mod support;

use lattice_export::{Export, Target, export, matrix};
use lattice_model::Hash;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::documents;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn is_update() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1")
}

/// Everything that an export gives, as one text.
fn print(export: &Export) -> String {
    let mut text = format!("launch: {}\n", export.launch);
    for warning in &export.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    for (path, bytes) in &export.files {
        let content = String::from_utf8(bytes.clone()).unwrap();
        text.push_str(&format!("\n==== {path}\n{content}"));
    }
    text
}

fn snapshots(target: Target) -> BTreeMap<String, String> {
    let made = documents().into_iter().map(|(name, document)| {
        let text = match export(&document, target) {
            Ok(export) => print(&export),
            Err(problems) => {
                let lines = problems.iter().map(|problem| format!("{problem}\n"));
                lines.collect()
            }
        };
        (format!("{name}.txt"), text)
    });
    made.collect()
}

fn hash(snapshots: &BTreeMap<String, String>) -> String {
    let all: Vec<_> = snapshots
        .iter()
        .map(|(name, text)| json!([name, text]))
        .collect();
    Hash::of(Value::from(all).to_string().as_bytes()).to_hex()
}

/// What is wrong with a target's entry of the contract, given what stood there before the change.
fn complaint(entry: &Value, hash: &str) -> Option<String> {
    let version = entry["version"].as_u64().unwrap_or(0);
    if version == 0 {
        return Some("the target has no version".to_owned());
    }
    (entry["snapshots"] != hash).then(|| {
        format!("the snapshots changed: raise the version {version} in contract.json and its hash")
    })
}

#[test]
fn the_contract_holds() {
    let path = folder().join("contract.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let mut contract: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    let mut wrong = Vec::new();
    for target in Target::ALL {
        let made = snapshots(*target);
        let at = folder().join(target.word());
        for (name, text) in &made {
            let file = at.join(name);
            if is_update() {
                std::fs::create_dir_all(&at).unwrap();
                std::fs::write(&file, text).unwrap();
            }
            if std::fs::read_to_string(&file).unwrap_or_default() != *text {
                wrong.push(format!(
                    "{} {name} differs from its snapshot",
                    target.word()
                ));
            }
        }
        let stored = std::fs::read_dir(&at).map_or(0, Iterator::count);
        if stored != made.len() {
            wrong.push(format!(
                "{}: {stored} snapshots of {} documents",
                target.word(),
                made.len()
            ));
        }
        let hash = hash(&made);
        let entry = contract
            .entry(target.word().to_owned())
            .or_insert(json!({"version": 0}));
        if is_update() && entry["snapshots"] != hash.as_str() {
            let version = entry["version"].as_u64().unwrap_or(0);
            *entry = json!({"version": version + 1, "snapshots": hash});
        }
        wrong.extend(complaint(entry, &hash).map(|text| format!("{}: {text}", target.word())));
    }
    if is_update() {
        let text = serde_json::to_string_pretty(&contract).unwrap();
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_change_without_a_new_version_is_noticed() {
    let mut made = snapshots(Target::ClaudeCode);
    let entry = json!({"version": 1, "snapshots": hash(&made)});
    assert_eq!(complaint(&entry, &hash(&made)), None);
    made.values_mut().next().unwrap().push('x');
    assert!(complaint(&entry, &hash(&made)).is_some());
    assert!(complaint(&json!({}), &hash(&made)).is_some());
}

#[test]
fn the_page_of_targets_is_made_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/targets.md");
    if is_update() {
        std::fs::write(&path, matrix::markdown()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(page, matrix::markdown(), "docs/targets.md is stale");
}
