//! Ways back. Every one is an error until loops have a bound in the IR.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{PatchOp, Problem};

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    for cycle in &unit.walk.cycles {
        let Some(link) = unit.graph.links.get(cycle.link) else {
            continue;
        };
        let mut names: Vec<_> = cycle
            .nodes
            .iter()
            .map(|node| format!("`{}`", unit.id(*node)))
            .collect();
        if cycle.more > 0 {
            names.push(format!("({} more)", cycle.more));
        }
        names.push(format!("`{}`", unit.id(link.to)));
        let text = format!("the nodes form a cycle: {}", names.join(" -> "));
        let path = unit.pointers.edge(link.edge);
        let edge = unit
            .document
            .edges
            .get(link.edge)
            .map_or("", |edge| edge.id.as_str());
        let help = format!(
            "remove an edge of the cycle, such as `{edge}` which leads back; loops come with a \
             later release"
        );
        let mut problem = Problem::error(codes::CYCLE, path.clone(), text).help(help);
        problem.node = unit.node(link.to).map(|node| node.id.clone());
        problems.add(problem.fix(vec![PatchOp::Remove { path }]));
    }
}
