//! Every problem code that a user can meet has a page, and every page a code.

use crate::repo::{File, files, report};
use regex::Regex;
use std::collections::BTreeMap;

/// Where the pages are.
const PAGES: &str = "docs/problems/";

/// The index of the pages, if there is one.
const INDEX: &str = "docs/problems/README.md";

fn complaints(files: &[File]) -> Vec<String> {
    let code = Regex::new(r"LAT-[A-Z]\d{3}\b").expect("the pattern is right");
    let mut found = Vec::new();
    let mut used: BTreeMap<&str, &str> = BTreeMap::new();
    for file in files.iter().filter(|file| is_source(file)) {
        for one in code.find_iter(&file.text) {
            used.entry(one.as_str()).or_insert(&file.path);
        }
    }
    let pages: BTreeMap<&str, &File> = files
        .iter()
        .filter(|file| file.path != INDEX)
        .filter_map(|file| Some((file.path.strip_prefix(PAGES)?.strip_suffix(".md")?, file)))
        .collect();
    for (code, path) in &used {
        if !pages.contains_key(code) {
            found.push(format!("`{code}` of {path} has no page `{PAGES}{code}.md`"));
        }
    }
    for (name, page) in &pages {
        if !used.contains_key(name) {
            found.push(format!("{}: no source has the code `{name}`", page.path));
        }
        if !page.text.starts_with(&format!("# {name}")) {
            found.push(format!("{}: does not begin with `# {name}`", page.path));
        }
    }
    found
}

fn is_source(file: &File) -> bool {
    let path = &file.path;
    path.ends_with(".rs") && (path.starts_with("shared/") || path.starts_with("functions/"))
}

#[test]
fn codes_and_pages_match() {
    report("problem codes and their pages:", &complaints(&files()));
}

#[test]
fn a_missing_or_stray_page_is_noticed() {
    let file = |path: &str, text: &str| File {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let files = [
        file(
            "shared/x/src/a.rs",
            "\"LAT-C001\", \"LAT-C002\", \"LAT-C003\"",
        ),
        file("tests/x/src/a.rs", "\"LAT-C009\""),
        file("docs/problems/LAT-C001.md", "# LAT-C001: right\n"),
        file("docs/problems/LAT-C002.md", "# Wrong head\n"),
        file("docs/problems/LAT-C004.md", "# LAT-C004\n"),
        file("docs/problems/README.md", "# Problems\n"),
    ];
    let found = complaints(&files);
    let expected = [
        "`LAT-C003` of shared/x/src/a.rs has no page `docs/problems/LAT-C003.md`",
        "docs/problems/LAT-C002.md: does not begin with `# LAT-C002`",
        "docs/problems/LAT-C004.md: no source has the code `LAT-C004`",
    ];
    assert_eq!(found, expected);
}
