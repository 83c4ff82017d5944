//! Both older shapes, read into one form. Tolerant where the older tools were: a missing position,
//! a null port or settings that are absent are no problem.

use crate::fields::{Fields, Place};
use crate::problem::Sink;
use crate::read::check_count;
use lattice_model::limits::{EDGES_MAX, NODES_MAX};
use serde_json::{Map, Value};

/// The names that a shape gives to the same things.
pub(crate) struct Layout {
    /// The list of edges.
    pub edges: &'static str,
    /// The settings of a node.
    pub data: &'static str,
    /// The name of a node.
    pub label: &'static str,
    /// The node that an edge leaves.
    pub from: &'static str,
    /// The node that an edge arrives at.
    pub to: &'static str,
    from_port: &'static str,
    to_port: &'static str,
}

/// CC Workflow Studio.
pub(crate) const CC_WORKFLOW_STUDIO: Layout = Layout {
    edges: "connections",
    data: "data",
    label: "name",
    from: "from",
    to: "to",
    from_port: "fromPort",
    to_port: "toPort",
};

/// Earlier Agent Lattice.
pub(crate) const EARLIER_LATTICE: Layout = Layout {
    edges: "edges",
    data: "config",
    label: "label",
    from: "source",
    to: "target",
    from_port: "sourceHandle",
    to_port: "targetHandle",
};

/// A document of an older shape; `keep` is what has no place in ours.
pub(crate) struct OldDocument {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub nodes: Vec<OldNode>,
    pub edges: Vec<OldEdge>,
    pub keep: Map<String, Value>,
}

/// A node of an older shape.
pub(crate) struct OldNode {
    pub id: String,
    pub kind: String,
    pub label: Option<String>,
    pub position: Option<(f64, f64)>,
    pub parent: Option<String>,
    pub data: Map<String, Value>,
    pub keep: Map<String, Value>,
}

impl OldNode {
    /// What a name of the `in` block is bound to, for the blocks `in` that some documents have.
    pub fn binding(&self, name: &str) -> Option<&Value> {
        self.keep.get("in")?.get(name)
    }
}

/// An edge of an older shape.
pub(crate) struct OldEdge {
    pub id: String,
    pub from: String,
    pub to: String,
    pub from_port: Option<String>,
    pub to_port: Option<String>,
    pub keep: Map<String, Value>,
}

/// Reads the fields; `None` if there are too many nodes or edges.
pub(crate) fn read(
    mut map: Map<String, Value>,
    layout: &Layout,
    sink: &mut Sink,
) -> Option<OldDocument> {
    let nodes = take_list(&mut map, "nodes", sink);
    let edges = take_list(&mut map, layout.edges, sink);
    let few = check_count(&nodes, "nodes", NODES_MAX, sink)
        & check_count(&edges, layout.edges, EDGES_MAX, sink);
    if !few {
        return None;
    }
    let place = Place::default().inside("nodes");
    let nodes = nodes.into_iter().enumerate();
    let nodes = nodes.filter_map(|(index, node)| {
        read_node(node, place.inside(&index.to_string()), layout, sink)
    });
    let nodes = nodes.collect();
    let place = Place::default().inside(layout.edges);
    let edges = edges.into_iter().enumerate();
    let edges = edges.filter_map(|(index, edge)| {
        read_edge(edge, place.inside(&index.to_string()), index, layout, sink)
    });
    let edges = edges.collect();
    let id = take_text(&mut map, "id");
    let name = take_text(&mut map, "name").filter(|name| !name.trim().is_empty());
    Some(OldDocument {
        id: id.or_else(|| name.clone()).unwrap_or_default(),
        name: name.unwrap_or_else(|| "Untitled workflow".to_owned()),
        description: take_text(&mut map, "description"),
        nodes,
        edges,
        keep: map,
    })
}

fn take_list(map: &mut Map<String, Value>, key: &str, sink: &mut Sink) -> Vec<Value> {
    match map.remove(key) {
        Some(Value::Array(list)) => list,
        Some(other) => {
            sink.push_fatal(Place::default().inside(key).wrong_type("a list", &other));
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Takes a text out; any other value stays where it is, so that it is kept.
fn take_text(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    match map.remove(key)? {
        Value::String(text) => Some(text),
        other => {
            map.insert(key.to_owned(), other);
            None
        }
    }
}

fn read_node(value: Value, place: Place, layout: &Layout, sink: &mut Sink) -> Option<OldNode> {
    let fields = Fields::open(&value, place, sink)?;
    let id = fields.required_text("id", None, sink);
    let kind = fields.node_type(sink);
    let Value::Object(mut keep) = value else {
        return None;
    };
    keep.remove("id");
    keep.remove("type");
    let data = match keep.remove(layout.data) {
        Some(Value::Object(data)) => data,
        // Absent and null mean the same to the tools that wrote this.
        None | Some(Value::Null) => Map::new(),
        Some(other) => {
            keep.insert(layout.data.to_owned(), other);
            Map::new()
        }
    };
    let own = data.get("label").and_then(Value::as_str);
    let given = keep.get(layout.label).and_then(Value::as_str);
    let label = own
        .or(given)
        .filter(|label| !label.is_empty())
        .map(str::to_owned);
    if given.is_some() && (given == label.as_deref() || given == Some(id.as_str())) {
        keep.remove(layout.label);
    }
    let position = take_position(&mut keep);
    let parents = ["parentId", "parentNode", "parent"];
    let parent = parents.iter().find_map(|key| take_text(&mut keep, key));
    Some(OldNode {
        id,
        kind,
        label,
        position,
        parent,
        data,
        keep,
    })
}

fn take_position(keep: &mut Map<String, Value>) -> Option<(f64, f64)> {
    let position = keep.get("position")?.as_object()?;
    let read = (position.get("x")?.as_f64()?, position.get("y")?.as_f64()?);
    if position.len() == 2 {
        keep.remove("position");
    }
    Some(read)
}

fn read_edge(
    value: Value,
    place: Place,
    index: usize,
    layout: &Layout,
    sink: &mut Sink,
) -> Option<OldEdge> {
    let fields = Fields::open(&value, place, sink)?;
    let from = fields.required_text(layout.from, None, sink);
    let to = fields.required_text(layout.to, None, sink);
    let Value::Object(mut keep) = value else {
        return None;
    };
    keep.remove(layout.from);
    keep.remove(layout.to);
    let mut port = |key: &str| {
        let port = take_text(&mut keep, key);
        if keep.get(key).is_some_and(Value::is_null) {
            keep.remove(key);
        }
        port
    };
    let (from_port, to_port) = (port(layout.from_port), port(layout.to_port));
    let id = take_text(&mut keep, "id").unwrap_or_else(|| format!("edge-{}", index + 1));
    Some(OldEdge {
        id,
        from,
        to,
        from_port,
        to_port,
        keep,
    })
}
