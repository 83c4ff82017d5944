//! Variables and outputs that a node reads: that every path to the node sets them.

use crate::assigned::Assigned;
use crate::codes;
use crate::flow::{Flow, Vertices};
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::Problem;
use lattice_expr::{Root, Segment};
use lattice_nodes::{Output, Read};

/// See the head of the file. Where it is not clear what runs begin at there are no paths to speak
/// of.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let Some(flow) = Flow::new(unit) else { return };
    let assigned = Assigned::new(unit);
    let paths = Paths {
        unit,
        flow,
        assigned,
    };
    for index in &unit.walk.order {
        let (Some(slot), Some(node)) = (unit.slots.get(*index), unit.node(*index)) else {
            continue;
        };
        for read in &slot.reads {
            if !problems.has_room_for_errors() {
                return;
            }
            let found = paths.check(read, *index);
            problems.extend(found.map(|problem| problem.at_node(&node.id)));
        }
    }
}

struct Paths<'u> {
    unit: &'u Unit<'u>,
    flow: Flow,
    assigned: Assigned<'u>,
}

impl Paths<'_> {
    fn check(&self, read: &Read, reader: usize) -> Option<Problem> {
        let name = read.reference.path.first().and_then(Segment::key)?;
        match read.reference.root {
            Root::Vars => self.check_variable(read, name, reader),
            Root::Nodes => self.check_output(read, name, reader),
            _ => None,
        }
    }

    fn check_variable(&self, read: &Read, name: &str, reader: usize) -> Option<Problem> {
        // Of a variable that is not defined at all `names` has spoken.
        if read.is_guarded(1) || !self.unit.variables.contains(name) {
            return None;
        }
        if self.assigned.is_certain(name, reader) {
            return None;
        }
        let path = self.assigned.path_without(name, reader);
        let text = format!(
            "the variable `{name}` is not set on the path {}",
            self.unit.path_text(&path)
        );
        let help = format!(
            "give `{name}` a value under `settings.variables`, or set it on that path before"
        );
        Some(Problem::error(codes::UNSET_VARIABLE, &read.pointer, text).help(help))
    }

    fn check_output(&self, read: &Read, id: &str, reader: usize) -> Option<Problem> {
        let node = self.unit.graph.find(id)?;
        let known = self
            .unit
            .opened(node)
            .is_none_or(|opened| opened.output != Output::None);
        if !known || read.is_guarded(1) {
            return None;
        }
        if let Some(split) = self.unit.branching.hides(node, reader) {
            return Some(self.hidden(read, id, split, reader));
        }
        let at = self.flow.vertices(reader)?.node;
        let text = match self.flow.vertices(node) {
            _ if node == reader => format!("`{id}` reads its own output"),
            None => format!("`{id}` never runs, so it has no output"),
            Some(vertices) => self.unset_text(read, id, vertices, at)?,
        };
        let help = "read it only behind the node, where every path has its output; or ask first \
                    with `has(..)` in a condition";
        Some(Problem::error(codes::UNSET_OUTPUT, &read.pointer, text).help(help))
    }

    /// The node stands in a branch, and the reader does not.
    fn hidden(&self, read: &Read, id: &str, split: usize, reader: usize) -> Problem {
        let is_map = self.unit.opened(split).is_some_and(|it| it.map.is_some());
        let (split, reader) = (self.unit.id(split), self.unit.id(reader));
        let inside = if is_map { "the body" } else { "a branch" };
        let text =
            format!("`{id}` stands in {inside} of `{split}`, and `{reader}` does not see it");
        let help = match is_map {
            true => format!("read `nodes.{split}.output`, which has what each item gave"),
            false => format!(
                "behind the join, read `nodes.{split}.output`, which has what each branch gave; or \
                 let the branch set a variable"
            ),
        };
        Problem::error(codes::UNSET_OUTPUT, &read.pointer, text).help(help)
    }

    /// On which path the output, or the part of it that is read, is not there.
    fn unset_text(&self, read: &Read, id: &str, of: Vertices, at: usize) -> Option<String> {
        let around = |vertex| self.unit.path_text(&self.flow.path_around(vertex, at));
        if !self.flow.dominates(of.any, at) {
            return Some(format!(
                "`{id}` has no output on the path {}",
                around(of.any)
            ));
        }
        let part = read.reference.path.get(2).and_then(Segment::key)?;
        let asked = (3..=read.reference.path.len()).any(|parts| read.is_guarded(parts));
        if part == "error" || asked || self.flow.dominates(of.output, at) {
            return None;
        }
        let path = around(of.output);
        Some(format!(
            "`{id}` has failed on the path {path}, and its output is then its `error`"
        ))
    }
}
