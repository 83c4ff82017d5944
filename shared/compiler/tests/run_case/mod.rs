//! Runs one Markdown case: compiles the `document` and prints what came of it. The manual pages of
//! the node types are run by this too.

use lattice_cases::{Case, Outputs};
use lattice_compiler::{Compiled, compile};
use lattice_ir::{Plan, print::print};
use std::sync::Arc;

/// The fences: `document` in; `ir`, `problems` and `changes` out.
pub fn run(case: &Case) -> Outputs {
    let document = case.input("document").expect("a case has a document");
    let compiled = compile(document.as_bytes());
    if let Some(program) = &compiled.program {
        Plan::new(Arc::new(program.clone())).expect("a program that was made can be planned");
    }
    check_fixes(document, &compiled);
    let mut outputs = Outputs::from([
        ("problems".to_owned(), problems(&compiled)),
        ("changes".to_owned(), changes(&compiled)),
    ]);
    if case.shows("ir") {
        let text = compiled.program.as_ref().map(print).unwrap_or_default();
        outputs.insert("ir".to_owned(), text.trim_end().to_owned());
    }
    outputs
}

/// A line for each problem, and one for its patch.
pub fn problems(compiled: &Compiled) -> String {
    let lines = compiled.problems.iter().flat_map(|problem| {
        let fix = problem.fix.as_ref();
        let fix = fix.map(|fix| serde_json::to_string(fix).expect("a patch is JSON"));
        [
            Some(problem.to_string()),
            fix.map(|fix| format!("  fix {fix}")),
        ]
    });
    lines.flatten().collect::<Vec<_>>().join("\n")
}

fn changes(compiled: &Compiled) -> String {
    let lines = compiled.changes.iter().map(|change| match &change.node {
        Some(node) => format!("{} (node `{node}`): {}", change.pointer, change.text),
        None => format!("{}: {}", change.pointer, change.text),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Every patch applies to the document as it was given, and its problem is gone behind it.
fn check_fixes(document: &str, compiled: &Compiled) {
    for problem in &compiled.problems {
        let Some(fix) = &problem.fix else { continue };
        let fix = serde_json::to_value(fix).expect("a patch is JSON");
        let patch: json_patch::Patch = serde_json::from_value(fix).expect("it is a JSON patch");
        let mut value = serde_json::from_str(document).expect("the document is JSON");
        json_patch::patch(&mut value, &patch).unwrap_or_else(|error| panic!("{problem}: {error}"));
        let mended = compile(value.to_string().as_bytes());
        let is_same = |other: &&lattice_document::Problem| {
            (other.code, &other.text) == (problem.code, &problem.text)
        };
        let left = mended.problems.iter().find(is_same);
        assert_eq!(left, None, "the patch of {problem} does not mend it");
    }
}
