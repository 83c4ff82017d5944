//! Opens the two older shapes. `old` reads both into one form, `ids` makes their ids legal,
//! `variables` gives their variables legal names, `names` finds out what `{{name}}` meant, `types` lists every type name with the function that
//! turns its settings into ours, `edges` carries the ports over, and `ends` brings branches together.
//!
//! Nothing is dropped: what has no place in our format is kept under `legacy`, of the node or of
//! the document.

mod branches;
mod conditions;
mod data;
mod edges;
mod ends;
mod ids;
mod models;
mod names;
mod old;
mod people;
mod ports;
mod triggers;
mod types;
mod variables;
mod work;

use crate::codes;
use crate::document::{Document, Edge, FORMAT_VERSION, Node, Position, WorkflowSettings, write};
use crate::fields::Place;
use crate::json;
use crate::problem::{Change, Problem, Sink};
use crate::read::Shape;
use lattice_model::WorkflowId;
use lattice_model::limits::{DOCUMENT_BYTES_MAX, JSON_DEPTH_MAX};
use names::Names;
use old::{Layout, OldDocument, OldNode};
use ports::Ports;
use serde_json::{Map, Value};
use variables::Variables;
use work::Work;

/// Reads a document of an older shape.
pub(crate) fn read(
    map: Map<String, Value>,
    depth: usize,
    shape: Shape,
    sink: &mut Sink,
) -> Option<Document> {
    // What is kept under `legacy` stands one level deeper than it stood before.
    if depth >= JSON_DEPTH_MAX {
        sink.push_fatal(json::too_deep("", JSON_DEPTH_MAX - 1));
        return None;
    }
    let layout = match shape {
        Shape::CcWorkflowStudio => &old::CC_WORKFLOW_STUDIO,
        Shape::EarlierLattice | Shape::Current => &old::EARLIER_LATTICE,
    };
    let old = old::read(map, layout, sink)?;
    let document = upgrade(old, layout, sink);
    check_size(&document, sink);
    Some(document)
}

/// An upgraded document is larger than it was; it must still be readable once it is saved.
fn check_size(document: &Document, sink: &mut Sink) {
    let bytes = write(document).len();
    if bytes > DOCUMENT_BYTES_MAX {
        let text = format!(
            "the upgraded document has {bytes} bytes, and at most {DOCUMENT_BYTES_MAX} are read"
        );
        let help = "split it in the tool that made it";
        sink.push_fatal(Problem::error(codes::TOO_LARGE, "", text).help(help));
    }
}

fn upgrade(mut old: OldDocument, layout: &Layout, sink: &mut Sink) -> Document {
    let ids = ids::legalise(&mut old, sink);
    let mut variables = Variables::collect(&old);
    let names = Names::collect(&old, &ids, &mut variables, sink);
    let mut nodes = Vec::with_capacity(old.nodes.len());
    let mut ports = Vec::with_capacity(old.nodes.len());
    let mut input = None;
    for (place, node) in old.nodes.iter().enumerate() {
        let mut work = Work::new(node, place, &names, &variables, layout, sink);
        types::convert(&mut work);
        input = input.or_else(|| work.input.take());
        let (node, node_ports) = finish(work, node, layout);
        nodes.push(node);
        ports.push(node_ports);
    }
    note_derived(&old, sink);
    let left_over = work::left_over(old.keep.keys().filter(|key| *key != "id"), "a workflow");
    if let Some(text) = left_over {
        sink.change(Change {
            node: None,
            pointer: String::new(),
            text,
        });
    }
    let (mut edges, edges_kept) = edges::convert(&old, &ids, &ports, layout, sink);
    if !edges_kept.is_empty() {
        old.keep
            .insert(layout.edges.to_owned(), Value::Object(edges_kept));
    }
    embedded_flows(&old.keep, sink);
    if let Some(merged) = ends::merge(&mut nodes, &mut edges, sink) {
        old.keep.insert("mergedEnds".to_owned(), merged);
    }
    let settings = WorkflowSettings {
        max_lifetime_ms: None,
        budget: None,
        concurrency: None,
        variables: variables.defaults,
    };
    into_document(old, input, settings, nodes, edges)
}

fn into_document(
    old: OldDocument,
    input: Option<Value>,
    settings: WorkflowSettings,
    nodes: Vec<Node>,
    edges: Vec<Edge>,
) -> Document {
    Document {
        format_version: FORMAT_VERSION,
        id: WorkflowId::new(old.id),
        name: old.name,
        description: old.description,
        input,
        settings,
        nodes,
        edges,
        legacy: Some(old.keep)
            .filter(|keep| !keep.is_empty())
            .map(Value::Object),
    }
}

/// Says what the settings did not take over, and keeps the original where anything differs.
fn finish(mut work: Work<'_>, old: &OldNode, layout: &Layout) -> (Node, Ports) {
    work.note_left_over();
    let mut same = old.data.clone();
    if same.get("label").and_then(Value::as_str) == old.label.as_deref() {
        same.remove("label");
    }
    let untouched = work.kind == old.kind && same == work.settings && old.keep.is_empty();
    let legacy = (!untouched).then(|| {
        let mut legacy = old.keep.clone();
        legacy.insert("type".to_owned(), Value::from(old.kind.clone()));
        if !old.data.is_empty() {
            legacy.insert(layout.data.to_owned(), Value::Object(old.data.clone()));
        }
        Value::Object(legacy)
    });
    let node = Node {
        id: work.id,
        kind: work.kind,
        label: old.label.clone(),
        position: old.position.map(|(x, y)| Position { x, y }),
        parent: work.parent,
        max_visits: None,
        settings: work.settings,
        legacy,
    };
    (node, work.ports)
}

/// The number of ports and what the last check found were stored in nodes; both follow from the
/// settings now. One sentence for the whole document is enough.
fn note_derived(old: &OldDocument, sink: &mut Sink) {
    let derived = |node: &OldNode| work::DERIVED.iter().any(|key| node.data.contains_key(*key));
    if old.nodes.iter().any(derived) {
        sink.change(Change {
            node: None,
            pointer: "/nodes".to_owned(),
            text: "the ports of a node and whether it is valid follow from its settings now; \
                   `outputPorts` and `validationStatus` are kept under `legacy`"
                .to_owned(),
        });
    }
}

/// Flows that lie inside the document are other workflows here.
fn embedded_flows(keep: &Map<String, Value>, sink: &mut Sink) {
    for key in ["subAgentFlows", "flows"] {
        let flows = keep
            .get(key)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        for (index, flow) in flows.iter().enumerate() {
            let Some(id) = flow.get("id").and_then(Value::as_str) else {
                continue;
            };
            let place = Place::default().inside(key).inside(&index.to_string());
            let text = format!("the flow `{id}` lies inside this document");
            let help = format!("save it as a workflow of its own with the id `{id}`");
            sink.push(place.warning(codes::EMBEDDED_FLOW, text).help(help));
        }
    }
}
