//! Crates stand on floors, and normal dependencies go strictly down.

use crate::repo::{cargo, report, root};
use serde_json::Value;

/// The floor of each crate in `shared/`. A new crate gets its line here.
const SHARED: &[(&str, u8)] = &[
    ("lattice-model", 0),
    ("lattice-cases", 0),
    ("lattice-document", 1),
    ("lattice-expr", 1),
    ("lattice-journal", 1),
    ("lattice-policy", 1),
    ("lattice-schedule", 1),
    ("lattice-ir", 2),
    ("lattice-wire", 2),
    ("lattice-engine", 3),
    ("lattice-nodes", 3),
    ("lattice-ports", 3),
    ("lattice-client", 3),
    ("lattice-webhook", 3),
    ("lattice-compiler", 4),
    ("lattice-export", 5),
    ("lattice-import", 6),
    ("lattice-driver", 4),
    ("lattice-local", 4),
    ("lattice-effects", 4),
    ("lattice-aws", 4),
    ("lattice-stack", 4),
    ("lattice-api", 6),
    ("lattice-lambda", 5),
    ("lattice-gateway", 7),
];

/// The floor of every crate in a folder that stands on top of `shared/`.
const ON_TOP: &[(&str, u8)] = &[("functions", 8), ("tests", 9), ("xtask", 9)];

/// Crates of those folders that others of the same folder use, each below them.
const BELOW: &[(&str, u8)] = &[
    ("lattice-model-server", 5),
    ("lattice-fixtures", 5),
    ("lattice-issuer", 5),
    ("lattice-served", 5),
    ("lattice-cloud", 8),
];

/// Crates that only tests may use.
const FOR_TESTS: &[&str] = &["lattice-cases"];

struct Crate {
    name: String,
    /// The first folder of its path from the root.
    folder: String,
    /// The normal dependencies inside the workspace.
    uses: Vec<String>,
}

fn workspace() -> Vec<Crate> {
    let metadata = cargo(&["metadata", "--no-deps", "--locked", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages.iter().map(read_crate).collect()
}

fn read_crate(package: &Value) -> Crate {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let manifest = text(&package["manifest_path"]);
    let root = root();
    let folder = std::path::Path::new(&manifest)
        .strip_prefix(&root)
        .expect("a member lies below the root")
        .iter()
        .next()
        .expect("a path has a first part");
    let dependencies = package["dependencies"].as_array().expect("dependencies");
    let ours = |dependency: &&Value| dependency["kind"].is_null() && dependency["path"].is_string();
    Crate {
        name: text(&package["name"]),
        folder: folder.to_string_lossy().into_owned(),
        uses: dependencies
            .iter()
            .filter(ours)
            .map(|dependency| text(&dependency["name"]))
            .collect(),
    }
}

fn floor(one: &Crate) -> Option<u8> {
    let place = |table: &[(&str, u8)], key: &str| {
        table
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, floor)| *floor)
    };
    match one.folder.as_str() {
        "shared" => place(SHARED, &one.name),
        folder => place(BELOW, &one.name).or_else(|| place(ON_TOP, folder)),
    }
}

fn complaints(crates: &[Crate]) -> Vec<String> {
    let floor_of = |name: &str| crates.iter().find(|one| one.name == name).and_then(floor);
    let mut found = Vec::new();
    for one in crates {
        let Some(floor) = floor(one) else {
            found.push(format!("`{}` has no floor in the table", one.name));
            continue;
        };
        for used in &one.uses {
            if floor_of(used).is_some_and(|below| below >= floor) {
                found.push(format!(
                    "`{}` (floor {floor}) must not use `{used}`",
                    one.name
                ));
            }
            if FOR_TESTS.contains(&used.as_str()) {
                found.push(format!("`{}` may use `{used}` in tests only", one.name));
            }
        }
    }
    for (name, _) in SHARED {
        if !crates.iter().any(|one| one.name == *name) {
            found.push(format!("`{name}` is in the table but not in the workspace"));
        }
    }
    found
}

#[test]
fn dependencies_go_strictly_down() {
    let rule = "a crate uses only crates of lower floors (tests/tidy/src/floors.rs):";
    report(rule, &complaints(&workspace()));
}

#[test]
fn a_wrong_dependency_is_noticed() {
    let uses = |name: &str, folder: &str, uses: &[&str]| Crate {
        name: name.to_owned(),
        folder: folder.to_owned(),
        uses: uses.iter().map(|name| (*name).to_owned()).collect(),
    };
    let mut crates = workspace();
    crates.retain(|one| one.name != "lattice-model" && one.name != "lattice-expr");
    crates.push(uses(
        "lattice-model",
        "shared",
        &["lattice-expr", "lattice-cases"],
    ));
    crates.push(uses("lattice-expr", "shared", &["lattice-journal"]));
    crates.push(uses("lattice-new", "shared", &[]));
    let found = complaints(&crates);
    let expected = [
        "`lattice-model` (floor 0) must not use `lattice-expr`",
        "`lattice-model` (floor 0) must not use `lattice-cases`",
        "`lattice-model` may use `lattice-cases` in tests only",
        "`lattice-expr` (floor 1) must not use `lattice-journal`",
        "`lattice-new` has no floor in the table",
    ];
    for complaint in expected {
        assert!(
            found.iter().any(|one| one == complaint),
            "{complaint}: {found:?}"
        );
    }
}
