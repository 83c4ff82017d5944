//! Variables that nobody reads, and nodes whose answer is all that they are for and is read by nobody.

use crate::codes;
use crate::passes::inputs;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{PatchOp, Problem, pointer_to};
use lattice_expr::{Root, Segment};
use lattice_nodes::Write;
use std::collections::BTreeSet;

/// Types whose nodes do nothing but give an output.
const ONLY_ANSWER: &[&str] = &["dataTransform", "prompt"];

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let Some(reads) = Reads::of(unit) else { return };
    variables(unit, &reads, problems);
    outputs(unit, &reads, problems);
}

struct Reads<'u> {
    variables: BTreeSet<&'u str>,
    nodes: BTreeSet<&'u str>,
}

impl<'u> Reads<'u> {
    /// `None` if something reads all variables, or all outputs, at once.
    fn of(unit: &'u Unit<'_>) -> Option<Self> {
        let mut found = Self {
            variables: BTreeSet::new(),
            nodes: BTreeSet::new(),
        };
        for (index, slot) in unit.slots.iter().enumerate() {
            for read in &slot.reads {
                let names = match read.reference.root {
                    Root::Vars => &mut found.variables,
                    Root::Nodes => &mut found.nodes,
                    _ => continue,
                };
                let name = read.reference.path.first().and_then(Segment::key)?;
                // A node that asks for itself is no reader.
                if name != unit.id(index) {
                    names.insert(name);
                }
            }
            if let Some(before) = inputs::given_by(unit, index) {
                found.nodes.insert(unit.id(before));
            }
            // What a branch or the body of a map ends with is its result.
            let mut links = unit.graph.out_places(index).iter();
            let meets = links.any(|link| unit.branching.leaves(*link).is_some());
            if meets || unit.branching.ends_item(index).is_some() {
                found.nodes.insert(unit.id(index));
            }
        }
        Some(found)
    }
}

fn variables(unit: &Unit<'_>, reads: &Reads<'_>, problems: &mut Problems) {
    for name in unit.document.settings.variables.keys() {
        if reads.variables.contains(name.as_str()) {
            continue;
        }
        let path = pointer_to("/settings/variables", name);
        let is_set = writers(unit, name).next().is_some();
        let text = format!("nothing reads the variable `{}`", name.escape_debug());
        let problem = Problem::warning(codes::UNUSED_VARIABLE, unit.pointers.top(&path), text);
        problems.add(match is_set {
            true => problem.help("read it as `{{vars.NAME}}`, or remove it and what sets it"),
            false => problem
                .help("read it as `{{vars.NAME}}`, or remove it")
                .fix(vec![PatchOp::Remove { path }]),
        });
    }
    let declared = &unit.document.settings.variables;
    let undeclared = unit.variables.iter();
    let unread =
        |name: &&String| !declared.contains_key(*name) && !reads.variables.contains(name.as_str());
    for name in undeclared.filter(unread) {
        let Some(index) = writers(unit, name).next() else {
            continue;
        };
        let Some(node) = unit.node(index) else {
            continue;
        };
        let pointer = pointer_to(&unit.pointers.settings(index), "variableName");
        let text = format!(
            "nothing reads the variable `{}` that `{}` sets",
            name.escape_debug(),
            node.id
        );
        let problem = Problem::warning(codes::UNUSED_VARIABLE, pointer, text).at_node(&node.id);
        problems.add(problem.help("read it as `{{vars.NAME}}`, or remove the node"));
    }
}

/// The nodes that set the variable.
fn writers<'u>(unit: &'u Unit<'_>, name: &'u str) -> impl Iterator<Item = usize> + 'u {
    let sets = move |index: &usize| {
        let writes = unit.opened(*index).and_then(|it| it.writes.as_ref());
        matches!(writes, Some(Write::Set(set)) if set == name)
    };
    (0..unit.slots.len()).filter(sets)
}

fn outputs(unit: &Unit<'_>, reads: &Reads<'_>, problems: &mut Problems) {
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let is_read = reads.nodes.contains(node.id.as_str());
        if is_read || !unit.is_reached(index) || !ONLY_ANSWER.contains(&node.kind.as_str()) {
            continue;
        }
        let text = format!(
            "nothing reads what `{}` gives, and a `{}` node does nothing else",
            node.id, node.kind
        );
        let problem = Problem::warning(codes::UNUSED_OUTPUT, unit.pointers.node(index), text);
        let help = format!(
            "read it as `{{{{nodes.{}.output}}}}`, or remove the node",
            node.id
        );
        problems.add(problem.at_node(&node.id).help(help));
    }
}
