//! Reads a document: recognises its shape, and reads our own format strictly.

use crate::codes;
use crate::document::{Document, Edge, FORMAT, FORMAT_VERSION, Node, PORT_IN, PORT_OUT, Position};
use crate::fields::{Fields, Place, type_of};
use crate::json::{self, Parsed};
use crate::legacy;
use crate::problem::{Change, PatchOp, Problem, Sink};
use crate::settings::read_settings;
use lattice_model::limits::{EDGES_MAX, NODES_MAX};
use lattice_model::{NodeId, WorkflowId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a document looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Our own format (also said of bytes whose shape could not be found out).
    Current,
    /// What CC Workflow Studio saves: `connections`, and `data` in the nodes.
    CcWorkflowStudio,
    /// What earlier versions of Agent Lattice saved: `edges`, and `config` in the nodes.
    EarlierLattice,
}

impl Shape {
    /// Where the settings of the node at `index` stand in a document of this shape, so that a
    /// problem of an upgraded document points into the document as the user wrote it.
    pub fn settings_pointer(self, index: usize) -> String {
        let settings = match self {
            Self::Current => "settings",
            Self::CcWorkflowStudio => "data",
            Self::EarlierLattice => "config",
        };
        format!("/nodes/{index}/{settings}")
    }

    /// Where the edge at `index` stands in a document of this shape.
    pub fn edge_pointer(self, index: usize) -> String {
        match self {
            Self::CcWorkflowStudio => format!("/connections/{index}"),
            Self::Current | Self::EarlierLattice => format!("/edges/{index}"),
        }
    }
}

/// What came of reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The document, in our format. `None` if the bytes are not JSON, the shape is unknown, there
    /// are too many nodes or edges, or a field is missing or of the wrong type. It may be there
    /// beside errors (an unknown field, an illegal id): such a document can be shown, not run.
    pub document: Option<Document>,
    /// What it looked like.
    pub shape: Shape,
    /// What the upgrade of an older shape changed.
    pub changes: Vec<Change>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Reads a document of any known shape. It never fails: what is wrong stands in `problems`.
pub fn read(bytes: &[u8]) -> Reading {
    let mut sink = Sink::default();
    let parsed = json::parse(bytes, &mut sink);
    let shape = parsed
        .as_ref()
        .and_then(|parsed| recognise(&parsed.value, &mut sink));
    let document = match (parsed, shape) {
        (Some(parsed), Some(Shape::Current)) => read_current(&parsed.value, &mut sink),
        (
            Some(Parsed {
                value: Value::Object(map),
                depth,
            }),
            Some(shape),
        ) => legacy::read(map, depth, shape, &mut sink),
        _ => None,
    };
    let document = document.filter(|_| sink.is_readable());
    let (problems, changes) = sink.finish();
    Reading {
        document,
        shape: shape.unwrap_or(Shape::Current),
        changes,
        problems,
    }
}

fn recognise(value: &Value, sink: &mut Sink) -> Option<Shape> {
    let Value::Object(map) = value else {
        let text = format!(
            "a workflow document is a JSON object, and this is {}",
            type_of(value)
        );
        sink.push_fatal(Problem::error(codes::NOT_AN_OBJECT, "", text));
        return None;
    };
    if map.get("format").is_some_and(|format| format == FORMAT) {
        return Some(Shape::Current);
    }
    if !map.contains_key("format") && map.contains_key("nodes") {
        if map.contains_key("connections") {
            return Some(Shape::CcWorkflowStudio);
        }
        let one_has = |list: &str, key: &str| {
            let items = map.get(list).and_then(Value::as_array);
            items.is_some_and(|items| items.iter().any(|item| item.get(key).is_some()))
        };
        let is_ours = map.contains_key("formatVersion") || one_has("nodes", "settings");
        let is_earlier = one_has("nodes", "config") || one_has("edges", "source");
        if map.contains_key("edges") && !is_ours && (is_earlier || map.contains_key("version")) {
            return Some(Shape::EarlierLattice);
        }
    }
    sink.push_fatal(unknown_shape(map));
    None
}

