//! The names of ops: a node that becomes several has `id.part` behind its id, and an id may look
//! the same.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::Problem;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let parts = unit.opened(index).map_or(&[][..], |opened| &opened.parts);
        let names = parts.iter().map(|part| part.name(node.id.as_str()));
        for name in names.filter(|name| name != node.id.as_str()) {
            let Some(other) = unit.graph.find(&name) else {
                continue;
            };
            let text = format!(
                "`{name}` is also the name of a part of the node `{}`",
                node.id
            );
            let pointer = unit.pointers.node_field(other, "id");
            let mut problem = Problem::error(codes::NAME_TAKEN, pointer, text);
            problem.node = unit.node(other).map(|other| other.id.clone());
            problems.add(problem.help("give this node another id"));
        }
    }
}
