//! Names in templates and conditions: that what they read exists at all.

use crate::codes;
use crate::input_shapes::InputShapes;
use crate::problems::Problems;
use crate::schema_path::{Unknown, unknown};
use crate::unit::Unit;
use lattice_document::{Code, Node, PatchOp, Problem, pointer_to};
use lattice_expr::{Root, Segment};
use lattice_nodes::{Output, Read, Secrets, Write};
use serde_json::json;
use std::collections::BTreeSet;

/// Types whose answer is a text unless a schema says more, and the setting that holds it.
const ANSWERS: &[&str] = &["prompt", "subAgent"];
const OUTPUT_SCHEMA: &str = "outputSchema";

/// What `run` has.
const RUN_FACTS: &[&str] = &["id", "workflow", "startedAt"];

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let inputs = InputShapes::new(unit);
    let names = Names { unit, inputs };
    for (index, (slot, node)) in unit.slots.iter().zip(&unit.document.nodes).enumerate() {
        for read in &slot.reads {
            let found = names.check(read, index);
            let found = found.map(|problem| problem.at_node(&node.id));
            problems.extend(found);
        }
        problems.extend(names.check_delete(node, slot));
    }
}

struct Names<'u> {
    unit: &'u Unit<'u>,
    inputs: InputShapes<'u>,
}

