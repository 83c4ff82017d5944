//! Parallel branches: they meet at one node, end nothing on their own, and do not race. Bodies of
//! maps: they are there, and nothing leads into them or out of them past the map.

use crate::branching::Fault;
use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{PatchOp, Problem, pointer_to};
use lattice_model::limits;
use lattice_nodes::Write;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    for fault in &unit.branching.faults {
        let problem = explain(unit, fault);
        problems.add(match back_to_map(unit, fault) {
            Some(path) => problem
                .help("remove the edge: a way of the body that leads nowhere ends the item")
                .fix(vec![PatchOp::Remove { path }]),
            None => problem,
        });
    }
    for split in &unit.walk.order {
        races(unit, *split, problems);
        body(unit, *split, problems);
        forgotten(unit, *split, problems);
    }
}

fn explain(unit: &Unit<'_>, fault: &Fault) -> Problem {
    let (code, at, text, help) = match fault {
        Fault::Half { node, .. } | Fault::Twice { node, .. } => {
            let (text, help) = explain_meeting(unit, fault);
            (codes::HALF_JOIN, *node, text, help)
        }
        Fault::End { split, end } => {
            let is_map = unit.opened(*split).is_some_and(|it| it.map.is_some());
            let inside = if is_map { "the body" } else { "a branch" };
            let (node, of) = (unit.id(*end), unit.id(*split));
            let text = format!("`{node}` would end the run inside {inside} of `{of}`");
            let help = match is_map {
                true => {
                    "a way of the body that leads nowhere ends the item; lead the port `out` to \
                         the end"
                }
                false => {
                    "let all branches lead to one node; what stands there, an end too, runs \
                          once when they are over"
                }
            };
            (codes::END_IN_BRANCH, *end, text, help.to_owned())
        }
        Fault::Loop { split, link } => {
            let at = unit.graph.links.get(*link).map_or(*split, |link| link.from);
            let is_map = unit.opened(*split).is_some_and(|it| it.map.is_some());
            let (split, from) = (unit.id(*split), unit.id(at));
            let what = if is_map { "the items" } else { "branches" };
            let text = format!("the way back from `{from}` leads around {what} of `{split}`");
            let help = match is_map {
                true => {
                    "a way of the body that leads nowhere ends the item; keep a loop inside the \
                     body, or outside of it"
                }
                false => {
                    "keep a loop inside one branch, or outside of all; what has to be tried \
                     several times with branches in it can be a workflow of its own"
                }
            };
            (codes::LOOP_AROUND, at, text, help.to_owned())
        }
        Fault::Leak { map, node } => {
            let (map, at) = (unit.id(*map), unit.id(*node));
            let text = format!("`{at}` is reached from the body of `{map}`, and from elsewhere");
            let help = format!(
                "a way of the body that leads nowhere ends the item; what comes when all items are \
                 over stands behind the port `out` of `{map}`"
            );
            (codes::LEAKY_BODY, *node, text, help)
        }
        Fault::Nested { outer, map } => {
            let (outer, inner) = (unit.id(*outer), unit.id(*map));
            let text = format!("`{inner}` stands in the body of `{outer}`");
            let help = "put the inner one into a workflow of its own, and name that by `flowId`";
            (codes::LEAKY_BODY, *map, text, help.to_owned())
        }
        Fault::Many { split, open } => {
            let (most, deepest) = (limits::OPEN_STAGES_MAX, limits::SPLIT_DEPTH_MAX);
            let text = format!(
                "`{}` and what stands in it can have {open} steps open at once; at most {most} \
                 can be, in splits at most {deepest} deep",
                unit.id(*split)
            );
            let help = "use fewer branches, or do some of the work one after the other";
            (codes::MANY_OPEN, *split, text, help.to_owned())
        }
    };
    let problem = Problem::error(code, unit.pointers.node(at), text);
    placed(unit, at, problem).help(help)
}

/// The edge from a body back to its map, which is drawn where an item is meant to be over.
fn back_to_map(unit: &Unit<'_>, fault: &Fault) -> Option<String> {
    let Fault::Loop { link, .. } = fault else {
        return None;
    };
    let link = unit.graph.links.get(*link)?;
    let is_end = unit.is_end_of_item(link);
    is_end.then(|| unit.pointers.edge(link.edge))
}

fn placed(unit: &Unit<'_>, node: usize, problem: Problem) -> Problem {
    match unit.node(node) {
        Some(node) => problem.at_node(&node.id),
        None => problem,
    }
}

