//! Runs one Markdown case: compiles the `document` and prints what came of it. The manual pages of
//! the node types are run by this too.

use lattice_cases::{Case, Outputs};
use lattice_compiler::{Compiled, Flow, Flows, compile, compile_with};
use lattice_ir::{Plan, print::print};
use std::sync::Arc;

/// The fences: `document`, and `flow` for a stored workflow, in; `ir`, `problems` and `changes` out.
pub fn run(case: &Case) -> Outputs {
    let document = case.input("document").expect("a case has a document");
    let flows = case.input("flow").map(stored).unwrap_or_default();
    let compiled = compile_with(document.as_bytes(), &flows);
    if let Some(program) = &compiled.program {
        Plan::new(Arc::new(program.clone())).expect("a program that was made can be planned");
    }
    check_fixes(document, &compiled, &flows);
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

/// A workflow that is stored, so that others can call it.
fn stored(document: &str) -> Flows {
    let program = compile(document.as_bytes()).program;
    let program = program.expect("a stored workflow compiles");
    let hash = program.hash().expect("a program has a hash");
    let flow = Flow::of(hash, &program, &Default::default());
    Flows::from([(program.workflow.clone(), flow)])
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
fn check_fixes(document: &str, compiled: &Compiled, flows: &Flows) {
    for problem in &compiled.problems {
        let Some(fix) = &problem.fix else { continue };
        let fix = serde_json::to_value(fix).expect("a patch is JSON");
        let patch: json_patch::Patch = serde_json::from_value(fix).expect("it is a JSON patch");
        let mut value = serde_json::from_str(document).expect("the document is JSON");
        json_patch::patch(&mut value, &patch).unwrap_or_else(|error| panic!("{problem}: {error}"));
        let mended = compile_with(value.to_string().as_bytes(), flows);
        let is_same = |other: &&lattice_document::Problem| {
            (other.code, &other.text) == (problem.code, &problem.text)
        };
        let left = mended.problems.iter().find(is_same);
        assert_eq!(left, None, "the patch of {problem} does not mend it");
    }
}
