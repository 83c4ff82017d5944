//! Workflows that are called: they are stored, and nothing goes round.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{Problem, pointer_to};
use lattice_model::limits::CHILD_DEPTH_MAX;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let Some(called) = unit.opened(index).and_then(|opened| opened.calls.as_ref()) else {
            continue;
        };
        let own = &unit.document.id;
        let flow = unit.flows.get(called);
        let is_circle = called == own || flow.is_some_and(|flow| flow.calls.contains(own));
        let depth = flow.map_or(0, |flow| flow.depth + 1);
        let (code, text, help) = if is_circle {
            let text = match called == own {
                true => format!("`{own}` calls itself"),
                false => format!("`{called}` calls `{own}`, which calls it"),
            };
            let help = "draw an edge back with a `maxVisits` to do something again, or take the \
                        common part into a third workflow";
            (codes::FLOW_CIRCLE, text, help.to_owned())
        } else if flow.is_none() {
            let text = format!("there is no stored workflow `{called}`");
            let help = format!(
                "store it first under that id; `lattice run` and `lattice compile` also take \
                 `{called}.json` beside the file"
            );
            (codes::UNKNOWN_FLOW, text, help)
        } else if depth > CHILD_DEPTH_MAX {
            let text = format!(
                "runs of `{called}` would stand {depth} deep in each other; at most \
                 {CHILD_DEPTH_MAX} can"
            );
            let help = "let one workflow call the others one after the other";
            (codes::DEEP_FLOW, text, help.to_owned())
        } else {
            continue;
        };
        let pointer = pointer_to(&unit.pointers.settings(index), "flowId");
        problems.add(
            Problem::error(code, pointer, text)
                .at_node(&node.id)
                .help(help),
        );
    }
}
