//! Loops that are never left: branches that come to no join, items and runs that come to no end.
//!
//! What else is wrong may be the reason, so this is asked only of a document without an error.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{Code, Problem};

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    if problems.has_errors() {
        return;
    }
    let order = unit.walk.order.iter();
    let closed: Vec<_> = order.filter_map(|node| closed(unit, *node)).collect();
    let is_told = !closed.is_empty();
    problems.extend(closed);
    if !is_told && !unit.ends.iter().any(|end| unit.is_reached(*end)) {
        let text = "no path from where runs begin leads to an `end`";
        let problem = Problem::error(codes::NO_END, unit.pointers.top("/nodes"), text);
        problems.add(problem.help("lead a way out of the loop to an end"));
    }
}

/// A split whose branches, or a map whose items, go round for ever.
fn closed(unit: &Unit<'_>, index: usize) -> Option<Problem> {
    let (node, opened) = (unit.node(index)?, unit.opened(index)?);
    let id = &node.id;
    let (code, text, help): (Code, _, _) = if opened.split.is_some() {
        if unit.branching.meeting(index).is_some() {
            return None;
        }
        let text = format!("no branch of `{id}` comes to an end: their loops are never left");
        let help = "lead a way out of every branch to the node at which they meet";
        (codes::HALF_JOIN, text, help)
    } else {
        opened.map.filter(|_| unit.has_drawn_body(index))?;
        let mut nodes = unit.walk.order.iter();
        if nodes.any(|inside| ends_item_of(unit, index, *inside)) {
            return None;
        }
        let text = format!("no item of `{id}` comes to an end: its loop is never left");
        let help = "leave a way out of the loop: one that leads nowhere ends the item";
        (codes::LEAKY_BODY, text, help)
    };
    let problem = Problem::error(code, unit.pointers.node(index), text);
    Some(problem.at_node(id).help(help))
}

/// Whether a way out of the node leads nowhere, and so ends an item of the map.
fn ends_item_of(unit: &Unit<'_>, map: usize, node: usize) -> bool {
    let edges = &unit.document.edges;
    let is_drawn = |port: &str| {
        let mut links = unit.graph.links_out(node);
        links.any(|link| edges.get(link.edge).is_some_and(|it| it.from_port == port))
    };
    let mut ports = unit.opened(node).into_iter().flat_map(|it| &it.ports);
    unit.branching.ends_item(node) == Some(map)
        && ports.any(|port| port.required && !is_drawn(&port.name))
}
