//! Reads the settings of every node, and names the types that are not supported.

use crate::problems::Problems;
use crate::unit::Slot;
use lattice_document::{Document, Node, PatchOp, Problem};
use lattice_nodes::{ALL, NOT_YET, Opening, codes, find, nearest};
use serde_json::Value;

/// Reads every node.
pub fn open_all(document: &Document, problems: &mut Problems) -> Vec<Slot> {
    let nodes = document.nodes.iter().enumerate();
    nodes
        .map(|(index, node)| open(node, index, problems))
        .collect()
}

fn open(node: &Node, index: usize, problems: &mut Problems) -> Slot {
    let Some(kind) = find(&node.kind) else {
        problems.add(unsupported(node, index, problems));
        return Slot::default();
    };
    let opening = Opening::new(node, problems.pointers.settings(index));
    let opened = kind.open(&opening);
    let (found, reads) = opening.finish();
    if NOT_YET.contains(&kind.name()) {
        problems.add(not_yet(node, index, problems));
    }
    problems.extend(found);
    Slot { opened, reads }
}

/// A node that can be drawn and exported, but not run.
fn not_yet(node: &Node, index: usize, problems: &Problems) -> Problem {
    let pointer = problems.pointers.node_field(index, "type");
    let text = format!("nodes of the type `{}` are not supported yet", node.kind);
    let help = "this release cannot run them, but it can export them; leave the node out, or wait for a \
                later release";
    Problem::error(codes::NOT_YET, pointer, text)
        .at_node(&node.id)
        .help(help)
}

fn unsupported(node: &Node, index: usize, problems: &Problems) -> Problem {
    let pointer = problems.pointers.node_field(index, "type");
    let kind = node.kind.as_str();
    let shown = kind.escape_debug();
    let all = || ALL.iter().map(|kind| kind.name());
    let Some(meant) = nearest(kind, all()) else {
        let names: Vec<_> = all().map(|name| format!("`{name}`")).collect();
        return Problem::error(
            codes::UNKNOWN_TYPE,
            pointer,
            format!("the node type `{shown}` is not known"),
        )
        .at_node(&node.id)
        .help(format!("known are {}", names.join(", ")));
    };
    let text = format!("the node type `{shown}` is not known; did you mean `{meant}`");
    let path = pointer.clone();
    let value = Value::from(meant);
    Problem::error(codes::UNKNOWN_TYPE, pointer, text)
        .at_node(&node.id)
        .help(format!("set the type to `{meant}`"))
        .fix(vec![PatchOp::Replace { path, value }])
}
