//! The shelf of node types: the folders are the list, and each folder is complete.

use crate::repo::{report, root, text};
use regex::Regex;
use std::collections::BTreeSet;
use std::path::Path;

const SHELF: &str = "shared/nodes/src";

/// The folder of each entry of `pub const ALL: ... = &[&if_else::IfElse, &Delay, ...];`: the module
/// where the entry names it, else the name of its type with underscores.
fn listed(lib: &str) -> Vec<String> {
    let list = Regex::new(r"(?s)\bconst ALL:[^=]*=\s*&\[(.*?)\];").expect("the pattern is right");
    let comment = Regex::new(r"//[^\n]*").expect("the pattern is right");
    let entries = list
        .captures(lib)
        .map_or("", |found| found.get(1).map_or("", |m| m.as_str()));
    comment
        .replace_all(entries, "")
        .split(',')
        .map(|entry| entry.trim().trim_start_matches('&'))
        .filter(|entry| !entry.is_empty())
        .map(|entry| match entry.rsplit("::").nth(1) {
            Some(module) => module.to_owned(),
            None => snake_case(entry),
        })
        .collect()
}

/// `HttpRequest` or `httpRequest` as `http_request`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

/// `http_request` as `httpRequest`, the name that documents use.
fn camel_case(folder: &str) -> String {
    let mut words = folder.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_ascii_uppercase() + tail
    })
}

fn folders(shelf: &Path) -> BTreeSet<String> {
    std::fs::read_dir(shelf)
        .expect("the shelf is a folder")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.is_dir())
        .map(|path| {
            path.file_name()
                .expect("it has a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

fn complaints(folders: &BTreeSet<String>, listed: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for name in listed {
        if !seen.insert(name.clone()) {
            found.push(format!("`{name}` is listed twice in `ALL`"));
        }
    }
    for name in folders.difference(&seen) {
        found.push(format!("the folder `{name}` is not in `ALL`"));
    }
    for name in seen.difference(folders) {
        found.push(format!("`{name}` of `ALL` has no folder"));
    }
    found
}

/// What a folder must hold: the code under the name that documents use, and the manual page.
fn parts_missing(folder: &Path, name: &str) -> Vec<String> {
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_default();
    let mut found = Vec::new();
    if !read("mod.rs").contains(&format!("\"{}\"", camel_case(name))) {
        found.push(format!(
            "`{name}/mod.rs` does not name the type `{}`",
            camel_case(name)
        ));
    }
    if !read("README.md").starts_with("# ") {
        found.push(format!("`{name}/README.md` does not begin with a heading"));
    }
    found
}

#[test]
fn the_folders_are_the_list() {
    let shelf = root().join(SHELF);
    let folders = folders(&shelf);
    let listed = listed(&text("shared/nodes/src/lib.rs"));
    assert!(!listed.is_empty(), "no list `ALL` in {SHELF}/lib.rs");
    let mut found = complaints(&folders, &listed);
    for name in &folders {
        found.extend(parts_missing(&shelf.join(name), name));
    }
    report("the shelf of node types (shared/nodes/src):", &found);
}

#[test]
fn a_gap_in_the_shelf_is_noticed() {
    let lib = "pub const ALL: &[&dyn NodeKind] = &[\n    &IfElse, // first\n    &mcp::Tool,\n    &IfElse,\n];\npub const NOT_YET: &[&str] = &[\"x\"];";
    let listed = listed(lib);
    assert_eq!(listed, ["if_else", "mcp", "if_else"]);
    let folders = BTreeSet::from(["if_else".to_owned(), "delay".to_owned()]);
    let expected = [
        "`if_else` is listed twice in `ALL`",
        "the folder `delay` is not in `ALL`",
        "`mcp` of `ALL` has no folder",
    ];
    assert_eq!(complaints(&folders, &listed), expected);
    assert_eq!(parts_missing(Path::new("no/such"), "if_else").len(), 2);
    assert_eq!(
        (camel_case("if_else"), camel_case("end")),
        ("ifElse".to_owned(), "end".to_owned())
    );
}
