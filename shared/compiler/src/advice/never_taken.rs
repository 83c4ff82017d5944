//! Branches of a choice that no value leads to: those before them take everything that they would,
//! or their test is the same whatever the run is.
//!
//! Branches that overlap in part are no problem: the first one that fits is taken, and that is how
//! `in.score > 90` stands before `in.score > 50`.

use super::numbers::Numbers;
use crate::codes;
use crate::problems::Problems;
use crate::schema_path::at;
use crate::unit::Unit;
use lattice_document::{Node, Problem, pointer_to};
use lattice_expr::{Condition, Reference, Root, Scope, Segment};
use lattice_nodes::Output;
use serde_json::Value;
use std::collections::BTreeMap;

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    for (index, node) in unit.document.nodes.iter().enumerate() {
        let is_choice = matches!(node.kind.as_str(), "ifElse" | "switch" | "branch");
        if !is_choice || unit.opened(index).is_none() {
            continue;
        }
        let settings = unit.pointers.settings(index);
        if let Some(text) = node.settings.get("condition").and_then(Value::as_str) {
            problems.extend(of_condition(
                node,
                text,
                &pointer_to(&settings, "condition"),
            ));
        }
        let branches = node.settings.get("branches").and_then(Value::as_array);
        let Some(branches) = branches.filter(|_| unit.pointers.are_exact()) else {
            continue;
        };
        let mut choice = Choice {
            values: values_of_target(unit, node),
            ..Choice::default()
        };
        let pointer = pointer_to(&settings, "branches");
        for (place, branch) in branches.iter().enumerate() {
            let is_last = place + 1 == branches.len();
            let Some((why, help)) = choice.next(branch, is_last) else {
                continue;
            };
            let label = branch.get("label").and_then(Value::as_str).unwrap_or("");
            let text = format!(
                "the branch `{}` is never taken: {why}",
                label.escape_debug()
            );
            let at = format!("{pointer}/{place}");
            let problem = Problem::warning(codes::NEVER_TAKEN, at, text);
            problems.add(problem.at_node(&node.id).help(help));
        }
    }
}

/// The one condition of an `ifElse`, if it is the same in every run.
fn of_condition(node: &Node, text: &str, pointer: &str) -> Option<Problem> {
    let truth = constant(text)?;
    let text = format!(
        "the way `{}` is never taken: `{}` is always {truth}",
        !truth,
        text.trim().escape_debug()
    );
    let problem = Problem::warning(codes::NEVER_TAKEN, pointer, text).at_node(&node.id);
    Some(problem.help("compare something of the run, such as `in.score > 3`"))
}

/// Whether an expression is true, if it reads nothing of the run.
fn constant(text: &str) -> Option<bool> {
    let condition = Condition::parse(text).ok()?;
    let reads_nothing = condition.references().is_empty();
    let truth = || condition.evaluate(&Scope::of_input(&Value::Null)).ok();
    reads_nothing.then(truth)?
}

/// The values that the target of a choice can have, if a schema names them all.
fn values_of_target<'u>(unit: &'u Unit<'_>, node: &Node) -> Option<&'u Vec<Value>> {
    let target = node.settings.get("evaluationTarget")?.as_str()?.trim();
    let inside = target.strip_prefix("{{")?.strip_suffix("}}")?;
    let reference = Reference::parse(inside.trim()).ok()?;
    let path = reference.path.as_slice();
    let schema = match reference.root {
        Root::Input => at(unit.document.input.as_ref()?, path)?,
        Root::Nodes => {
            let index = unit.graph.find(path.first().and_then(Segment::key)?)?;
            let Output::Shape(schema) = &unit.opened(index)?.output else {
                return None;
            };
            at(schema, path.get(2..)?)?
        }
        _ => return None,
    };
    schema.get("enum")?.as_array()
}

