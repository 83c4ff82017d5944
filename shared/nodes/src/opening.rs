//! How a node type reads its settings: it asks for fields and hands in templates, conditions and
//! queries; what is wrong is collected, and what they refer to is noted for the compiler.

use crate::codes;
use crate::fields::Fields;
use lattice_document::{Code, Node, PatchOp, Problem, pointer_to};
use lattice_expr::{Condition, ExprError, Reference, Root, Schema, Segment, Template, Transform};
use serde_json::Value;
use std::cell::RefCell;

/// A reference in the settings of a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// What is read.
    pub reference: Reference,
    /// The pointer of the text it stands in.
    pub pointer: String,
    /// Whether it may be a secret.
    pub secrets: Secrets,
    /// The lengths of the beginnings of its path that the same condition asks for by `has(..)`.
    pub guards: Vec<usize>,
}

impl Read {
    /// Whether the condition asks first if the first `parts` of the path are there.
    pub fn is_guarded(&self, parts: usize) -> bool {
        self.guards.contains(&parts)
    }
}

/// Whether a text may name secrets: only what goes to an effect may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// It goes to an effect.
    Allowed,
    /// Its value would be stored.
    Refused,
}

/// One node being read.
#[derive(Debug)]
pub struct Opening<'a> {
    node: &'a Node,
    base: String,
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    problems: Vec<Problem>,
    reads: Vec<Read>,
}

impl<'a> Opening<'a> {
    /// Begins to read `node`, whose settings stand at `settings_pointer`.
    pub fn new(node: &'a Node, settings_pointer: String) -> Self {
        Self {
            node,
            base: settings_pointer,
            found: RefCell::default(),
        }
    }

    /// What was found: problems, and everything that the settings refer to.
    pub fn finish(self) -> (Vec<Problem>, Vec<Read>) {
        let found = self.found.into_inner();
        (found.problems, found.reads)
    }

    /// The settings.
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(self, &self.node.settings, self.base.clone())
    }

    /// The pointer of the settings.
    pub fn pointer(&self) -> &str {
        &self.base
    }

    /// The pointer of one setting.
    pub fn pointer_of(&self, setting: &str) -> String {
        pointer_to(&self.base, setting)
    }

    /// The pointer of a field of the node itself, such as `type`.
    pub fn pointer_beside(&self, field: &str) -> String {
        let parent = self.base.rsplit_once('/').map_or("", |(parent, _)| parent);
        pointer_to(parent, field)
    }

    /// Reports a value of a setting that stands in `NOT_YET`.
    pub fn not_yet(&self, setting: &str, value: &str, help: &str) {
        let kind = &self.node.kind;
        let text = format!("`{setting}` of `{kind}` cannot be `{value}` yet");
        self.error(codes::NOT_YET, &self.pointer_of(setting), text, help);
    }

    /// Reports an error.
    pub fn error(&self, code: Code, pointer: &str, text: String, help: &str) {
        self.add(Problem::error(code, pointer, text).help(help));
    }

    /// Reports a warning.
    pub fn warning(&self, code: Code, pointer: &str, text: String, help: &str) {
        self.add(Problem::warning(code, pointer, text).help(help));
    }

    /// Reports a warning with a patch that mends it.
    pub fn warning_with_fix(
        &self,
        code: Code,
        pointer: &str,
        text: String,
        help: &str,
        fix: Vec<PatchOp>,
    ) {
        self.add(Problem::warning(code, pointer, text).help(help).fix(fix));
    }

    /// Reports a problem of this node.
    pub fn add(&self, problem: Problem) {
        let problem = problem.at_node(&self.node.id);
        self.found.borrow_mut().problems.push(problem);
    }

    /// Reads a template.
    pub fn template(&self, pointer: &str, text: &str, secrets: Secrets) -> Option<Template> {
        match Template::parse(text) {
            Ok(template) => {
                self.note(template.references(), pointer, secrets, &[]);
                Some(template)
            }
            Err(error) => {
                let help = "write references as `{{in.name}}`, `{{vars.name}}` or \
                            `{{nodes.<id>.output}}`";
                self.expression(codes::BAD_TEMPLATE, pointer, &error, help);
                None
            }
        }
    }

    /// Reads JSON whose strings are templates; its values may not be secrets.
    pub fn value(&self, pointer: &str, value: &Value) {
        self.templates(pointer, value, Secrets::Refused);
    }

    /// Reads JSON whose strings are templates and that goes to an effect.
    pub fn value_to_effect(&self, pointer: &str, value: &Value) {
        self.templates(pointer, value, Secrets::Allowed);
    }

    fn templates(&self, pointer: &str, value: &Value, secrets: Secrets) {
        match value {
            Value::String(text) => {
                self.template(pointer, text, secrets);
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.templates(&pointer_to(pointer, &index.to_string()), item, secrets);
                }
            }
            Value::Object(fields) => {
                for (key, item) in fields {
                    self.templates(&pointer_to(pointer, key), item, secrets);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Reads a condition.
    pub fn condition(&self, pointer: &str, text: &str, help: &str) -> Option<Condition> {
        match Condition::parse(text) {
            Ok(condition) => {
                let guards = guards_of(text, condition.references());
                self.note(condition.references(), pointer, Secrets::Refused, &guards);
                Some(condition)
            }
            Err(error) => {
                self.expression(codes::BAD_CONDITION, pointer, &error, help);
                None
            }
        }
    }

    /// Checks a query.
    pub fn query(&self, pointer: &str, query: Result<Transform, ExprError>) {
        if let Err(error) = query {
            let help = "try the query on a sample of the input first";
            self.expression(codes::BAD_QUERY, pointer, &error, help);
        }
    }

    /// Checks a JSON Schema.
    pub fn schema(&self, pointer: &str, schema: &Value) {
        if let Err(error) = Schema::parse(schema) {
            let help = "write a JSON Schema of draft 2020-12 without references to other files";
            self.expression(codes::BAD_SCHEMA, pointer, &error, help);
        }
    }

    /// Notes that a variable must be there.
    pub fn needs_variable(&self, pointer: &str, variable: &str) {
        let reference = Reference {
            root: Root::Vars,
            path: vec![Segment::Key(variable.to_owned())],
            span: 0..0,
        };
        self.note(&[reference], pointer, Secrets::Refused, &[]);
    }

    fn note(
        &self,
        references: &[Reference],
        pointer: &str,
        secrets: Secrets,
        guards: &[&Reference],
    ) {
        let reads = references.iter().map(|reference| Read {
            reference: reference.clone(),
            pointer: pointer.to_owned(),
            secrets,
            guards: guards
                .iter()
                .filter(|guard| {
                    guard.root == reference.root && reference.path.starts_with(&guard.path)
                })
                .map(|guard| guard.path.len())
                .collect(),
        });
        self.found.borrow_mut().reads.extend(reads);
    }

    fn expression(&self, code: Code, pointer: &str, error: &ExprError, help: &str) {
        self.error(code, pointer, error.to_string(), help);
    }
}

/// The references of a condition that stand directly inside `has(..)`.
fn guards_of<'r>(text: &str, references: &'r [Reference]) -> Vec<&'r Reference> {
    let is_guard = |reference: &&Reference| {
        let before = text.get(..reference.span.start).unwrap_or_default();
        let call = before.trim_end().strip_suffix('(').unwrap_or_default();
        call.trim_end().ends_with("has")
    };
    references.iter().filter(is_guard).collect()
}
