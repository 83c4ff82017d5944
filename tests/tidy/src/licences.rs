//! Every crate that is linked or runs at build time has a licence that may stand beside ours.

use crate::repo::{cargo, report};

/// Licences that ask for no more than to be named.
const ACCEPTED: &[&str] = &[
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met with accepted licences. Brackets are not nested in
/// practice; an expression this reads wrongly comes out as refused.
fn is_accepted(expression: &str) -> bool {
    let flat = expression.replace('/', " OR ").replace(['(', ')'], "");
    flat.split(" AND ")
        .all(|part| part.split(" OR ").any(|one| ACCEPTED.contains(&one.trim())))
}

/// Reads lines like `MIT|serde v1.0.0`.
fn complaints(tree: &str) -> Vec<String> {
    let mut found: Vec<String> = tree
        .lines()
        .filter_map(|line| line.split_once('|'))
        .filter(|(licence, _)| !is_accepted(licence))
        .map(|(licence, name)| format!("{name} has the licence `{licence}`"))
        .collect();
    found.sort();
    found.dedup();
    found
}

#[test]
fn every_licence_is_accepted() {
    let tree = cargo(&[
        "tree",
        "--locked",
        "--quiet",
        "--workspace",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{l}|{p}",
    ]);
    assert!(tree.contains("|serde v"), "the tree is read");
    let rule = "licences (tests/tidy/src/licences.rs; a new one is a written decision):";
    report(rule, &complaints(&tree));
}

#[test]
fn a_licence_that_asks_for_more_is_noticed() {
    for accepted in [
        "MIT",
        "MIT/Apache-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "MIT OR GPL-3.0",
    ] {
        assert!(is_accepted(accepted), "{accepted}");
    }
    for refused in [
        "GPL-3.0",
        "MIT AND AGPL-3.0",
        "",
        "(MIT AND GPL-3.0) OR GPL-3.0",
    ] {
        assert!(!is_accepted(refused), "{refused}");
    }
    assert_eq!(
        complaints("MIT|a v1\nGPL-3.0|b v1\nGPL-3.0|b v1 (*)\n").len(),
        2
    );
}
