//! Each guard stands in the code that it guards and in a case of the simulator that bites.

use crate::repo::{report, root};
use regex::Regex;
use std::path::Path;

/// The names in `Guard::ALL`.
fn listed(source: &str) -> Vec<String> {
    let list = Regex::new(r"(?s)const ALL: &\[Self\] = &\[(.*?)\];").expect("the pattern is right");
    let name = Regex::new(r"Self::(\w+)").expect("the pattern is right");
    let entries = list
        .captures(source)
        .map_or("", |found| found.get(1).map_or("", |m| m.as_str()));
    name.captures_iter(entries)
        .map(|found| found[1].to_owned())
        .collect()
}

/// All Rust sources below a folder, as one text.
fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            all += &sources(&path);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("guard.rs") {
            all += &std::fs::read_to_string(&path).expect("it is a text");
        }
    }
    all
}

fn complaints(guards: &[String], code: &str, simulator: &str) -> Vec<String> {
    let mut found = Vec::new();
    for guard in guards {
        let name = format!("Guard::{guard}");
        if !code.contains(&name) {
            found.push(format!("`{name}` guards nothing in shared/"));
        }
        if !simulator.contains(&name) {
            found.push(format!("`{name}` has no case in tests/sim"));
        }
    }
    found
}

#[test]
fn each_guard_is_in_force_and_bites() {
    let list = std::fs::read_to_string(root().join("shared/model/src/guard.rs")).expect("a text");
    let guards = listed(&list);
    assert!(guards.len() >= 20, "only {} guards were read", guards.len());
    let code = sources(&root().join("shared"));
    let simulator = sources(&root().join("tests/sim/src"));
    report("guards", &complaints(&guards, &code, &simulator));
}

#[test]
fn a_guard_without_code_or_case_is_noticed() {
    let guards = listed("const ALL: &[Self] = &[Self::One, Self::Two];");
    assert_eq!(guards, ["One", "Two"]);
    let found = complaints(&guards, "Guard::One Guard::Two", "Guard::Two");
    assert_eq!(found, ["`Guard::One` has no case in tests/sim"]);
    assert_eq!(
        complaints(&guards, "Guard::One", "Guard::One Guard::Two").len(),
        1
    );
}
