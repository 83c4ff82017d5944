//! Nodes that no run comes to. The workflow runs without them, so this is a warning.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::Problem;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let from = match unit.triggers() {
        [] => "the start",
        _ if unit.starts.is_empty() => "a trigger",
        _ => "the start or a trigger",
    };
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let is_drawing = unit
            .opened(index)
            .is_some_and(|opened| !opened.takes_edges && opened.ports.is_empty());
        if is_drawing || unit.is_reached(index) {
            continue;
        }
        let text = format!(
            "no path from {from} leads to `{}`, so it never runs",
            node.id
        );
        let problem = Problem::warning(codes::UNREACHABLE, unit.pointers.node(index), text);
        problems.add(
            problem
                .at_node(&node.id)
                .help("lead an edge to it, or remove it"),
        );
    }
}