fn unknown_shape(map: &Map<String, Value>) -> Problem {
    let text = match map.get("format") {
        Some(Value::String(format)) => {
            format!("the format `{}` is not known", format.escape_debug())
        }
        Some(other) => format!("`format` must be a text and is {}", type_of(other)),
        None => "this is none of the shapes that can be read".to_owned(),
    };
    let help = format!(
        "known are our own (`\"format\": \"{FORMAT}\"`), CC Workflow Studio (`nodes` and \
         `connections`) and earlier Agent Lattice (`version`, `nodes` and `edges`)"
    );
    let path = "/format".to_owned();
    let value = Value::from(FORMAT);
    let problem = Problem::error(codes::UNKNOWN_SHAPE, "", text).help(help);
    match map.contains_key("format") {
        true => problem,
        false => problem.fix(vec![PatchOp::Add { path, value }]),
    }
}

const TOP_FIELDS: &[&str] = &[
    "format",
    "formatVersion",
    "id",
    "name",
    "description",
    "input",
    "settings",
    "nodes",
    "edges",
    "legacy",
];
const NODE_FIELDS: &[&str] = &[
    "id",
    "type",
    "label",
    "position",
    "parent",
    "maxVisits",
    "settings",
    "legacy",
];
const EDGE_FIELDS: &[&str] = &["id", "from", "to", "fromPort", "toPort"];

fn read_current(value: &Value, sink: &mut Sink) -> Option<Document> {
    let top = Fields::open(value, Place::default(), sink)?;
    // A newer version may have any fields: to report those as unknown would mislead.
    check_version(&top, sink)?;
    top.only(TOP_FIELDS, sink);
    top.require("id", None, sink);
    let name = top.required_text("name", None, sink);
    if name.trim().is_empty() && top.value("name").is_some_and(Value::is_string) {
        let problem = top
            .place
            .inside("name")
            .error(codes::OUT_OF_RANGE, "the name is empty");
        sink.push(problem.help("give the workflow a name"));
    }
    let is_schema = |value: &'_ Value| value.is_object() || value.is_boolean();
    let input = top.get(
        "input",
        "a JSON Schema",
        |value| is_schema(value).then(|| value.clone()),
        sink,
    );
    let (nodes, edges) = (
        top.required_list("nodes", sink),
        top.required_list("edges", sink),
    );
    let few =
        check_count(nodes, "nodes", NODES_MAX, sink) & check_count(edges, "edges", EDGES_MAX, sink);
    if !few {
        return None;
    }
    Some(Document {
        format_version: FORMAT_VERSION,
        id: WorkflowId::new(top.id("id", sink).unwrap_or_default()),
        name,
        description: top.text("description", sink),
        input,
        settings: read_settings(&top, sink),
        nodes: read_nodes(nodes, &top.place.inside("nodes"), sink),
        edges: read_edges(edges, &top.place.inside("edges"), sink),
        legacy: top.object("legacy", sink).cloned().map(Value::Object),
    })
}

fn check_version(top: &Fields<'_>, sink: &mut Sink) -> Option<()> {
    top.require("formatVersion", Some(json!(FORMAT_VERSION)), sink);
    let version = top.get("formatVersion", "a number", Value::as_number, sink)?;
    if version.as_u64() == Some(FORMAT_VERSION.into()) {
        return Some(());
    }
    let text = format!("the format version is {version}, and this program reads {FORMAT_VERSION}");
    let help = match version.as_u64() > Some(FORMAT_VERSION.into()) {
        true => "open it with a newer release",
        false => "there has never been such a version: set it to 1",
    };
    sink.push_fatal(
        top.place
            .inside("formatVersion")
            .error(codes::FORMAT_VERSION, text)
            .help(help),
    );
    None
}