/// Branches that meet only in part, or twice.
fn explain_meeting(unit: &Unit<'_>, fault: &Fault) -> (String, String) {
    match fault {
        Fault::Half {
            split,
            node,
            branches,
        } => {
            let text = format!(
                "{} of `{}` {} to `{}`, and not all its branches do",
                listed(branches),
                unit.id(*split),
                if branches.len() == 1 { "leads" } else { "lead" },
                unit.id(*node),
            );
            let help = "let every branch lead to the node behind the join, and nothing else lead \
                        into a branch";
            (text, help.to_owned())
        }
        Fault::Twice { split, first, node } => {
            let (split, first, node_id) = (unit.id(*split), unit.id(*first), unit.id(*node));
            let text =
                format!("the branches of `{split}` meet at `{first}`, and again at `{node_id}`");
            (
                text,
                format!("let every way out of the branches lead to `{first}`"),
            )
        }
        _ => Default::default(),
    }
}

fn listed(branches: &[usize]) -> String {
    let names: Vec<String> = branches.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [one] => format!("branch {one}"),
        [first @ .., last] => format!("branches {} and {last}", first.join(", ")),
        [] => "no branch".to_owned(),
    }
}

/// A variable that several branches change needs somebody's word on what becomes of it.
fn races(unit: &Unit<'_>, split: usize, problems: &mut Problems) {
    let opened = unit.opened(split).and_then(|opened| opened.split.as_ref());
    if opened.is_none_or(|split| split.merges) {
        return;
    }
    let mut writers: BTreeMap<&str, BTreeMap<usize, usize>> = BTreeMap::new();
    for node in &unit.walk.order {
        let write = unit.opened(*node).and_then(|opened| opened.writes.as_ref());
        let branch = unit.branching.branch_in(split, *node);
        let branch = branch.filter(|_| !unit.branching.forgets_before(split, *node));
        if let (Some(write), Some(branch)) = (write.map(Write::variable), branch) {
            let nodes = writers.entry(write).or_default();
            nodes.entry(branch).or_insert(*node);
        }
    }
    for (variable, nodes) in writers.iter().filter(|(_, nodes)| nodes.len() > 1) {
        let names: BTreeSet<_> = nodes
            .values()
            .map(|it| format!("`{}`", unit.id(*it)))
            .collect();
        let names: Vec<_> = names.into_iter().take(3).collect();
        let text = format!(
            "several branches of `{}` change the variable `{variable}` ({}), and nothing says what \
             becomes of it",
            unit.id(split),
            names.join(", ")
        );
        let settings = unit.pointers.settings(split);
        let problem = Problem::error(codes::RACE, settings.clone(), text);
        let problem = placed(unit, split, problem);
        let help = "set `mergePolicy`: `collect` makes a list, `deep-merge` merges objects, `first` \
                    and `last` choose by the order of the branches, `error` wants them equal";
        let fix = PatchOp::Add {
            path: pointer_to(&settings, "mergePolicy"),
            value: json!("collect"),
        };
        problems.add(problem.help(help).fix(vec![fix]));
    }
}

/// One thing is done with each item.
fn body(unit: &Unit<'_>, map: usize, problems: &mut Problems) {
    let (Some(node), Some(opened)) = (unit.node(map), unit.opened(map)) else {
        return;
    };
    let is_drawn = unit.has_drawn_body(map);
    let id = &node.id;
    let pointer = unit.pointers.node(map);
    let problem = match (opened.map, is_drawn, &opened.calls) {
        (Some(_), true, Some(flow)) => {
            let text = format!("`{id}` has a body, and runs `{flow}` for each item too");
            let help = "remove `flowId`, or the edge from the port `each`";
            Problem::error(codes::NO_BODY, pointer, text).help(help)
        }
        (Some(_), false, None) => {
            let text = format!("`{id}` does nothing with its items: its output is the list itself");
            let help = "lead an edge from its port `each` to what is done with an item, or name a \
                        stored workflow by `flowId`";
            Problem::warning(codes::NO_BODY, pointer, text).help(help)
        }
        _ => return,
    };
    problems.add(problem.at_node(id));
}

/// What the body of a map writes is seen in one item only.
fn forgotten(unit: &Unit<'_>, writer: usize, problems: &mut Problems) {
    let write = unit
        .opened(writer)
        .and_then(|opened| opened.writes.as_ref());
    let (Some(write), Some(map)) = (write, unit.branching.map_around(writer)) else {
        return;
    };
    let (variable, map) = (write.variable(), unit.id(map));
    let text = format!("what `{variable}` is here, is forgotten at the end of the item");
    let help = format!("let the item give it: the results are `nodes.{map}.output`");
    let problem = Problem::warning(codes::FORGOTTEN, unit.pointers.node(writer), text).help(help);
    problems.add(placed(unit, writer, problem));
}
