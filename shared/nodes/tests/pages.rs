//! Runs the manual pages of the node types: every example on them is compiled.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

#[path = "../../compiler/tests/run_case/mod.rs"]
mod run_case;

use lattice_nodes::ALL;
use std::fs::read_to_string;

fn page_of(kind: &str) -> String {
    let mut folder = String::new();
    for letter in kind.chars() {
        if letter.is_uppercase() {
            folder.push('_');
        }
        folder.push(letter.to_ascii_lowercase());
    }
    format!("src/{folder}/README.md")
}

#[test]
fn every_manual_page_holds() {
    for kind in ALL {
        lattice_cases::check(page_of(kind.name()), run_case::run);
    }
}

#[test]
fn every_manual_page_names_each_setting() {
    for kind in ALL {
        let path = page_of(kind.name());
        let page = read_to_string(&path).unwrap();
        let title = page.lines().next().unwrap();
        assert_eq!(
            title,
            format!("# {} (`{}`)", kind.title(), kind.name()),
            "{path}"
        );
        let schema = kind.settings_schema().to_value();
        let properties = schema
            .get("properties")
            .and_then(|all| all.as_object().cloned());
        for setting in properties.unwrap_or_default().keys() {
            assert!(
                page.contains(&format!("| `{setting}` |")),
                "{path}: `{setting}`"
            );
        }
    }
}
