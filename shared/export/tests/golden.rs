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

/// A version of what is written for a target, and the hash of its snapshots.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Version {
    version: u32,
    snapshots: String,
}

/// What is wrong with the versions of a target.
fn complaint(versions: &[Version], in_code: u32, hash: &str) -> Option<String> {
    let is_dense = (1..).zip(versions).all(|(place, one)| one.version == place);
    let hashes: std::collections::BTreeSet<_> = versions.iter().map(|it| &it.snapshots).collect();
    if !is_dense || hashes.len() != versions.len() {
        return Some("contract.json is only added to: versions from 1 on, no two alike".to_owned());
    }
    let last = versions.last().map_or(0, |last| last.version);
    if versions.last().is_none_or(|last| last.snapshots != hash) {
        return Some(format!(
            "the snapshots changed: add version {} to contract.json (`UPDATE_EXPECT=1`) and to \
             `Target::contract`",
            last + 1
        ));
    }
    (in_code != last).then(|| format!("`Target::contract` says {in_code}, contract.json {last}"))
}

#[test]
fn the_contract_holds() {
    let path = folder().join("contract.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let mut contract: BTreeMap<String, Vec<Version>> = serde_json::from_str(&text).unwrap();
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
        let versions = contract.entry(target.word().to_owned()).or_default();
        let is_new = versions.last().is_none_or(|last| last.snapshots != hash);
        if is_update() && is_new {
            let version = versions.last().map_or(0, |last| last.version) + 1;
            let snapshots = hash.clone();
            versions.push(Version { version, snapshots });
        }
        let found = complaint(versions, target.contract(), &hash);
        wrong.extend(found.map(|text| format!("{}: {text}", target.word())));
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
    let of = |version: u32, snapshots: &str| Version {
        version,
        snapshots: snapshots.to_owned(),
    };
    let first = hash(&made);
    assert_eq!(complaint(&[of(1, &first)], 1, &first), None);
    made.values_mut().next().unwrap().push('x');
    let second = hash(&made);
    // The hash of an older version is not written over: its version would be there twice, or the code
    // behind.
    for (versions, in_code) in [
        (vec![], 0),
        (vec![of(1, &first)], 1),
        (vec![of(1, &first), of(2, &second)], 1),
        (vec![of(1, &first), of(1, &second)], 1),
        (vec![of(1, &second), of(2, &second)], 2),
        (vec![of(2, &second)], 2),
    ] {
        assert!(
            complaint(&versions, in_code, &second).is_some(),
            "{versions:?}"
        );
    }
    assert_eq!(
        complaint(&[of(1, &first), of(2, &second)], 2, &second),
        None
    );
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
