//! The document itself: nodes, edges and settings, and how it is written down.

use lattice_model::limits::{
    BUDGET_TOKENS_MAX, CONCURRENT_RUNS_MAX, EDGES_MAX, ID_CHARS_MAX, LIFETIME_MS_MAX, NODES_MAX,
    VISITS_MAX,
};
use lattice_model::{NodeId, WorkflowId};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What stands in the field `format` of every document of ours.
pub const FORMAT: &str = "agent-lattice/workflow";
/// The version that this program writes, and the newest it reads.
pub const FORMAT_VERSION: u32 = 1;
/// The port that an edge leaves from unless it says otherwise.
pub const PORT_OUT: &str = "out";
/// The port that an edge arrives at unless it says otherwise.
pub const PORT_IN: &str = "in";
/// The port that is taken when a node fails.
pub const PORT_ERROR: &str = "error";

/// The port of the branch at this place, counted from 0.
pub fn branch_port(place: usize) -> String {
    format!("branch-{place}")
}

/// The place of the branch that a port belongs to; `None` if it is the port of none.
pub fn branch_of_port(port: &str) -> Option<usize> {
    let place = port.strip_prefix("branch-")?.parse().ok()?;
    (branch_port(place) == port).then_some(place)
}

/// The port that is taken when the time of a node is up.
pub const PORT_TIMEOUT: &str = "timeout";

/// A workflow as a person drew it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The version of the format it was read from.
    pub format_version: u32,
    /// The id under which it is stored.
    pub id: WorkflowId,
    /// Its name, for people.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// A JSON Schema of the trigger's input.
    pub input: Option<Value>,
    /// Settings of the whole workflow.
    pub settings: WorkflowSettings,
    /// The nodes, in the order they were drawn.
    pub nodes: Vec<Node>,
    /// The edges, in the order they were drawn.
    pub edges: Vec<Edge>,
    /// Top-level fields of an older document that have no place here.
    pub legacy: Option<Value>,
}

/// Settings of the whole workflow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct WorkflowSettings {
    /// How long a run may live, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", range(min = 1, max = LIFETIME_MS_MAX))]
    pub max_lifetime_ms: Option<u64>,
    /// What a run may use; without it, as much as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BudgetSettings")]
    pub budget: Option<BudgetSettings>,
    /// How many runs may be open at once; without it, as many as are started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ConcurrencySettings")]
    pub concurrency: Option<ConcurrencySettings>,
    /// The variables of a run, each with the value it starts with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$"}))]
    pub variables: BTreeMap<String, Value>,
}

/// What a run may use in all: its model calls, and those of the runs that it calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct BudgetSettings {
    /// Tokens, those of prompts and those of answers. A call that might use more than is left is not
    /// made: its node fails with the kind `budget`.
    #[schemars(range(min = 1, max = BUDGET_TOKENS_MAX))]
    pub tokens: u64,
}

/// How many runs of the workflow may be open at once: begun, and not over. The others stay queued, and
/// begin in the order in which they were started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct ConcurrencySettings {
    /// How many, for each key.
    #[schemars(range(min = 1, max = CONCURRENT_RUNS_MAX))]
    pub max_runs: u32,
    /// A template over the input, such as `{{in.customer}}`: runs count together for which it gives the
    /// same text. Without it all runs of the workflow do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1))]
    pub key: Option<String>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Node {
    /// Unique among the nodes of the document.
    #[schemars(schema_with = "crate::schema::id")]
    pub id: NodeId,
    /// The node type, such as `prompt`; the compiler knows which there are.
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    pub kind: String,
    /// The name shown on the canvas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub label: Option<String>,
    /// Where it stands on the canvas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Position")]
    pub position: Option<Position>,
    /// The group that it is drawn in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::id")]
    pub parent: Option<NodeId>,
    /// How often a run may come to it; one visit more fails. It bounds the loops that the node is
    /// part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32", range(min = 1, max = VISITS_MAX))]
    pub max_visits: Option<u32>,
    /// The settings of its type, untyped here.
    #[serde(default, serialize_with = "sorted_map")]
    pub settings: Map<String, Value>,
    /// What it was in an older document, whole.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "sorted_option"
    )]
    #[schemars(with = "Map<String, Value>")]
    pub legacy: Option<Value>,
}

/// A place on the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Position {
    /// To the right.
    #[serde(serialize_with = "plain_number")]
    pub x: f64,
    /// Downwards.
    #[serde(serialize_with = "plain_number")]
    pub y: f64,
}

