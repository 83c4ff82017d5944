//! Reads what is given as files, and sees that what comes of it is sound.
#![allow(dead_code, reason = "each test file uses a part")]

use lattice_compiler::check_document;
use lattice_export::{Target, export};
use lattice_import::{Files, Import, Left, import};
use lattice_nodes::codes::NOT_YET;
use serde_json::Value;

pub fn files(given: &[(&str, &str)]) -> Files {
    let file = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
    given.iter().map(file).collect()
}

/// Imports, and sees that the document is sound and can be exported everywhere.
pub fn read(from: Target, given: &[(&str, &str)]) -> Import {
    let made = import(&files(given), from, "My Project").unwrap();
    let problems = check_document(&made.document, &[NOT_YET]);
    assert!(!problems.iter().any(|one| one.is_error()), "{problems:?}");
    for target in Target::ALL {
        export(&made.document, *target).unwrap();
    }
    made
}

/// The ids of the nodes, in order.
pub fn nodes(made: &Import) -> Vec<&str> {
    let nodes = made.document.nodes.iter();
    nodes.map(|one| one.id.as_str()).collect()
}

/// The settings of a node.
pub fn settings(made: &Import, node: &str) -> Value {
    let found = made
        .document
        .nodes
        .iter()
        .find(|one| one.id.as_str() == node);
    let found =
        found.unwrap_or_else(|| panic!("`{node}` is none of {:?}: {:#?}", nodes(made), made.left));
    Value::Object(found.settings.clone())
}

/// Where something was left, sorted.
pub fn left(found: &[Left]) -> Vec<String> {
    let place = |one: &Left| match &one.key {
        Some(key) => format!("{} {key}", one.file),
        None => one.file.clone(),
    };
    found.iter().map(place).collect()
}