/// The branches of a choice up to one of them.
#[derive(Default)]
struct Choice<'u> {
    values: Option<&'u Vec<Value>>,
    /// Sentences and expressions, without what spaces and, in sentences, capitals say.
    texts: BTreeMap<String, String>,
    equals: Vec<(Value, String)>,
    /// By what is compared, the numbers that are taken already.
    numbers: BTreeMap<String, Numbers>,
    /// The branch that takes everything.
    all: Option<String>,
}

/// Why a branch is never taken, and what to do.
type Never = (String, &'static str);

impl Choice<'_> {
    fn next(&mut self, branch: &Value, is_last: bool) -> Option<Never> {
        let text = |field: &str| branch.get(field).and_then(Value::as_str);
        let label = text("label").unwrap_or("").to_owned();
        if let Some(all) = &self.all {
            let why = format!("those up to `{}` take everything", all.escape_debug());
            return Some((why, "remove it, or put it before them"));
        }
        if is_last {
            return None;
        }
        match (branch.get("equals"), text("when").or(text("condition"))) {
            (Some(value), _) => self.equals(value, label),
            (None, Some(test)) => self.test(test, label),
            (None, None) => None,
        }
    }

    fn equals(&mut self, value: &Value, label: String) -> Option<Never> {
        let mut before = self.equals.iter();
        if let Some((_, other)) = before.find(|(other, _)| other == value) {
            let why = format!("`{}` before it takes the same value", other.escape_debug());
            return Some((why, "give it another value, or remove it"));
        }
        self.equals.push((value.clone(), label));
        let values = self.values.filter(|values| !values.contains(value))?;
        let max = lattice_model::limits::PROBLEM_NAMES_MAX;
        let names = values.iter().take(max).map(|one| format!("`{one}`"));
        let names = names.collect::<Vec<_>>().join(", ");
        let why = format!("what it is compared with is one of {names}");
        Some((why, "give it one of these values, or remove it"))
    }

    fn test(&mut self, test: &str, label: String) -> Option<Never> {
        let words = test.split_whitespace().collect::<Vec<_>>().join(" ");
        let condition = Condition::parse(test).ok();
        let condition =
            condition.filter(|it| !it.references().is_empty() || constant(test).is_some());
        let Some(condition) = condition else {
            return self.same_text(words.to_lowercase(), label);
        };
        match constant(test) {
            Some(true) => {
                self.all = Some(label);
                return None;
            }
            Some(false) => {
                let why = format!("`{}` is always false", words.escape_debug());
                return Some((why, "compare something of the run, such as `in.score > 3`"));
            }
            None => {}
        }
        let never = self.same_text(words.clone(), label.clone());
        if never.is_some() {
            return never;
        }
        let (what, numbers) = comparison(&condition, &words)?;
        let before = self.numbers.entry(what.clone()).or_default();
        if before.holds(&numbers) {
            let why = format!("the branches before it take every `{what}` that it would");
            return Some((why, "put it before them, or remove it"));
        }
        *before = before.or(&numbers);
        if before.is_all() {
            self.all = Some(label);
        }
        None
    }

    fn same_text(&mut self, words: String, label: String) -> Option<Never> {
        let other = self.texts.get(&words);
        if let Some(other) = other {
            let why = format!("`{}` before it has the same test", other.escape_debug());
            return Some((why, "give it another test, or remove it"));
        }
        self.texts.insert(words, label);
        None
    }
}

/// What is compared and for which numbers the comparison is true: of conditions such as
/// `in.score >= 3` and nothing else.
fn comparison(condition: &Condition, words: &str) -> Option<(String, Numbers)> {
    let [reference] = condition.references() else {
        return None;
    };
    let what = Reference::to_string(reference);
    let rest = words.strip_prefix(&what)?.trim_start();
    let end = rest.find(|letter: char| !matches!(letter, '<' | '>' | '=' | '!'))?;
    let (operator, number) = rest.split_at(end);
    let number: f64 = number.trim().parse().ok()?;
    let numbers = Numbers::fitting(operator, number).filter(|_| number.is_finite())?;
    Some((what, numbers))
}
