//! Every Rust file says what it is, and stays short enough to be read at once.

use crate::repo::{File, files_ending, report};

/// Lines of one file. Functions are held to 70 lines by clippy's `too_many_lines`.
const LINES_MAX: usize = 400;

fn complaints(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    if !file.text.starts_with("//! ") {
        found.push(format!(
            "{}: does not begin with a `//!` sentence",
            file.path
        ));
    }
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        found.push(format!("{}: {lines} lines, at most {LINES_MAX}", file.path));
    }
    found
}

#[test]
fn files_begin_with_their_story_and_are_short() {
    let found: Vec<String> = files_ending("rs").iter().flat_map(complaints).collect();
    report("Rust files:", &found);
}

#[test]
fn a_long_or_unexplained_file_is_noticed() {
    let count = |text: String| {
        let path = "x.rs".to_owned();
        complaints(&File { path, text }).len()
    };
    assert_eq!(
        count(format!("//! Story.\n{}", "\n".repeat(LINES_MAX - 1))),
        0
    );
    assert_eq!(count(format!("//! Story.\n{}", "\n".repeat(LINES_MAX))), 1);
    assert_eq!(count("use x;\n//! Story.\n".to_owned()), 1);
}
