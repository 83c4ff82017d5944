//! One start, or none and a trigger; not too many triggers; at least one end.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{PatchOp, Problem};
use lattice_model::limits::TRIGGERS_MAX;
use serde_json::json;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    if unit.entries.is_empty() {
        let text = "the workflow has no `start` and no trigger, so no run can begin";
        let problem = Problem::error(codes::NO_START, unit.pointers.top("/nodes"), text);
        let help = "add a `start` and lead an edge from it to the first step";
        problems.add(problem.help(help).fix(vec![add_node(unit, "start")]));
    }
    for second in unit.starts.iter().skip(1) {
        let Some(node) = unit.node(*second) else {
            continue;
        };
        let text = format!("`{}` is a second start; a workflow has one", node.id);
        let pointer = unit.pointers.node_field(*second, "type");
        let problem = Problem::error(codes::MANY_STARTS, pointer, text).at_node(&node.id);
        problems.add(problem.help("remove it, and lead the first start to what it leads to"));
    }
    if let Some(index) = unit.triggers().get(TRIGGERS_MAX)
        && let Some(node) = unit.node(*index)
    {
        let count = unit.triggers().len();
        let text = format!("the workflow has {count} triggers, the limit is {TRIGGERS_MAX}");
        let pointer = unit.pointers.node_field(*index, "type");
        let problem = Problem::error(codes::MANY_TRIGGERS, pointer, text).at_node(&node.id);
        problems.add(problem.help("spread them over several workflows"));
    }
    if unit.ends.is_empty() {
        let text = "the workflow has no node of the type `end`";
        let problem = Problem::error(codes::NO_END, unit.pointers.top("/nodes"), text);
        let help = "add one and lead every path to it";
        problems.add(problem.help(help).fix(vec![add_node(unit, "end")]));
    }
}

fn add_node(unit: &Unit<'_>, kind: &str) -> PatchOp {
    let numbered = (2..).map(|number| format!("{kind}-{number}"));
    let mut ids = std::iter::once(kind.to_owned()).chain(numbered);
    let id = ids
        .find(|id| unit.graph.find(id).is_none())
        .unwrap_or_default();
    PatchOp::Add {
        path: "/nodes/-".to_owned(),
        value: json!({"id": id, "type": kind, "settings": {}}),
    }
}
