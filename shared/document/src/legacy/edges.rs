//! Carries the edges over: ids, ends and ports.

use crate::document::{Edge, PORT_IN, PORT_OUT, id_is_legal};
use crate::fields::{Place, illegal_id};
use crate::legacy::ids::{Given, Ids, legal};
use crate::legacy::old::{Layout, OldDocument, OldEdge};
use crate::legacy::ports::Ports;
use crate::legacy::work::left_over;
use crate::problem::{Change, Sink};
use lattice_model::NodeId;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The edges of today, and by edge id what was in the older ones and has no place in them.
pub(crate) fn convert(
    old: &OldDocument,
    ids: &Ids,
    ports: &[Ports],
    layout: &Layout,
    sink: &mut Sink,
) -> (Vec<Edge>, Map<String, Value>) {
    let mut given = Given::default();
    let mut order: BTreeMap<&str, usize> = BTreeMap::new();
    let mut kept = Map::new();
    let mut edges = Vec::with_capacity(old.edges.len());
    for (index, edge) in old.edges.iter().enumerate() {
        let pointer = format!("/{}/{index}", layout.edges);
        let order = order.entry(edge.from.as_str()).or_default();
        let from_ports = ids.place(&edge.from).and_then(|place| ports.get(place));
        let from_port = from_ports
            .unwrap_or(&Ports::AsDrawn)
            .leave(edge.from_port.as_deref(), *order);
        *order += 1;
        let new = Edge {
            id: given.make_legal(&edge.id, "edge"),
            from: node(ids, &edge.from, &pointer, layout.from, sink),
            to: node(ids, &edge.to, &pointer, layout.to, sink),
            from_port: legal(&from_port, PORT_OUT),
            to_port: legal(&Ports::arrive(edge.to_port.as_deref()), PORT_IN),
        };
        let keep = keep(edge, &new);
        if !keep.is_empty() {
            kept.insert(new.id.clone(), Value::Object(keep));
        }
        let place = format!("the edge `{}`", new.id);
        if let Some(text) = left_over(edge.keep.keys(), &place) {
            let node = Some(new.from.clone());
            sink.change(Change {
                node,
                pointer: pointer.clone(),
                text,
            });
        }
        note(edge, &new, pointer, sink);
        edges.push(new);
    }
    (edges, kept)
}

/// The node of today. An end that names no node stays as it was, and the compiler reports it; if
/// no node could have that id, it is a problem here.
fn node(ids: &Ids, old: &str, pointer: &str, end: &str, sink: &mut Sink) -> NodeId {
    if let Some(node) = ids.node(old) {
        return node.clone();
    }
    if !id_is_legal(old) {
        let place = Place {
            node: None,
            pointer: pointer.to_owned(),
        };
        sink.push(illegal_id(&place.inside(end), old));
    }
    NodeId::new(old)
}

/// What the edge of today does not say.
fn keep(old: &OldEdge, new: &Edge) -> Map<String, Value> {
    let mut keep = old.keep.clone();
    let mut put = |key: &str, old: Option<&str>, same: bool| {
        if let Some(old) = old.filter(|_| !same) {
            keep.insert(key.to_owned(), Value::from(old));
        }
    };
    put("id", Some(&old.id), old.id == new.id);
    put(
        "from",
        Some(&old.from),
        old.from == new.from.as_str() || old.from.is_empty(),
    );
    put(
        "to",
        Some(&old.to),
        old.to == new.to.as_str() || old.to.is_empty(),
    );
    let port = |old: &Option<String>| old.clone().unwrap_or_default();
    let plain = |port: &str| Ports::One.leave(Some(port), 0);
    let (from, to) = (port(&old.from_port), port(&old.to_port));
    let is_plain = matches!(from.as_str(), "" | "output") && new.from_port == plain(&from);
    put(
        "fromPort",
        old.from_port.as_deref(),
        from == new.from_port || is_plain,
    );
    let is_plain = matches!(to.as_str(), "" | "input") && new.to_port == PORT_IN;
    put(
        "toPort",
        old.to_port.as_deref(),
        to == new.to_port || is_plain,
    );
    keep
}

fn note(old: &OldEdge, new: &Edge, pointer: String, sink: &mut Sink) {
    let mut say = |text: String| {
        sink.change(Change {
            node: Some(new.from.clone()),
            pointer: pointer.clone(),
            text,
        });
    };
    if old.id != new.id {
        say(format!(
            "the edge id `{}` is now `{}`",
            old.id.escape_debug(),
            new.id
        ));
    }
    let from = old.from_port.as_deref().unwrap_or_default();
    let plain = matches!(from, "" | "out" | "output" | "source") && new.from_port == PORT_OUT;
    if from == new.from_port || plain {
        return;
    }
    say(match from {
        "" => format!(
            "the edge `{}` leaves from port `{}` now",
            new.id, new.from_port
        ),
        old => format!(
            "port `{}` of edge `{}` is now `{}`",
            old.escape_debug(),
            new.id,
            new.from_port
        ),
    });
}
