//! One workflow, one set of files: by the command and over HTTP, in whatever language and time zone,
//! and in whatever order its nodes and edges stand in the file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

mod common;

use common::Place;
use common::http::Dev;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const TARGETS: [&str; 4] = ["claude-code", "codex", "opencode", "copilot"];

type Files = BTreeMap<String, String>;

/// The examples, and one with what only exports know.
fn documents() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some(id) = name.strip_suffix(".json").filter(|id| !id.contains('.')) {
            let document = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            found.insert(id.to_owned(), document);
        }
    }
    assert!(found.len() >= 9, "{:?}", found.keys());
    let mut drawn = common::line(&[
        (
            "a",
            "subAgent",
            json!({"prompt": "Look at {{in.x}}", "tools": ["Read", "Bash(git log:*)"], "disallowedTools": ["Write"]}),
        ),
        (
            "b",
            "skill",
            json!({"name": "Ünusual näme", "instructions": "Istanbul IĞDIR ı i", "allowedTools": "Read"}),
        ),
        (
            "c",
            "mcp",
            json!({"serverId": "docs", "server": {"command": ["docs"], "env": {"B": "1", "A": "{{secret.KEY}}"}}, "toolName": "find.it", "permission": "deny", "parameterValues": {"z": 1, "a": 2}}),
        ),
        (
            "d",
            "mcp",
            json!({"serverId": "docs", "toolName": "open", "permission": "allow"}),
        ),
    ]);
    drawn["id"] = json!("drawn");
    found.insert("drawn".to_owned(), drawn);
    found
}

fn read(root: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.insert(name.to_owned(), std::fs::read_to_string(&path).unwrap());
        }
    }
    files
}

/// What the command writes.
fn exported(place: &Place, target: &str, document: &Value, to: &str) -> Files {
    place.write("w.json", document.to_string());
    let done = place.lattice(&[
        "export", "w.json", "--target", target, "--out", to, "--json",
    ]);
    assert_eq!(done.code, Some(0), "{target}: {done:?}");
    read(&place.path(to))
}

#[test]
fn the_api_gives_the_files_that_the_command_writes() {
    let place = Place::new();
    let mut by_command = BTreeMap::new();
    for (id, document) in documents() {
        for target in TARGETS {
            let files = exported(&place, target, &document, &format!("{id}-{target}"));
            by_command.insert((id.clone(), target), files);
        }
    }
    let dev = Dev::start(&place, &[]);
    for (id, document) in documents() {
        // What cannot be run yet is not stored, and can be exported all the same.
        let path = format!("/v1/workflows/{id}");
        let saved = dev.send("PUT", &path, &[("if-none-match", "*")], Some(&document));
        let stored = saved.status == 201;
        assert_eq!(stored, id != "drawn", "{id}: {saved:?}");
        for target in TARGETS {
            let files = |answer: common::http::Answer| -> Files {
                assert_eq!(answer.status, 200, "{id} {target}: {answer:?}");
                let answer = answer.json();
                let files = answer["files"].as_array().unwrap().iter();
                let text = |file: &Value, field: &str| file[field].as_str().unwrap().to_owned();
                files
                    .map(|file| (text(file, "path"), text(file, "text")))
                    .collect()
            };
            let wanted = &by_command[&(id.clone(), target)];
            let path = format!("/v1/export/{target}");
            let sent = files(dev.send("POST", &path, &[], Some(&document)));
            assert_eq!(&sent, wanted, "{id} {target}");
            if stored {
                let path = format!("/v1/workflows/{id}/export/{target}");
                let kept = files(dev.send("POST", &path, &[], None));
                assert_eq!(&kept, wanted, "{id} {target}");
            }
        }
    }
    let broken = json!({"format": "agent-lattice/workflow", "formatVersion": 1, "id": "w", "name": "W", "nodes": [], "edges": []});
    let answer = dev.send("POST", "/v1/export/codex", &[], Some(&broken));
    assert_eq!(answer.status, 422, "{answer:?}");
    assert_eq!(
        answer.json()["problems"][0]["code"],
        "LAT-C001",
        "{answer:?}"
    );
    dev.stop();
}

/// Turkish has two letters i, Nepal is 5:45 hours ahead, and some languages write other digits.
#[test]
fn neither_place_nor_order_changes_a_byte() {
    let here = Place::new();
    let mut there = Place::new();
    for (name, value) in [
        ("LANG", "tr_TR.UTF-8"),
        ("LC_ALL", "ar_EG.UTF-8"),
        ("TZ", "Asia/Kathmandu"),
    ] {
        there.set(name, value);
    }
    for (id, document) in documents() {
        let mut turned = document.clone();
        for list in ["nodes", "edges"] {
            turned[list].as_array_mut().unwrap().reverse();
        }
        for target in TARGETS {
            let to = format!("{id}-{target}");
            let one = exported(&here, target, &document, &to);
            let other = exported(&there, target, &turned, &to);
            assert!(!one.is_empty());
            assert_eq!(one, other, "{id} {target}");
        }
    }
}