/// One edge.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct Edge {
    /// Unique among the edges of the document.
    #[schemars(schema_with = "crate::schema::id")]
    pub id: String,
    /// The node it leaves.
    #[schemars(schema_with = "crate::schema::id")]
    pub from: NodeId,
    /// The node it arrives at.
    #[schemars(schema_with = "crate::schema::id")]
    pub to: NodeId,
    /// The port it leaves from; `out` if absent, and `error` is taken when the node fails.
    #[serde(default = "port_out", skip_serializing_if = "is_port_out")]
    #[schemars(schema_with = "crate::schema::id")]
    pub from_port: String,
    /// The port it arrives at; `in` if absent.
    #[serde(default = "port_in", skip_serializing_if = "is_port_in")]
    #[schemars(schema_with = "crate::schema::id")]
    pub to_port: String,
}

/// The file as it is written: the fields of `Document`, with the format's name first.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    title = "Agent Lattice workflow",
    description = "A workflow as it is saved in a file.",
    deny_unknown_fields
)]
pub(crate) struct File<'d> {
    /// The name of the format.
    #[schemars(extend("const" = FORMAT))]
    format: &'static str,
    /// The version of the format.
    #[schemars(range(min = 1, max = FORMAT_VERSION))]
    format_version: u32,
    /// The id under which the workflow is stored.
    #[schemars(schema_with = "crate::schema::id")]
    id: &'d WorkflowId,
    /// The name of the workflow, for people.
    #[schemars(length(min = 1))]
    name: &'d str,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    description: Option<&'d str>,
    /// A JSON Schema of the trigger's input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::schema::json_schema")]
    input: Option<Value>,
    /// Settings of the whole workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WorkflowSettings")]
    settings: Option<&'d WorkflowSettings>,
    /// The nodes.
    #[schemars(length(max = NODES_MAX))]
    nodes: &'d [Node],
    /// The edges.
    #[schemars(length(max = EDGES_MAX))]
    edges: &'d [Edge],
    /// Top-level fields of an older document that have no place here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    legacy: Option<Value>,
}

/// Writes a document: indented, keys always in the same order, with a newline at the end.
/// `read(write(document))` is the document again.
pub fn write(document: &Document) -> String {
    let file = File {
        format: FORMAT,
        format_version: document.format_version,
        id: &document.id,
        name: &document.name,
        description: document.description.as_deref(),
        input: document.input.as_ref().map(sorted),
        settings: Some(&document.settings).filter(|settings| has_settings(settings)),
        nodes: &document.nodes,
        edges: &document.edges,
        legacy: document.legacy.as_ref().map(sorted),
    };
    // INVARIANT: every key is a string and every number finite, so that JSON can hold it.
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

/// Whether a text may be the id of a workflow, a node or an edge: 1 to `ID_CHARS_MAX` letters,
/// digits, `-`, `_` and `.`.
pub fn id_is_legal(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= ID_CHARS_MAX && text.bytes().all(legal)
}

/// Whether a text may name a variable: as an id, but without `-` and `.`, and not starting with a
/// digit, so that `vars.name` reads as one name in every expression.
pub fn variable_name_is_legal(text: &str) -> bool {
    id_is_legal(text)
        && !text.contains(['-', '.'])
        && !text.starts_with(|first: char| first.is_ascii_digit())
}

fn port_out() -> String {
    PORT_OUT.to_owned()
}

fn port_in() -> String {
    PORT_IN.to_owned()
}

fn is_port_out(port: &str) -> bool {
    port == PORT_OUT
}

fn is_port_in(port: &str) -> bool {
    port == PORT_IN
}

fn has_settings(settings: &WorkflowSettings) -> bool {
    *settings != WorkflowSettings::default()
}

/// Writes `100`, not `100.0`: that is what a person, and every other tool, writes.
fn plain_number<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return serializer.serialize_i64(*number as i64);
    }
    serializer.serialize_f64(*number)
}

/// Sorts keys here and not by the map, because another crate may switch insertion order on.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            let fields = fields
                .into_iter()
                .map(|(key, item)| (key.clone(), sorted(item)));
            Value::Object(fields.collect())
        }
        plain => plain.clone(),
    }
}

fn sorted_map<S: Serializer>(map: &Map<String, Value>, serializer: S) -> Result<S::Ok, S::Error> {
    let sorted: BTreeMap<_, _> = map.iter().map(|(key, item)| (key, sorted(item))).collect();
    sorted.serialize(serializer)
}

fn sorted_option<S: Serializer>(value: &Option<Value>, to: S) -> Result<S::Ok, S::Error> {
    value.as_ref().map(sorted).serialize(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_letters_digits_and_three_signs() {
        for good in ["a", "A-1_b.c", "9", &"x".repeat(ID_CHARS_MAX)] {
            assert!(id_is_legal(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "a/b",
            "é",
            "a\n",
            &"x".repeat(ID_CHARS_MAX + 1),
        ] {
            assert!(!id_is_legal(bad), "{bad}");
        }
    }

    #[test]
    fn variables_read_as_one_name() {
        assert!(variable_name_is_legal("_topic2"));
        for bad in ["", "2nd", "a-b", "a.b", "a b"] {
            assert!(!variable_name_is_legal(bad), "{bad}");
        }
    }
}
