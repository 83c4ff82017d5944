//! Brings the branches of a `parallel` node together. The older tools drew an end for each branch;
//! a run of ours goes on behind the branches once they are over, so they lead to one end.

use crate::document::{Edge, Node, branch_of_port};
use crate::problem::{Change, Sink};
use lattice_model::NodeId;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Merges the ends of every `parallel` node whose branches meet nowhere. Gives what is gone, to be
/// kept: the ends, and where the edges led that lead elsewhere now.
pub(crate) fn merge(nodes: &mut Vec<Node>, edges: &mut [Edge], sink: &mut Sink) -> Option<Value> {
    let splits = nodes.iter().filter(|node| node.kind == "parallel");
    let splits: Vec<_> = splits.map(|node| node.id.clone()).collect();
    let (mut gone, mut led) = (Vec::new(), Map::new());
    for split in splits {
        let Some(ends) = ends_of(split.as_str(), nodes, edges) else {
            continue;
        };
        let [kept, others @ ..] = ends.as_slice() else {
            continue;
        };
        for edge in edges.iter_mut() {
            if others.contains(&edge.to) {
                led.insert(edge.id.clone(), Value::from(edge.to.as_str()));
                edge.to = kept.clone();
            }
        }
        let is_gone = |node: &&Node| others.contains(&node.id);
        gone.extend(
            nodes
                .iter()
                .filter(is_gone)
                .map(serde_json::to_value)
                .filter_map(Result::ok),
        );
        nodes.retain(|node| !others.contains(&node.id));
        let place = nodes.iter().position(|node| node.id == *kept);
        let names: Vec<_> = others.iter().map(|other| format!("`{other}`")).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        sink.change(Change {
            node: Some(kept.clone()),
            pointer: format!("/nodes/{}", place.unwrap_or_default()),
            text: format!(
                "the branches of `{split}` meet at the one end `{kept}` now; {} {verb} kept under \
                 the workflow's `legacy`",
                names.join(", "),
            ),
        });
    }
    (!gone.is_empty()).then(|| json!({ "nodes": gone, "edges": led }))
}

/// The ends to which the branches of a split lead, if they meet nowhere, nothing else leads to these
/// ends, and all of them say the same.
fn ends_of(split: &str, nodes: &[Node], edges: &[Edge]) -> Option<Vec<NodeId>> {
    let branches = edges
        .iter()
        .filter(|edge| edge.from.as_str() == split && branch_of_port(&edge.from_port).is_some());
    let reached = branches.map(|edge| reached(edge.to.as_str(), split, edges));
    let reached: Vec<BTreeSet<&str>> = reached.collect();
    let is_in_all = |id: &&str| reached.iter().all(|branch| branch.contains(id));
    if reached.len() < 2 || reached.iter().flatten().any(is_in_all) {
        return None;
    }
    let inside: BTreeSet<&str> = reached.into_iter().flatten().collect();
    let is_end = |node: &&Node| node.kind == "end" && inside.contains(node.id.as_str());
    let ends: Vec<&Node> = nodes.iter().filter(is_end).collect();
    let is_inside = |edge: &Edge| {
        let from = edge.from.as_str();
        from == split || inside.contains(from)
    };
    let mut into = edges.iter().filter(|edge| {
        let to = edge.to.as_str();
        ends.iter().any(|end| end.id.as_str() == to)
    });
    let first = ends.first()?;
    let is_same = ends.iter().all(|end| end.settings == first.settings);
    let is_known = is_same && into.all(is_inside) && ends.len() > 1;
    is_known.then(|| ends.iter().map(|end| end.id.clone()).collect())
}

fn reached<'e>(from: &'e str, split: &str, edges: &'e [Edge]) -> BTreeSet<&'e str> {
    let (mut seen, mut ready) = (BTreeSet::new(), vec![from]);
    while let Some(at) = ready.pop() {
        if at == split || !seen.insert(at) {
            continue;
        }
        let out = edges.iter().filter(|edge| edge.from.as_str() == at);
        ready.extend(out.map(|edge| edge.to.as_str()));
    }
    seen
}
