//! Parallel branches: they meet at one node, end nothing on their own, and do not race.

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
        problems.add(explain(unit, fault));
    }
    for split in &unit.walk.order {
        races(unit, *split, problems);
    }
}

fn explain(unit: &Unit<'_>, fault: &Fault) -> Problem {
    let (code, at, text, help) = match fault {
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
            (codes::HALF_JOIN, *node, text, help.to_owned())
        }
        Fault::Twice { split, first, node } => {
            let (split, first, node_id) = (unit.id(*split), unit.id(*first), unit.id(*node));
            let text =
                format!("the branches of `{split}` meet at `{first}`, and again at `{node_id}`");
            let help = format!("let every way out of the branches lead to `{first}`");
            (codes::HALF_JOIN, *node, text, help)
        }
        Fault::End { split, end } => {
            let text = format!(
                "`{}` would end the run inside a branch of `{}`",
                unit.id(*end),
                unit.id(*split)
            );
            let help = "let all branches lead to one node; what stands there, an end too, runs once \
                        when they are over";
            (codes::END_IN_BRANCH, *end, text, help.to_owned())
        }
        Fault::Loop { split, link } => {
            let at = unit.graph.links.get(*link).map_or(*split, |link| link.from);
            let (split, from) = (unit.id(*split), unit.id(at));
            let text = format!("the way back from `{from}` leads around branches of `{split}`");
            let help = "keep a loop inside one branch, or outside of all; what has to be tried \
                        several times with branches in it can be a workflow of its own";
            (codes::LOOP_AROUND, at, text, help.to_owned())
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
    let problem = match unit.node(at) {
        Some(node) => problem.at_node(&node.id),
        None => problem,
    };
    problem.help(help)
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
        let problem = match unit.node(split) {
            Some(node) => problem.at_node(&node.id),
            None => problem,
        };
        let help = "set `mergePolicy`: `collect` makes a list, `deep-merge` merges objects, `first` \
                    and `last` choose by the order of the branches, `error` wants them equal";
        let fix = PatchOp::Add {
            path: pointer_to(&settings, "mergePolicy"),
            value: json!("collect"),
        };
        problems.add(problem.help(help).fix(vec![fix]));
    }
}
