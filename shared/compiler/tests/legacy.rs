//! Compiles every fixture of the two older shapes: the types that this release runs give no error,
//! the others exactly the problem that they are not supported yet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

use lattice_compiler::{Compiled, Flow, Flows, calls_of, compile_with};
use lattice_model::Hash;
use lattice_nodes::{NOT_YET, codes};
use std::collections::BTreeSet;
use std::fs::{read, read_dir};

const SHAPES: &[&str] = &["cc-workflow-studio", "earlier-lattice"];

/// What the document calls, as if it had been stored.
fn stored(bytes: &[u8]) -> Flows {
    let flow = Flow {
        program: Hash::of(b"a stored program"),
        budget: None,
        depth: 0,
        calls: BTreeSet::new(),
    };
    let ids = calls_of(bytes).into_iter();
    ids.map(|id| (id, flow.clone())).collect()
}

fn fixtures() -> Vec<(String, Compiled)> {
    let mut found = Vec::new();
    for shape in SHAPES {
        for entry in read_dir(format!("../../tests/fixtures/legacy/{shape}")).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let bytes = read(&path).unwrap();
                let compiled = compile_with(&bytes, &stored(&bytes));
                found.push((path.display().to_string(), compiled));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

#[test]
fn every_older_document_compiles_or_says_what_is_not_supported_yet() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 40, "{} fixtures", fixtures.len());
    let mut wrong = Vec::new();
    for (path, compiled) in fixtures {
        let document = compiled
            .document
            .as_ref()
            .unwrap_or_else(|| panic!("{path}"));
        let mut waiting: Vec<_> = document
            .nodes
            .iter()
            .filter(|node| NOT_YET.contains(&node.kind.as_str()))
            .map(|node| node.id.clone())
            .collect();
        let is_value = |setting: Option<&serde_json::Value>, kind: &str| {
            let value = setting
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default();
            NOT_YET.contains(&format!("{kind}:{value}").as_str())
        };
        waiting.extend(document.nodes.iter().filter_map(|node| {
            let setting = node
                .settings
                .get("transformationType")
                .or(node.settings.get("scope"));
            is_value(setting, &node.kind).then(|| node.id.clone())
        }));
        waiting.sort();
        let errors = compiled.problems.iter().filter(|one| one.is_error());
        let (mut found, mut others) = (Vec::new(), Vec::new());
        for problem in errors {
            if problem.code == codes::NOT_YET {
                found.push(problem.node.clone().unwrap());
            } else if problem.code == codes::OTHER_LANGUAGE {
                // Code in Python was never run here; the problem says what to use instead.
                assert!(path.ends_with("codeExecutor.json"), "{path}: {problem}");
            } else {
                others.push(problem.to_string());
            }
        }
        wrong.extend(
            others
                .into_iter()
                .map(|problem| format!("{path}: {problem}")),
        );
        found.sort();
        assert_eq!(found, waiting, "{path}");
        let is_whole = !compiled.problems.iter().any(|problem| problem.is_error());
        assert_eq!(compiled.program.is_some(), is_whole, "{path}");
        let fixes = compiled
            .problems
            .iter()
            .filter(|problem| problem.fix.is_some());
        assert_eq!(
            fixes.count(),
            0,
            "{path}: a patch would not fit the older shape"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
