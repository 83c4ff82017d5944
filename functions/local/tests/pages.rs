//! What README.md and ARCHITECTURE.md promise is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::Place;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn every_crate_stands_in_the_code_map() {
    let map = page("ARCHITECTURE.md");
    for parent in ["shared", "functions", "tests"] {
        for entry in std::fs::read_dir(root().join(parent)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.path().join("Cargo.toml").exists() {
                let row = format!("| `{parent}/{name}` |");
                assert!(map.contains(&row), "ARCHITECTURE.md has no row {row}");
            }
        }
    }
}

#[test]
fn every_command_that_readme_shows_exists() {
    let readme = page("README.md");
    let mut shown = 0;
    for line in readme.lines() {
        let words = line
            .strip_prefix("cargo run -- ")
            .or_else(|| line.strip_prefix("lattice "));
        let Some(command) = words.and_then(|words| words.split_whitespace().next()) else {
            continue;
        };
        let done = Place::new().lattice(&[command, "--help"]);
        assert_eq!(
            done.code,
            Some(0),
            "README.md shows `{command}`: {}",
            done.err
        );
        shown += 1;
    }
    assert!(shown >= 4, "README.md shows only {shown} commands");
}

#[test]
fn every_guard_is_explained_with_its_invariant() {
    let guards = page("shared/model/src/guard.rs");
    let map = page("ARCHITECTURE.md");
    let list = guards.split("pub const ALL").nth(1).unwrap();
    let named = list
        .split("Self::")
        .skip(1)
        .filter_map(|part| part.split(',').next());
    let mut count = 0;
    for guard in named.take_while(|name| name.chars().all(char::is_alphanumeric)) {
        assert!(
            map.contains(&format!("`{guard}`")),
            "ARCHITECTURE.md does not name `{guard}`"
        );
        count += 1;
    }
    assert!(count >= 20, "only {count} guards were read");
}
