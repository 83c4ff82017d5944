//! `lattice export`: all files or none, and nothing overwritten unasked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Place, line, prompt};
use serde_json::json;

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
    let words = ["export", "claude-code", "w.json", "--to", "project"];
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
    assert_eq!(object["target"], "claude-code");
    assert_eq!(std::fs::read_to_string(&agent).unwrap(), made);
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() {
    let place = place();
    place.write("file", "x");
    place
        .lattice(&["export", "codex", "w.json", "--to", "file"])
        .fails(1, &["`file` is a file"]);
    let bad = line(&[("draft", "prompt", prompt("{{in."))]);
    place.write("bad.json", bad.to_string());
    let done = place.lattice(&["export", "codex", "bad.json", "--to", "project"]);
    assert_eq!(done.code, Some(1));
    assert!(
        done.out.contains("LAT-N006") && done.out.contains("nothing was written"),
        "{}",
        done.out
    );
    assert!(!place.path("project").exists());
    let done = place.lattice(&["export", "emacs", "w.json", "--to", "project"]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("claude-code"), "{}", done.err);
}
