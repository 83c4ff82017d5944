//! Nodes that work on what came before them.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::Problem;
use lattice_nodes::{Carries, InputUse, Output, output_template};

/// The template of the trigger's input.
const TRIGGER: &str = "{{in}}";

/// Why it is not certain what came before a node.
enum NoInput {
    Several(Vec<usize>),
    NoOutput(usize),
    Nothing,
}

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let use_of = unit.opened(index).map(|opened| opened.input);
        let Some(InputUse::Required(setting)) = use_of.filter(|_| unit.is_reached(index)) else {
            continue;
        };
        let Err(why) = before(unit, index) else {
            continue;
        };
        let text = match why {
            NoInput::Several(nodes) => {
                let names: Vec<_> = nodes
                    .iter()
                    .take(3)
                    .map(|node| format!("`{}`", unit.id(*node)))
                    .collect();
                let more = if nodes.len() > 3 { " and others" } else { "" };
                format!(
                    "`{}` follows several nodes ({}{more}), so it has to say which output it \
                     works on",
                    node.id,
                    names.join(", ")
                )
            }
            NoInput::NoOutput(before) => format!(
                "`{}` has nothing to work on: `{}` before it gives no output",
                node.id,
                unit.id(before)
            ),
            NoInput::Nothing => continue,
        };
        let pointer = unit.pointers.settings(index);
        let problem = Problem::error(codes::NO_INPUT, pointer, text).at_node(&node.id);
        let help = format!("set `{setting}`, for example to `{TRIGGER}` or `{{{{vars.name}}}}`");
        problems.add(problem.help(help));
    }
}

/// The template of what a node works on.
pub fn template(unit: &Unit<'_>, index: usize) -> Option<String> {
    let (given, _) = before(unit, index).ok()?;
    match unit.opened(index)?.input {
        InputUse::None => None,
        InputUse::OutputIfAny if given == TRIGGER => None,
        InputUse::OutputIfAny | InputUse::ValueIfAny | InputUse::Required(_) => Some(given),
    }
}

/// The node whose output a node works on without naming it.
pub fn given_by(unit: &Unit<'_>, index: usize) -> Option<usize> {
    let works_on = unit.opened(index)?.input != InputUse::None;
    before(unit, index).ok().filter(|_| works_on)?.1
}

/// The template of what came before a node, if that is certain, and the node if it is not the
/// trigger.
fn before(unit: &Unit<'_>, index: usize) -> Result<(String, Option<usize>), NoInput> {
    let links = unit.graph.links_into(index);
    let links = links.filter(|(_, link)| unit.is_reached(link.from));
    // Behind a join, what came before is the split, and its output is what the join made.
    let links: Vec<_> = links
        .map(|(place, link)| match unit.branching.leaves(place) {
            Some(split) => (split, Carries::Output),
            None => (link.from, link.carries),
        })
        .collect();
    let mut nodes: Vec<_> = links.iter().map(|(from, _)| *from).collect();
    nodes.sort_unstable();
    nodes.dedup();
    if !nodes.is_empty() && nodes.iter().all(|node| unit.entries.contains(node)) {
        return Ok((TRIGGER.to_owned(), None));
    }
    let only = match nodes.as_slice() {
        [only] => *only,
        [] => return Err(NoInput::Nothing),
        _ => return Err(NoInput::Several(nodes)),
    };
    let Some(node) = unit.node(only) else {
        return Err(NoInput::Nothing);
    };
    // Of a node that could not be read nothing is known, so nothing is said.
    let Some(opened) = unit.opened(only) else {
        return Err(NoInput::Nothing);
    };
    let gives = opened.output != Output::None;
    if gives
        && links
            .iter()
            .all(|(_, carries)| *carries != Carries::Nothing)
    {
        return Ok((output_template(&node.id, None), Some(only)));
    }
    Err(NoInput::NoOutput(only))
}
