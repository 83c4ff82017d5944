//! Ports that need an edge and have none.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{Node, PatchOp, Problem};
use serde_json::json;
use std::collections::BTreeSet;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let edges = &unit.document.edges;
    let mut ids: BTreeSet<String> = edges.iter().map(|edge| edge.id.clone()).collect();
    let drawn: BTreeSet<_> = edges
        .iter()
        .map(|edge| (edge.from.as_str(), edge.from_port.as_str()))
        .collect();
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let Some(opened) = unit.opened(index).filter(|_| unit.is_reached(index)) else {
            continue;
        };
        // An edge from an unknown port was meant for one of these, and is reported already.
        let mut links = unit
            .graph
            .links_out(index)
            .filter_map(|link| edges.get(link.edge));
        if links.any(|edge| opened.ports.iter().all(|port| port.name != edge.from_port)) {
            continue;
        }
        for port in opened.ports.iter().filter(|port| port.required) {
            // Where a body goes no further, an item is over.
            if unit.branching.ends_item(index).is_some()
                && unit.opened(index).is_some_and(|it| it.split.is_none())
            {
                continue;
            }
            let is_drawn = drawn.contains(&(node.id.as_str(), port.name.as_str()));
            if !is_drawn && problems.has_room_for_errors() {
                problems.add(dead_end(unit, index, node, &port.name, &mut ids));
            }
        }
    }
}

fn dead_end(
    unit: &Unit<'_>,
    index: usize,
    node: &Node,
    port: &str,
    ids: &mut BTreeSet<String>,
) -> Problem {
    let text = format!("no edge leaves the port `{port}` of `{}`", node.id);
    let problem = Problem::error(codes::DEAD_END, unit.pointers.node(index), text);
    let problem = problem.at_node(&node.id);
    let [end] = unit.ends.as_slice() else {
        return problem.help("lead an edge from it to the next step, or to an end");
    };
    let end = unit.id(*end);
    let mut free = (ids.len() + 1..).map(|number| format!("edge-{number}"));
    let id = free.find(|id| !ids.contains(id)).unwrap_or_default();
    ids.insert(id.clone());
    let value = json!({"id": id, "from": node.id, "fromPort": port, "to": end});
    let path = "/edges/-".to_owned();
    problem
        .help(format!(
            "lead an edge from it to the next step, or to `{end}`"
        ))
        .fix(vec![PatchOp::Add { path, value }])
}
