//! `lattice export`: all files or none, and nothing overwritten unasked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt};
use serde_json::json;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn place() -> Place {
    let place = Place::new();
    let workflow = line(&[
        ("draft", "prompt", prompt("About {{in.topic}}.")),
        (
            "check",
            "subAgent",
            json!({"name": "checker", "prompt": "Check {{nodes.draft.output}}", "tools": ["Read"]}),
        ),
    ]);
    place.write("w.json", workflow.to_string());
    place
}

#[test]
fn files_are_written_once_and_changes_are_asked_for() {
    let place = place();
    let words = [
        "export",
        "w.json",
        "--target",
        "claude-code",
        "--out",
        "project",
    ];
    let dry: Vec<_> = words.into_iter().chain(["--dry-run"]).collect();
    place.lattice(&dry).says(
        0,
        &["new ", ".claude/agents/checker.md", "nothing was written"],
    );
    assert!(!place.path("project").exists());
    place.lattice(&words).says(0, &["new ", "claude \"/"]);
    let agent = place.path("project/.claude/agents/checker.md");
    let made = std::fs::read_to_string(&agent).unwrap();
    assert!(made.contains("tools: \"Read\""), "{made}");
    place.lattice(&words).says(0, &["same "]);
    std::fs::write(&agent, format!("{made}\nmine\n")).unwrap();
    place.lattice(&words).fails(1, &["checker.md", "--force"]);
    assert!(std::fs::read_to_string(&agent).unwrap().ends_with("mine\n"));
    place.lattice(&dry).says(0, &["changed ", "- mine"]);
    let forced: Vec<_> = words.into_iter().chain(["--force", "--json"]).collect();
    let object = place.lattice(&forced).result();
    assert_eq!(object["ok"], true);
    assert_eq!(object["targets"][0]["target"], "claude-code");
    assert_eq!(std::fs::read_to_string(&agent).unwrap(), made);
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() {
    let place = place();
    place.write("file", "x");
    place
        .lattice(&["export", "w.json", "--target", "codex", "--out", "file"])
        .fails(1, &["`file` is a file"]);
    let bad = line(&[("draft", "prompt", prompt("{{in."))]);
    place.write("bad.json", bad.to_string());
    let done = place.lattice(&[
        "export", "bad.json", "--target", "codex", "--out", "project",
    ]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.out.contains("LAT-N006") && done.out.contains("nothing was written"),
        "{}",
        done.out
    );
    assert!(!place.path("project").exists());
    let done = place.lattice(&["export", "w.json", "--target", "emacs", "--out", "project"]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("claude-code"), "{}", done.err);
}

/// Every file below a folder with what it holds, and every link and folder.
fn everything(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = std::fs::symlink_metadata(&path).unwrap();
            let holds = match kind.is_file() {
                true => std::fs::read(&path).unwrap(),
                false => Vec::new(),
            };
            if kind.is_dir() {
                open.push(path.clone());
            }
            found.insert(path, holds);
        }
    }
    found
}

#[test]
fn four_targets_are_written_together_or_not_at_all() {
    let place = place();
    std::fs::create_dir_all(place.path("project/.github/agents")).unwrap();
    place.write("project/.github/agents/checker.agent.md", "---\nmine\n");
    let before = everything(&place.path("project"));
    let words = ["export", "w.json", "--target", "all", "--out", "project"];
    place
        .lattice(&words)
        .fails(1, &["checker.agent.md", "--force"]);
    assert_eq!(everything(&place.path("project")), before);
    let forced: Vec<_> = words.into_iter().chain(["--force", "--json"]).collect();
    let object = place.lattice(&forced).result();
    let named = |field: &str, key: &str| -> Vec<String> {
        let list = object[field].as_array().unwrap().iter();
        list.map(|one| one[key].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        named("targets", "target"),
        ["claude-code", "codex", "opencode", "copilot"]
    );
    for file in named("files", "path") {
        assert!(place.path(&format!("project/{file}")).is_file(), "{file}");
    }
    let two = [
        "export",
        "w.json",
        "--target",
        "codex,claude-code,codex",
        "--out",
        "other",
        "--json",
    ];
    let object = place.lattice(&two).result();
    assert_eq!(object["targets"].as_array().unwrap().len(), 2);
}

#[test]
fn a_name_that_one_target_keeps_stops_all_of_them() {
    let place = Place::new();
    // Claude Code has a skill of this name, the others have none.
    let skill = json!({"name": "security-review", "instructions": "Look."});
    place.write("w.json", line(&[("s", "skill", skill)]).to_string());
    let words = ["export", "w.json", "--target", "all", "--out", "project"];
    let done = place.lattice(&words);
    assert_eq!(done.code, Some(1));
    assert!(done.out.contains("LAT-E003"), "{}", done.out);
    assert!(!place.path("project").exists());
}

#[test]
fn links_out_of_the_folder_are_not_followed() {
    let words = [
        "export",
        "w.json",
        "--target",
        "claude-code",
        "--out",
        "project",
    ];
    for (link, to) in [
        (".claude", "outside"),
        (".claude/agents", "outside"),
        (".claude/agents/checker.md", "outside/file"),
        (".claude/agents/checker.md", "outside/nothing"),
    ] {
        let place = place();
        std::fs::create_dir_all(place.path("outside")).unwrap();
        place.write("outside/file", "theirs");
        let link = place.path(&format!("project/{link}"));
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(place.path(to), &link).unwrap();
        let (inside, outside) = (
            everything(&place.path("project")),
            everything(&place.path("outside")),
        );
        for more in [vec![], vec!["--force"], vec!["--dry-run"]] {
            let words: Vec<_> = words.into_iter().chain(more).collect();
            place.lattice(&words).fails(1, &["is a link"]);
        }
        assert_eq!(everything(&place.path("project")), inside);
        assert_eq!(everything(&place.path("outside")), outside);
    }
}

#[test]
fn what_stands_in_the_way_is_named_and_stays() {
    let words = [
        "export",
        "w.json",
        "--target",
        "claude-code",
        "--out",
        "project",
        "--force",
    ];
    let place = place();
    std::fs::create_dir_all(place.path("project/.claude/agents/checker.md")).unwrap();
    place
        .lattice(&words)
        .fails(1, &["checker.md", "is a folder"]);
    std::fs::remove_dir_all(place.path("project")).unwrap();
    std::fs::create_dir_all(place.path("project")).unwrap();
    place.write("project/.claude", "a file");
    let before = everything(&place.path("project"));
    place.lattice(&words).fails(1, &[".claude", "is a file"]);
    assert_eq!(everything(&place.path("project")), before);
}

/// Whoever is root may write everywhere, so that the test asks for a folder in which nobody can.
#[test]
fn a_folder_that_cannot_be_written_to_stays_as_it_is() {
    let place = place();
    std::fs::create_dir_all(place.path("project")).unwrap();
    place.write("project/mine", "x");
    let folder = place.path("project");
    let mode =
        |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o555);
    let is_root = std::fs::write(folder.join("probe"), "").is_ok();
    let to = match is_root {
        // Nobody makes files there.
        true => "/proc/lattice/project",
        false => "project",
    };
    place
        .lattice(&["export", "w.json", "--target", "codex", "--out", to])
        .fails(1, &["cannot write", "nothing was written", "permissions"]);
    mode(0o755);
    let _ = std::fs::remove_file(folder.join("probe"));
    let names: Vec<_> = everything(&folder).into_keys().collect();
    assert_eq!(names, [folder.join("mine")]);
}
