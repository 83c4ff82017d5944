//! What a compilation knows of other workflows, which the document may call.

use lattice_document::{Document, read};
use lattice_ir::{OpKind, Program};
use lattice_journal::Budget;
use lattice_model::{ProgramHash, WorkflowId};
use std::collections::{BTreeMap, BTreeSet};

/// A stored workflow that others may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Its newest Program.
    pub program: ProgramHash,
    /// What one of its runs may use.
    pub budget: Option<Budget>,
    /// How many runs can stand in each other below one of its runs: 0 if it calls nothing.
    pub depth: u32,
    /// The workflows that it calls, and those that they call.
    pub calls: BTreeSet<WorkflowId>,
}

impl Flow {
    /// A workflow that is this Program; `below` are the Programs that it calls, by their hash.
    pub fn of(hash: ProgramHash, program: &Program, below: &BTreeMap<ProgramHash, Self>) -> Self {
        let mut flow = Self {
            program: hash,
            budget: program.budget,
            depth: 0,
            calls: BTreeSet::new(),
        };
        for (workflow, program) in called(program) {
            flow.calls.insert(workflow.clone());
            let called = below.get(&program);
            flow.depth = flow.depth.max(called.map_or(0, |called| called.depth) + 1);
            flow.calls
                .extend(called.into_iter().flat_map(|called| called.calls.clone()));
        }
        flow
    }
}

/// The workflows that a Program calls.
pub fn called(program: &Program) -> impl Iterator<Item = (&WorkflowId, ProgramHash)> {
    program.ops.iter().filter_map(|op| match &op.kind {
        OpKind::Invoke(invoke) => Some((&invoke.workflow, invoke.program)),
        _ => None,
    })
}

/// The workflows that a document calls.
pub fn calls_of(bytes: &[u8]) -> BTreeSet<WorkflowId> {
    // Most documents call nothing, and reading one takes time. Older ones say `subAgentFlowId`.
    let names_one = |word: &[u8]| bytes.windows(word.len()).any(|window| window == word);
    match names_one(b"lowId\"") {
        true => read(bytes).document.as_ref().map(calls).unwrap_or_default(),
        false => BTreeSet::new(),
    }
}

fn calls(document: &Document) -> BTreeSet<WorkflowId> {
    let flows = document
        .nodes
        .iter()
        .filter(|node| ["flow", "batchIterator"].contains(&node.kind.as_str()));
    let ids = flows.filter_map(|node| node.settings.get("flowId")?.as_str());
    ids.map(WorkflowId::new).collect()
}

/// The stored workflows that a document may call, by their ids.
pub type Flows = BTreeMap<WorkflowId, Flow>;
