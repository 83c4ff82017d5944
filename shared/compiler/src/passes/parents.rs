//! The groups that nodes are drawn in.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{PatchOp, Problem};

/// See the head of the file. A group inside itself, by however many steps, is no group either.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let parents: Vec<Option<usize>> = unit
        .document
        .nodes
        .iter()
        .map(|node| {
            node.parent
                .as_ref()
                .and_then(|parent| unit.graph.find(parent.as_str()))
        })
        .collect();
    let inside_itself = inside_themselves(&parents);
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let Some(parent) = &node.parent else { continue };
        let kind = parents
            .get(index)
            .copied()
            .flatten()
            .and_then(|parent| unit.node(parent));
        let text = match kind.map(|node| node.kind.as_str()) {
            None => {
                let meant = unit.suggest.meant(parent.as_str(), unit.graph.ids());
                format!(
                    "`{}` is drawn in `{parent}`, and there is no such node{meant}",
                    node.id
                )
            }
            Some("group") if inside_itself.get(index) == Some(&true) => {
                format!("the group `{}` is drawn inside itself", node.id)
            }
            Some("group") => continue,
            Some(kind) => format!("`{}` is drawn in `{parent}`, which is a `{kind}`", node.id),
        };
        let path = unit.pointers.node_field(index, "parent");
        let problem = Problem::error(codes::BAD_PARENT, path.clone(), text).at_node(&node.id);
        let problem = problem.help("name a node of the type `group`, or remove `parent`");
        problems.add(problem.fix(vec![PatchOp::Remove { path }]));
    }
}

/// Which nodes come back to themselves by following their parents: the ones that are left when
/// nodes without children are taken away again and again.
fn inside_themselves(parents: &[Option<usize>]) -> Vec<bool> {
    let mut children = vec![0_usize; parents.len()];
    for parent in parents.iter().flatten() {
        if let Some(count) = children.get_mut(*parent) {
            *count += 1;
        }
    }
    let mut left = vec![true; parents.len()];
    let mut ready: Vec<usize> = (0..parents.len())
        .filter(|node| children.get(*node) == Some(&0))
        .collect();
    while let Some(node) = ready.pop() {
        if let Some(slot) = left.get_mut(node) {
            *slot = false;
        }
        let Some(parent) = parents.get(node).copied().flatten() else {
            continue;
        };
        if let Some(count) = children.get_mut(parent) {
            *count -= 1;
            if *count == 0 {
                ready.push(parent);
            }
        }
    }
    left
}
