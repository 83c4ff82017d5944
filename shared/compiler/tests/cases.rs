//! Runs the case files of the compiler, and holds the lists of codes against them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

mod run_case;

use lattice_cases::check;
use lattice_compiler::codes;
use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::PathBuf;

fn pages(folder: &str) -> Vec<PathBuf> {
    let entries = read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.sort();
    assert!(!pages.is_empty(), "{folder} has no pages");
    pages
}

#[test]
fn every_case_holds() {
    for page in pages("cases") {
        check(page, run_case::run);
    }
}

/// `DEFECT` cannot be brought about by a document, and `DEEP_FLOW` not by a single one:
/// `passes/verify.rs` and `tests/flows.rs` try them.
#[test]
fn every_code_is_triggered_by_some_case() {
    let mut shown = String::new();
    for page in pages("cases") {
        shown.push_str(&read_to_string(page).unwrap());
    }
    let all = codes::ALL.iter().chain(lattice_nodes::codes::ALL);
    let unseen: BTreeSet<_> = all
        .filter(|code| !shown.contains(&format!("[{code}]")))
        .map(|code| code.id())
        .collect();
    assert_eq!(
        unseen,
        BTreeSet::from([codes::DEFECT.id(), codes::DEEP_FLOW.id()])
    );
}

#[test]
fn every_code_has_a_page_with_its_name() {
    let all = codes::ALL.iter().chain(lattice_nodes::codes::ALL);
    for code in all {
        let path = format!("../../docs/problems/{code}.md");
        let page = read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let title = page.lines().next().unwrap_or_default();
        assert_eq!(title, format!("# {code}: {}", code.title()));
    }
}