/// Whether a list is within its limit.
pub(crate) fn check_count(list: &[Value], what: &str, limit: usize, sink: &mut Sink) -> bool {
    if list.len() > limit {
        let text = format!(
            "the document has {} {what}, and at most {limit} are allowed",
            list.len()
        );
        let problem = Place::default().inside(what).error(codes::TOO_MANY, text);
        sink.push_fatal(problem.help("split it: a `flow` node runs another workflow"));
    }
    list.len() <= limit
}

fn read_nodes(list: &[Value], place: &Place, sink: &mut Sink) -> Vec<Node> {
    let mut seen = BTreeMap::new();
    let mut nodes = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let mut place = place.inside(&index.to_string());
        place.node = value.get("id").and_then(Value::as_str).map(NodeId::new);
        let Some(fields) = Fields::open(value, place, sink) else {
            continue;
        };
        let node = read_node(&fields, sink);
        report_duplicate(
            "node",
            node.id.as_str(),
            index,
            &fields.place,
            &mut seen,
            sink,
        );
        nodes.push(node);
    }
    nodes
}

fn read_node(fields: &Fields<'_>, sink: &mut Sink) -> Node {
    fields.only(NODE_FIELDS, sink);
    fields.require("id", None, sink);
    let position = fields.value("position").and_then(|value| {
        let place = Fields::open(value, fields.place.inside("position"), sink)?;
        place.only(&["x", "y"], sink);
        let mut number = |key| {
            place.require(key, Some(json!(0)), sink);
            place.get(key, "a number", Value::as_f64, sink)
        };
        Some(Position {
            x: number("x")?,
            y: number("y")?,
        })
    });
    Node {
        id: NodeId::new(fields.id("id", sink).unwrap_or_default()),
        kind: fields.node_type(sink),
        label: fields.text("label", sink),
        position,
        parent: fields.id("parent", sink).map(NodeId::new),
        max_visits: fields.visits(sink),
        settings: fields.object("settings", sink).cloned().unwrap_or_default(),
        legacy: fields.object("legacy", sink).cloned().map(Value::Object),
    }
}

fn read_edges(list: &[Value], place: &Place, sink: &mut Sink) -> Vec<Edge> {
    let taken: BTreeSet<_> = list
        .iter()
        .filter_map(|edge| edge.get("id")?.as_str())
        .collect();
    let mut seen = BTreeMap::new();
    let mut edges = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let place = place.inside(&index.to_string());
        let Some(fields) = Fields::open(value, place, sink) else {
            continue;
        };
        fields.only(EDGE_FIELDS, sink);
        let id = Some(format!("edge-{}", index + 1)).filter(|id| !taken.contains(id.as_str()));
        fields.require("id", id.map(Value::String), sink);
        fields.require("from", None, sink);
        fields.require("to", None, sink);
        let edge = Edge {
            id: fields.id("id", sink).unwrap_or_default(),
            from: NodeId::new(fields.id("from", sink).unwrap_or_default()),
            to: NodeId::new(fields.id("to", sink).unwrap_or_default()),
            from_port: fields
                .id("fromPort", sink)
                .unwrap_or_else(|| PORT_OUT.to_owned()),
            to_port: fields
                .id("toPort", sink)
                .unwrap_or_else(|| PORT_IN.to_owned()),
        };
        report_duplicate("edge", &edge.id, index, &fields.place, &mut seen, sink);
        edges.push(edge);
    }
    edges
}

/// Reports an id that an earlier item has already.
pub(crate) fn report_duplicate(
    what: &str,
    id: &str,
    index: usize,
    place: &Place,
    seen: &mut BTreeMap<String, usize>,
    sink: &mut Sink,
) {
    if id.is_empty() {
        return;
    }
    if let Some(first) = seen.get(id) {
        let text = format!(
            "the {what} id `{}` is used already, by {what} {first}",
            id.escape_debug()
        );
        let problem = place.inside("id").error(codes::DUPLICATE_ID, text);
        sink.push(problem.help(format!("give this {what} another id")));
        return;
    }
    seen.insert(id.to_owned(), index);
}
