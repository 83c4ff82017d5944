//! What a run came to, in the form that two ways of running can be compared in.

use super::joins::Changes;
use lattice_journal::{FailureKind, RunStatus, Usage};
use lattice_model::{BranchId, NodeId, canonical_json};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// What a run came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Completed, failed or waiting; there is nothing else in a world without faults.
    pub status: RunStatus,
    /// The run's output, if it completed.
    pub output: Option<Value>,
    /// Why and at which node the run failed, if it did.
    pub failure: Option<(FailureKind, Option<NodeId>)>,
    /// The output of each node outside all branches that has one. An end has none: what it gives is
    /// the run's.
    pub outputs: BTreeMap<NodeId, Value>,
    /// The variables at the end.
    pub variables: BTreeMap<String, Value>,
    /// The names of the ops outside all branches in the order they were visited, the last one
    /// included.
    pub path: Vec<String>,
    /// What became of each branch that began.
    pub branches: BTreeMap<BranchId, Branch>,
    /// What all calls used, failed ones included.
    pub usage: Usage,
    /// How many outcomes each op recorded that calls: its failures, and its success if it had one.
    pub calls: BTreeMap<String, u32>,
}

/// What became of a branch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Branch {
    /// How it ended.
    pub end: BranchEnd,
    /// The names of the ops that stand in it directly, in the order they were visited.
    pub path: Vec<String>,
    /// The output of each node that stands in it directly.
    pub outputs: BTreeMap<NodeId, Value>,
    /// What it did to the variables.
    pub changes: Changes,
}

/// How a branch ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum BranchEnd {
    /// It waits.
    #[default]
    Open,
    /// At its join, with an output.
    Completed(Value),
    /// By a failure, at a node if not by the time.
    Failed(FailureKind, Option<NodeId>),
    /// With something around it, while it was open.
    Cut,
}

impl Outcome {
    /// The same outcome with every value replaced.
    #[must_use]
    pub fn map(mut self, change: impl Fn(&Value) -> Value) -> Self {
        self.output = self.output.as_ref().map(&change);
        let values = self.outputs.values_mut().chain(self.variables.values_mut());
        let branches = self.branches.values_mut().flat_map(|branch| {
            let end = match &mut branch.end {
                BranchEnd::Completed(output) => Some(output),
                _ => None,
            };
            let changes = branch.changes.values_mut().flatten();
            branch.outputs.values_mut().chain(changes).chain(end)
        });
        for value in values.chain(branches) {
            *value = change(value);
        }
        self
    }

    /// The same outcome without what no two ways of running agree on: see `comparable`.
    #[must_use]
    pub fn comparable(mut self) -> Self {
        let branches = self.branches.values_mut();
        let outputs = branches.flat_map(|branch| branch.outputs.values_mut());
        for output in self.outputs.values_mut().chain(outputs) {
            *output = comparable(output);
        }
        self
    }
}

/// The output of a node without what no two ways of running agree on: the wording of a failure, and
/// the moment until which a delay waited. Everything else is left as it is.
pub fn comparable(output: &Value) -> Value {
    let Some((key, inner)) = only_field(output) else {
        return output.clone();
    };
    match (key, inner) {
        ("waitedUntil", Value::Number(_)) => json!({ "waitedUntil": "a moment" }),
        ("error", Value::Object(error)) => json!({ "error": { "kind": error.get("kind") } }),
        _ => output.clone(),
    }
}

fn only_field(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields
        .iter()
        .next()
        .map(|(key, inner)| (key.as_str(), inner))
}

/// One fact a line, in canonical JSON with long texts and lists cut; for reading and for cases, not
/// for comparing.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if let Some(output) = &self.output {
            write!(f, " {}", shown(output))?;
        }
        if let Some((kind, node)) = &self.failure {
            let node = node.as_ref().map_or("no node", NodeId::as_str);
            write!(f, " {kind} at {node}")?;
        }
        write!(f, "\npath {}", self.path.join(" "))?;
        let variables = self.variables.clone().into_iter();
        let facts = [
            ("outputs", fields(&self.outputs)),
            ("variables", variables.collect()),
        ];
        for (name, fields) in facts.into_iter().filter(|(_, fields)| !fields.is_empty()) {
            write!(f, "\n{name} {}", shown(&Value::Object(fields)))?;
        }
        for (id, branch) in &self.branches {
            write!(f, "\nbranch {id} {branch}")?;
        }
        write!(f, "\ncalls ")?;
        for (stage, count) in &self.calls {
            write!(f, "{stage}*{count} ")?;
        }
        let usage = self.usage;
        write!(f, "usage {}+{}", usage.input_tokens, usage.output_tokens)
    }
}

/// How it ended, where it came, and what it made, in one line.
impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            BranchEnd::Open => write!(f, "open")?,
            BranchEnd::Completed(output) => write!(f, "completed {}", shown(&comparable(output)))?,
            BranchEnd::Failed(kind, node) => {
                let node = node.as_ref().map_or("no node", NodeId::as_str);
                write!(f, "{kind} at {node}")?;
            }
            BranchEnd::Cut => write!(f, "cut")?,
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path.join(" "))?;
        }
        let changes = self.changes.iter();
        let changes = changes.map(|(name, value)| {
            let deleted = Value::from("(deleted)");
            (name.clone(), value.clone().unwrap_or(deleted))
        });
        let facts = [
            ("outputs", fields(&self.outputs)),
            ("changes", changes.collect()),
        ];
        for (name, fields) in facts.into_iter().filter(|(_, fields)| !fields.is_empty()) {
            write!(f, " {name} {}", shown(&Value::Object(fields)))?;
        }
        Ok(())
    }
}

fn fields(outputs: &BTreeMap<NodeId, Value>) -> Map<String, Value> {
    let outputs = outputs.iter();
    let outputs = outputs.map(|(node, value)| (node.to_string(), comparable(value)));
    outputs.collect()
}

/// Characters of a text, and elements of a list, that `Display` shows.
const SHOWN_CHARS_MAX: usize = 120;
const SHOWN_ITEMS_MAX: usize = 8;

fn shown(value: &Value) -> String {
    String::from_utf8_lossy(&canonical_json(&cut(value))).into_owned()
}

fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().nth(SHOWN_CHARS_MAX).is_some() => {
            let start: String = text.chars().take(8).collect();
            Value::from(format!("{start}.. of {} bytes", text.len()))
        }
        Value::Array(items) if items.len() > SHOWN_ITEMS_MAX => {
            Value::from(format!("a list of {}", items.len()))
        }
        Value::Array(items) => items.iter().map(cut).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, item)| (key.clone(), cut(item)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::comparable;
    use serde_json::json;

    #[test]
    fn only_wording_and_moments_are_left_out() {
        let error = |message: &str| json!({"error": {"kind": "auth", "message": message}});
        assert_eq!(comparable(&error("no")), comparable(&error("not so")));
        assert_ne!(
            comparable(&error("no")),
            comparable(&json!({"error": {"kind": "limit", "message": "no"}}))
        );
        let waited = |until: u64| json!({ "waitedUntil": until });
        assert_eq!(comparable(&waited(1)), comparable(&waited(2)));
        for other in [
            json!({"timedOut": true}),
            json!({"error": 1}),
            json!("error"),
        ] {
            assert_eq!(comparable(&other), other);
        }
    }
}
