//! What a document may call: not itself, by however many steps, and not too deep.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_compiler::flows::called;
use lattice_compiler::{Flow, Flows, calls_of, compile_with};
use lattice_ir::{OpKind, Program};
use lattice_model::limits::CHILD_DEPTH_MAX;
use lattice_model::{ProgramHash, WorkflowId};
use serde_json::json;
use std::collections::BTreeMap;

/// A workflow `id` that calls another one, or nothing.
fn document(id: &str, calls: Option<&str>) -> Vec<u8> {
    let middle = match calls {
        Some(flow) => json!({"id": "m", "type": "flow", "settings": {"flowId": flow}}),
        None => json!({"id": "m", "type": "prompt", "settings": {"prompt": "Hello"}}),
    };
    let document = json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": id,
        "nodes": [{"id": "s", "type": "start"}, middle, {"id": "e", "type": "end"}],
        "edges": [
            {"id": "e1", "from": "s", "to": "m"},
            {"id": "e2", "from": "m", "to": "e"},
        ],
    });
    document.to_string().into_bytes()
}

#[derive(Default)]
struct Shelf {
    flows: Flows,
    below: BTreeMap<ProgramHash, Flow>,
}

impl Shelf {
    /// Compiles and stores; the codes of what is wrong.
    fn save(&mut self, id: &str, calls: Option<&str>) -> Result<Program, Vec<&'static str>> {
        let compiled = compile_with(&document(id, calls), &self.flows);
        let codes = compiled.problems.iter().map(|problem| problem.code.id());
        let program = compiled.program.ok_or(codes.collect::<Vec<_>>())?;
        let hash = program.hash().unwrap();
        let flow = Flow::of(hash, &program, &self.below);
        self.below.insert(hash, flow.clone());
        self.flows.insert(WorkflowId::new(id), flow);
        Ok(program)
    }
}

#[test]
fn a_program_keeps_to_what_it_called_when_it_was_made() {
    let mut shelf = Shelf::default();
    let first = shelf.save("below", None).unwrap();
    let above = shelf.save("above", Some("below")).unwrap();
    let calls: Vec<_> = called(&above).collect();
    assert_eq!(calls, [(&WorkflowId::new("below"), first.hash().unwrap())]);
    assert_eq!(calls_of(&document("above", Some("below"))).len(), 1);
    assert_eq!(calls_of(&document("below", None)).len(), 0);
}

/// Whoever calls a workflow keeps no more for a run of it than its own budget.
#[test]
fn a_called_workflow_brings_its_budget_along() {
    let document: serde_json::Value = serde_json::from_slice(&document("below", None)).unwrap();
    let mut bound = document.clone();
    bound["settings"] = json!({"budget": {"tokens": 700}});
    let mut seen = Vec::new();
    for below in [document, bound] {
        let compiled = compile_with(below.to_string().as_bytes(), &Flows::new());
        let program = compiled.program.unwrap();
        let mut shelf = Shelf::default();
        let flow = Flow::of(program.hash().unwrap(), &program, &shelf.below);
        shelf.flows.insert(WorkflowId::new("below"), flow);
        let above = shelf.save("above", Some("below")).unwrap();
        seen.extend(above.ops.iter().filter_map(|op| match &op.kind {
            OpKind::Invoke(invoke) => Some(invoke.budget.map(|it| it.tokens)),
            _ => None,
        }));
    }
    assert_eq!(seen, [None, Some(700)]);
}

#[test]
fn a_circle_is_found_however_long_it_is() {
    let mut shelf = Shelf::default();
    shelf.save("a", None).unwrap();
    shelf.save("b", Some("a")).unwrap();
    shelf.save("c", Some("b")).unwrap();
    for below in ["a", "b", "c"] {
        let saved = shelf.save("a", Some(below));
        assert_eq!(saved, Err(vec!["LAT-C035"]), "{below}");
    }
    assert_eq!(shelf.save("d", Some("x")), Err(vec!["LAT-C034"]));
}

#[test]
fn runs_stand_in_each_other_as_deep_as_may_be_and_no_deeper() {
    let mut shelf = Shelf::default();
    shelf.save("w0", None).unwrap();
    for depth in 1..=CHILD_DEPTH_MAX {
        let (own, below) = (format!("w{depth}"), format!("w{}", depth - 1));
        shelf.save(&own, Some(&below)).unwrap();
    }
    let deepest = format!("w{CHILD_DEPTH_MAX}");
    assert_eq!(shelf.save("over", Some(&deepest)), Err(vec!["LAT-C036"]));
}