impl Names<'_> {
    fn check(&self, read: &Read, reader: usize) -> Option<Problem> {
        let path = read.reference.path.as_slice();
        let first = path.first().and_then(Segment::key);
        match read.reference.root {
            Root::Input => self.check_input(read, path, reader),
            Root::Vars => first.and_then(|name| self.check_variable(name, &read.pointer)),
            Root::Nodes => first.and_then(|id| self.check_node(read, id, path)),
            Root::Run => first.and_then(|fact| self.check_fact(read, fact)),
            Root::Item | Root::Index => {
                let is_inside = self.is_of_item(read, reader);
                (!is_inside).then(|| outside_map(read))
            }
            Root::Secret => (read.secrets == Secrets::Refused).then(|| secret_read(read)),
        }
    }

    /// Whether an item is there to be read: in the body of a map, or in what its workflow gets.
    fn is_of_item(&self, read: &Read, reader: usize) -> bool {
        let is_map = self.unit.opened(reader).is_some_and(|it| it.map.is_some());
        let mapping = self.unit.pointers.settings(reader) + "/inputMapping";
        self.unit.branching.map_around(reader).is_some()
            || (is_map && read.pointer.starts_with(&mapping))
    }

    /// A part of the input that not everything gives that leads to the reader. Where some of it
    /// does, the reader may stand behind a question about it, so that is a warning.
    fn check_input(&self, read: &Read, path: &[Segment], reader: usize) -> Option<Problem> {
        let shapes = self.inputs.at(reader);
        let lack = shapes.iter().filter_map(|(trigger, schema)| {
            let found = unknown((*schema)?, path)?;
            (!read.is_guarded(found.at + 1)).then_some((*trigger, found))
        });
        let mut lack: Vec<_> = lack.collect();
        lack.sort_by_key(|(_, found)| !found.excluded);
        let (trigger, found) = lack.first()?;
        let is_given = lack.len() < shapes.len();
        let of = match trigger {
            Some(id) => format!("the input that `{id}` gives"),
            None => "the input".to_owned(),
        };
        let text = self.unknown_text(read, path, found, &of);
        let make = match found.excluded && !is_given {
            true => Problem::error,
            false => Problem::warning,
        };
        let help = match trigger {
            _ if is_given => "others give it: let a condition with `has(..)` send these elsewhere",
            Some(_) => "its settings say what it gives",
            None => "declare it in the input schema of the workflow",
        };
        let help = known_help(found, help);
        Some(make(codes::UNKNOWN_INPUT, &read.pointer, &text).help(help))
    }

    fn check_variable(&self, name: &str, pointer: &str) -> Option<Problem> {
        if self.unit.variables.contains(name) {
            return None;
        }
        let meant = self
            .unit
            .suggest
            .meant(name, self.unit.variables.iter().map(String::as_str));
        let name = name.escape_debug();
        let text = format!("the variable `{name}` is not defined{meant}");
        let help = "declare it under `settings.variables`, or set it in a `variableStore` node \
                    before";
        Some(Problem::error(codes::UNDEFINED_VARIABLE, pointer, text).help(help))
    }

    /// A variable that nothing ever sets cannot be deleted either.
    fn check_delete(&self, node: &Node, slot: &crate::unit::Slot) -> Option<Problem> {
        let Some(Write::Delete(name)) = &slot.opened.as_ref()?.writes else {
            return None;
        };
        let index = self.unit.graph.find(node.id.as_str())?;
        let pointer = format!("{}/variableName", self.unit.pointers.settings(index));
        let problem = self.check_variable(name, &pointer)?;
        (!name.is_empty()).then(|| problem.at_node(&node.id))
    }

    fn check_node(&self, read: &Read, id: &str, path: &[Segment]) -> Option<Problem> {
        let pointer = &read.pointer;
        let Some(index) = self.unit.graph.find(id) else {
            let meant = self.unit.suggest.meant(id, self.unit.graph.ids());
            let text = format!("there is no node `{}`{meant}", id.escape_debug());
            let help = "name a node of this workflow by its id";
            return Some(Problem::error(codes::UNKNOWN_NODE, pointer, text).help(help));
        };
        let kind = self.unit.node(index).map_or("", |node| node.kind.as_str());
        let output = &self.unit.opened(index)?.output;
        if *output == Output::None {
            let text = format!("`{id}` is a `{kind}` node and gives no output");
            let help = match index {
                _ if self.unit.entries.contains(&index) => "the trigger's input is `in`",
                _ => "read the output of a node that gives one",
            };
            return Some(Problem::error(codes::NO_OUTPUT, pointer, text).help(help));
        }
        let path = path.get(2..)?;
        if let Some(problem) = self.check_answer(read, index, path) {
            return Some(problem);
        }
        let Output::Shape(schema) = output else {
            return None;
        };
        self.check_part(read, index, schema, path)
    }

    /// A part of an answer that nothing says the parts of.
    fn check_answer(&self, read: &Read, index: usize, path: &[Segment]) -> Option<Problem> {
        let node = self.unit.node(index)?;
        let part = path.first()?;
        let may_have_one = ANSWERS.contains(&node.kind.as_str());
        let is_error = part.key() == Some("error");
        if !may_have_one || node.settings.contains_key(OUTPUT_SCHEMA) || is_error {
            return None;
        }
        let text = format!(
            "`{}` is a part of an answer, and `{}` does not say that its answer has parts",
            read.reference, node.id
        );
        let problem = Problem::warning(codes::NO_SCHEMA, &read.pointer, text);
        let problem = problem.help(format!("give `{}` an `{OUTPUT_SCHEMA}`", node.id));
        let value = self.schema_of_reads(node.id.as_str());
        Some(match value {
            None => problem,
            Some(value) => {
                let path = pointer_to(&self.unit.pointers.settings(index), OUTPUT_SCHEMA);
                problem.fix(vec![PatchOp::Add { path, value }])
            }
        })
    }

    /// The schema of an answer with the parts that are read; `None` if the whole answer is read too, as
    /// the text that it is now.
    fn schema_of_reads(&self, id: &str) -> Option<serde_json::Value> {
        let reads = self.unit.slots.iter().flat_map(|slot| &slot.reads);
        let mut parts = BTreeSet::new();
        for read in reads.filter(|read| read.reference.root == Root::Nodes) {
            let path = read.reference.path.as_slice();
            if path.first().and_then(Segment::key) == Some(id) {
                parts.insert(path.get(2)?.key()?);
            }
        }
        parts.remove("error");
        let properties: serde_json::Map<_, _> = parts
            .iter()
            .map(|part| ((*part).to_owned(), json!({})))
            .collect();
        Some(json!({"type": "object", "properties": properties, "required": parts}))
    }

    fn check_part(
        &self,
        read: &Read,
        node: usize,
        schema: &serde_json::Value,
        path: &[Segment],
    ) -> Option<Problem> {
        let found = unknown(schema, path)?;
        let is_error = path.first().and_then(Segment::key) == Some("error");
        let fails = |link: &crate::graph::Link| link.carries == lattice_nodes::Carries::Error;
        if read.is_guarded(found.at + 3) || is_error && self.unit.graph.links_out(node).any(fails) {
            return None;
        }
        let of = format!("the output of `{}`", self.unit.id(node));
        let text = self.unknown_text(read, path, &found, &of);
        let help = known_help(&found, "the node's settings say what its output is");
        Some(Problem::warning(codes::UNKNOWN_PART, &read.pointer, text).help(help))
    }

    fn unknown_text(&self, read: &Read, path: &[Segment], found: &Unknown<'_>, of: &str) -> String {
        let part = path
            .get(found.at)
            .map(Segment::to_string)
            .unwrap_or_default();
        let meant = self.unit.suggest.meant(&part, found.known.iter().copied());
        let part = part.escape_debug();
        format!("`{}`: {of} has no `{part}` there{meant}", read.reference)
    }

    fn check_fact(&self, read: &Read, fact: &str) -> Option<Problem> {
        if RUN_FACTS.contains(&fact) {
            return None;
        }
        let text = format!("a run has no fact `{}`", fact.escape_debug());
        let facts: Vec<_> = RUN_FACTS
            .iter()
            .map(|fact| format!("`run.{fact}`"))
            .collect();
        let help = format!("there are {}", facts.join(", "));
        Some(Problem::error(codes::UNKNOWN_FACT, &read.pointer, text).help(help))
    }
}

fn known_help(found: &Unknown<'_>, otherwise: &str) -> String {
    if found.known.is_empty() {
        return otherwise.to_owned();
    }
    let max = lattice_model::limits::PROBLEM_NAMES_MAX;
    let names: Vec<_> = found
        .known
        .iter()
        .take(max)
        .map(|name| format!("`{name}`"))
        .collect();
    match found.known.len() > max {
        true => format!("there are {} and others", names.join(", ")),
        false => format!("there are {}", names.join(", ")),
    }
}

fn outside_map(read: &Read) -> Problem {
    let text = format!(
        "`{}` is known only inside a map over a list",
        read.reference
    );
    let help = "read the list itself, such as `in.items`";
    problem(codes::OUTSIDE_MAP, read, text, help)
}

fn secret_read(read: &Read) -> Problem {
    let text = format!(
        "`{}` is used in a text whose value is stored",
        read.reference
    );
    let help = "secrets go to effects only, such as the text of a prompt";
    problem(codes::SECRET_READ, read, text, help)
}

fn problem(code: Code, read: &Read, text: String, help: &str) -> Problem {
    Problem::error(code, &read.pointer, text).help(help)
}
