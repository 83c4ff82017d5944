//! Secrets that stand in the document. They are looked for in every text of it, and never shown.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{PatchOp, Problem, pointer_to};
use lattice_model::NodeId;
use lattice_policy::{Finding, find_secrets};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The settings that may name a secret instead.
const EFFECT_SETTINGS: &[&str] = &["/prompt", "/system", "/authentication/secret"];

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let document = unit.document;
    let pointers = unit.pointers;
    let mut search = Search::default();
    search.text(&pointers.top("/id"), document.id.as_str());
    search.text(&pointers.top("/name"), &document.name);
    if let Some(text) = &document.description {
        search.text(&pointers.top("/description"), text);
    }
    if let Some(input) = &document.input {
        search.value(&pointers.top("/input"), input);
    }
    for (name, value) in &document.settings.variables {
        let pointer = pointer_to("/settings/variables", name);
        search.value(&pointers.top(&pointer), value);
    }
    let limit = document.settings.concurrency.as_ref();
    if let Some(key) = limit.and_then(|limit| limit.key.as_deref()) {
        search.text(&pointers.top("/settings/concurrency/key"), key);
    }
    for (index, node) in document.nodes.iter().enumerate() {
        search.begin_node(&node.id);
        search.text(&pointers.node_field(index, "id"), node.id.as_str());
        if let Some(label) = &node.label {
            search.text(&pointers.node_field(index, "label"), label);
        }
        search.object(&pointers.settings(index), &node.settings);
        if let Some(legacy) = &node.legacy {
            search.kept(&pointers.node_field(index, "legacy"), legacy);
        }
    }
    search.end_nodes();
    for (index, edge) in document.edges.iter().enumerate() {
        search.text(&pointers.edge_field(index, "id"), &edge.id);
    }
    if let Some(legacy) = &document.legacy {
        search.kept(&pointers.top("/legacy"), legacy);
    }
    problems.extend(search.found);
}

#[derive(Default)]
struct Search {
    node: Option<NodeId>,
    /// The rules that matched in the settings of this node: what an upgrade kept of them says the
    /// same once more.
    rules: BTreeSet<&'static str>,
    is_kept: bool,
    found: Vec<Problem>,
}

impl Search {
    fn begin_node(&mut self, node: &NodeId) {
        self.node = Some(node.clone());
        self.rules.clear();
    }

    fn end_nodes(&mut self) {
        self.node = None;
        self.rules.clear();
    }

    fn kept(&mut self, pointer: &str, value: &Value) {
        self.is_kept = true;
        self.value(pointer, value);
        self.is_kept = false;
    }

    fn value(&mut self, pointer: &str, value: &Value) {
        match value {
            Value::String(text) => self.text(pointer, text),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(&pointer_to(pointer, &index.to_string()), item);
                }
            }
            Value::Object(fields) => self.object(pointer, fields),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(&mut self, pointer: &str, fields: &Map<String, Value>) {
        for (key, item) in fields {
            self.text(pointer, key);
            self.value(&pointer_to(pointer, key), item);
        }
    }

    fn text(&mut self, pointer: &str, text: &str) {
        let mut findings = find_secrets(text);
        if self.is_kept {
            findings.retain(|finding| !self.rules.contains(finding.rule));
        }
        let Some(first) = findings.first() else {
            return;
        };
        self.rules
            .extend(findings.iter().map(|finding| finding.rule));
        let said = format!(
            "a secret stands in the document: it looks like `{}`",
            first.rule
        );
        let name = secret_name(first.rule);
        let problem = Problem::error(codes::LITERAL_SECRET, pointer, said).help(format!(
            "replace it by `{{{{secret.{name}}}}}` and set the secret `{name}` where the workflow \
             runs; then change the real one, for whoever has the document has read it"
        ));
        let may_name_it = EFFECT_SETTINGS
            .iter()
            .any(|setting| pointer.ends_with(setting));
        let problem = match may_name_it && self.node.is_some() && !self.is_kept {
            true => problem.fix(vec![PatchOp::Replace {
                path: pointer.to_owned(),
                value: Value::from(with_references(text, &findings)),
            }]),
            false => problem,
        };
        self.found.push(match &self.node {
            Some(node) => problem.at_node(node),
            None => problem,
        });
    }
}

/// A name for a secret of this shape.
fn secret_name(rule: &str) -> String {
    rule.to_uppercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// The text with every secret replaced by a reference.
fn with_references(text: &str, findings: &[Finding]) -> String {
    let mut new = String::with_capacity(text.len());
    let mut end = 0;
    for finding in findings {
        new.push_str(text.get(end..finding.span.start).unwrap_or_default());
        new.push_str(&format!("{{{{secret.{}}}}}", secret_name(finding.rule)));
        end = finding.span.end;
    }
    new.push_str(text.get(end..).unwrap_or_default());
    new
}
