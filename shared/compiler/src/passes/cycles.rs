//! Loops: each has a node whose visits are counted, and when their ceiling is reached, the run leaves
//! the loop.

use crate::codes;
use crate::graph::{Cycle, Link, Walk};
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{PORT_ERROR, PatchOp, Problem};
use lattice_model::limits::VISITS_PROPOSED;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    if unit.walk.cycles.is_empty() {
        return;
    }
    // A node that has reached its ceiling is left by its failure only.
    let goes = |link: &Link| {
        let counts = unit
            .node(link.from)
            .is_some_and(|node| node.max_visits.is_some());
        let edge = unit.document.edges.get(link.edge);
        !counts || edge.is_some_and(|edge| edge.from_port == PORT_ERROR)
    };
    for cycle in &Walk::new(&unit.graph, &unit.entries, &goes).cycles {
        problems.extend(explain(unit, cycle));
    }
}

fn explain(unit: &Unit<'_>, cycle: &Cycle) -> Option<Problem> {
    let link = unit.graph.links.get(cycle.link)?;
    // No ceiling helps there, and what does is said with the branches.
    if unit.branching.leads_back(link) {
        return None;
    }
    let mut names: Vec<_> = cycle
        .nodes
        .iter()
        .map(|node| format!("`{}`", unit.id(*node)))
        .collect();
    if cycle.more > 0 {
        names.push(format!("({} more)", cycle.more));
    }
    names.push(format!("`{}`", unit.id(link.to)));
    let round = names.join(" -> ");
    let text =
        format!("the nodes form a loop, and nothing says how often it may go round: {round}");
    let closing = [link.to];
    let ends = match cycle.more {
        0 => &closing[..],
        _ => &[],
    };
    let next = cycle.nodes.iter().skip(1).chain(ends);
    let mut steps = cycle.nodes.iter().zip(next);
    let first = steps.find(|(node, next)| would_bound(unit, **node, **next));
    let first = first.map(|(node, _)| node);
    let help = match first {
        Some(first) => format!(
            "give one of them a `maxVisits`, for example `{}`: one visit more fails there, and its \
             `error` port leads on",
            unit.id(*first)
        ),
        None => "lead the `error` port, which is taken when a `maxVisits` is used up, out of the \
                 loop"
            .to_owned(),
    };
    let problem = Problem::error(codes::CYCLE, unit.pointers.edge(link.edge), text).help(help);
    let mut problem = match first {
        Some(first) => problem.fix(vec![PatchOp::Add {
            path: unit.pointers.node_field(*first, "maxVisits"),
            value: VISITS_PROPOSED.into(),
        }]),
        None => problem,
    };
    problem.node = unit.node(link.to).map(|node| node.id.clone());
    Some(problem)
}

/// Whether a ceiling at `node` would keep a run from going on to `next`.
fn would_bound(unit: &Unit<'_>, node: usize, next: usize) -> bool {
    let by_failure = |link: &Link| {
        let edge = unit.document.edges.get(link.edge);
        link.to == next && edge.is_some_and(|edge| edge.from_port == PORT_ERROR)
    };
    let is_free = unit
        .node(node)
        .is_some_and(|node| node.max_visits.is_none());
    is_free && !unit.graph.links_out(node).any(by_failure)
}
