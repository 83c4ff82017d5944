//! `lattice import`: what a coding agent has becomes a workflow, and what does not is said.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Place;
use serde_json::Value;

fn place() -> Place {
    let place = Place::new();
    for folder in ["project/.claude/agents", "project/.claude/skills/style"] {
        std::fs::create_dir_all(place.path(folder)).unwrap();
    }
    place.write(
        "project/.claude/agents/reviewer.md",
        "---\nname: reviewer\ndescription: Reads changes\ntools: Read, Grep\n---\nRead the change.\n",
    );
    place.write(
        "project/.claude/skills/style/SKILL.md",
        "---\nname: style\ndescription: How we write\n---\nShort sentences.\n",
    );
    place.write("project/CLAUDE.md", "Be kind.\n");
    place
}

const WORDS: [&str; 4] = ["import", "--from", "claude-code", "project"];

#[test]
fn a_project_becomes_a_workflow_that_can_be_exported_elsewhere() {
    let place = place();
    let words: Vec<_> = WORDS.into_iter().chain(["--out", "w.json"]).collect();
    place.lattice(&words).says(
        0,
        &[
            "skill     style",
            "subAgent  reviewer",
            "written to `w.json`: nodes 2, remarks 1",
        ],
    );
    let compiled = place.lattice(&["compile", "w.json"]);
    assert!(compiled.out.contains("LAT-N012"), "{}", compiled.out);
    place
        .lattice(&["export", "w.json", "--target", "all", "--out", "other"])
        .says(
            0,
            &[
                ".codex/agents/reviewer.toml",
                ".github/skills/style/SKILL.md",
            ],
        );
    // The file is kept, and asked for.
    place.lattice(&words).says(0, &["w.json"]);
    place.write("w.json", "mine");
    place.lattice(&words).fails(1, &["w.json", "--force"]);
    assert_eq!(std::fs::read(place.path("w.json")).unwrap(), b"mine");
    let forced: Vec<_> = words.into_iter().chain(["--force"]).collect();
    place.lattice(&forced).says(0, &["w.json"]);
}

#[test]
fn the_workflow_is_on_standard_output_and_the_remarks_beside_it() {
    let place = place();
    let done = place.lattice(&WORDS);
    let document: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(document["id"], "project");
    assert!(done.err.contains("remark: CLAUDE.md: "), "{}", done.err);
    let words: Vec<_> = WORDS.into_iter().chain(["--json"]).collect();
    let object = place.lattice(&words).result();
    assert_eq!(object["document"], document);
    assert_eq!(object["taken"][1]["node"], "reviewer");
    assert_eq!(object["left"][0]["file"], "CLAUDE.md");
}

#[test]
fn what_cannot_be_looked_at_is_said() {
    let place = place();
    place.write(
        "theirs.md",
        "---\nname: theirs\ndescription: d\n---\nText.\n",
    );
    let link = place.path("project/.claude/agents/theirs.md");
    std::os::unix::fs::symlink(place.path("theirs.md"), link).unwrap();
    place.write(
        "project/.claude/agents/large.md",
        vec![b'x'; 1024 * 1024 + 1],
    );
    place.write(
        "project/.claude/agents/turned\u{202e}.md",
        "---\nname: t\n---\n\u{1b}[2J",
    );
    let done = place.lattice(&WORDS);
    assert_eq!(done.code, Some(0), "{done:?}");
    for said in [
        "agents/theirs.md: it is a link",
        "agents/large.md: it has 1048577 bytes",
        "(description)",
    ] {
        assert!(done.err.contains(said), "`{said}`: {}", done.err);
    }
    assert!(
        !done.err.contains('\u{1b}') && !done.err.contains('\u{202e}'),
        "{}",
        done.err
    );
    assert!(!done.out.contains("theirs"), "{}", done.out);
}

#[test]
fn a_folder_with_nothing_in_it_is_no_workflow() {
    let place = place();
    let done = place.lattice(&["import", "--from", "codex", "project", "--out", "w.json"]);
    done.fails(1, &["nothing in `project`", "`.codex`"]);
    assert!(!place.path("w.json").exists());
    place.write("file", "x");
    place
        .lattice(&["import", "--from", "codex", "file"])
        .fails(1, &["`file` is a file"]);
    place
        .lattice(&["import", "--from", "codex", "gone"])
        .fails(1, &["cannot read `gone`"]);
    let done = place.lattice(&["import", "--from", "emacs", "project"]);
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("claude-code"), "{}", done.err);
}
