//! Makes the ids of an older document legal, and finds a node by the id it had.

use crate::document::{PORT_TIMEOUT, id_is_legal};
use crate::fields::Place;
use crate::legacy::old::OldDocument;
use crate::problem::{Change, Sink};
use crate::read::report_duplicate;
use lattice_model::NodeId;
use lattice_model::limits::ID_CHARS_MAX;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The ids of the nodes: by place, by the id they had, and who comes before whom.
pub(crate) struct Ids {
    pub nodes: Vec<NodeId>,
    places: BTreeMap<String, usize>,
    previous: BTreeMap<String, BTreeSet<String>>,
    /// The nodes with an edge for when their time is up.
    with_timeout: BTreeSet<String>,
    /// The entries, which give no output of their own: what they gave is a part of `in` now.
    entries: BTreeMap<String, &'static [&'static str]>,
}

impl Ids {
    /// The node that had this id.
    pub fn node(&self, old: &str) -> Option<&NodeId> {
        self.nodes.get(self.place(old)?)
    }

    /// The part of `in` that the node gives that had this id, if it is an entry.
    pub fn gives(&self, old: &str) -> Option<&'static [&'static str]> {
        self.entries.get(old).copied()
    }

    /// The place of the node that had this id.
    pub fn place(&self, old: &str) -> Option<usize> {
        self.places.get(old).copied()
    }

    /// Whether an edge says where to go on when the time of the node that had this id is up.
    pub fn has_timeout_edge(&self, old: &str) -> bool {
        self.with_timeout.contains(old)
    }

    /// The node before the one that had this id, if there is exactly one and it gives something.
    pub fn only_previous(&self, old: &str) -> Option<&NodeId> {
        let before = self.previous.get(old)?;
        let first = before.first().filter(|_| before.len() == 1)?;
        if self.entries.contains_key(first) {
            return None;
        }
        self.node(first)
    }
}

/// The part of `in` that an entry gives: of a webhook that is its body.
fn gives(kind: &str) -> Option<&'static [&'static str]> {
    match kind {
        "start" | "scheduleTrigger" => Some(&[]),
        "webhookTrigger" => Some(&["body"]),
        _ => None,
    }
}

/// Makes the ids of the workflow, its nodes and its edges legal; an id that is changed is kept.
pub(crate) fn legalise(old: &mut OldDocument, sink: &mut Sink) -> Ids {
    let mut given = Given::default();
    let id = given.make_legal(&old.id, "workflow");
    if id != old.id {
        sink.change(renamed(None, "/id", "workflow", &old.id, &id));
        old.keep.insert(
            "id".to_owned(),
            Value::from(std::mem::replace(&mut old.id, id)),
        );
    }
    let mut ids = Ids {
        nodes: Vec::new(),
        places: BTreeMap::new(),
        previous: BTreeMap::new(),
        with_timeout: BTreeSet::new(),
        entries: old
            .nodes
            .iter()
            .filter_map(|node| Some((node.id.clone(), gives(&node.kind)?)))
            .collect(),
    };
    // Legal ids are given first, so that no made-up id takes one away.
    let legal = old.nodes.iter().filter(|node| id_is_legal(&node.id));
    let legal: BTreeSet<String> = legal.map(|node| node.id.clone()).collect();
    let mut given = Given {
        ids: legal.clone(),
        number: 1,
    };
    let mut seen = BTreeMap::new();
    for (place, node) in old.nodes.iter_mut().enumerate() {
        let at = Place::default().inside("nodes").inside(&place.to_string());
        report_duplicate("node", &node.id, place, &at, &mut seen, sink);
        let id = match legal.contains(&node.id) {
            true => node.id.clone(),
            false => given.make_legal(&node.id, "node"),
        };
        ids.places.entry(node.id.clone()).or_insert(place);
        ids.nodes.push(NodeId::new(id.clone()));
        if id != node.id {
            let pointer = at.inside("id").pointer;
            sink.change(renamed(ids.nodes.last(), &pointer, "node", &node.id, &id));
            node.keep
                .insert("id".to_owned(), Value::from(node.id.clone()));
        }
    }
    for edge in &old.edges {
        ids.previous
            .entry(edge.to.clone())
            .or_default()
            .insert(edge.from.clone());
        if edge.from_port.as_deref() == Some(PORT_TIMEOUT) {
            ids.with_timeout.insert(edge.from.clone());
        }
    }
    ids
}

/// The ids that are given already.
pub(crate) struct Given {
    ids: BTreeSet<String>,
    /// Only rises, so that many equal ids take no longer than many different ones.
    number: usize,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            ids: BTreeSet::new(),
            number: 1,
        }
    }
}

impl Given {
    /// A legal id that is like the old one and that is not given yet.
    pub fn make_legal(&mut self, old: &str, otherwise: &str) -> String {
        let id = legal(old, otherwise);
        let mut free = id.clone();
        while self.ids.contains(&free) {
            self.number += 1;
            let tail = format!("-{}", self.number);
            let head: String = id.chars().take(ID_CHARS_MAX - tail.len()).collect();
            free = head + &tail;
        }
        self.ids.insert(free.clone());
        free
    }
}

/// A legal id that is like the old one.
pub(crate) fn legal(old: &str, otherwise: &str) -> String {
    let legal = |sign: char| match sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.') {
        true => sign,
        false => '-',
    };
    let id: String = old.trim().chars().map(legal).take(ID_CHARS_MAX).collect();
    match id_is_legal(old) || id.contains(|sign: char| sign.is_ascii_alphanumeric()) {
        true => id,
        false => otherwise.to_owned(),
    }
}

fn renamed(node: Option<&NodeId>, pointer: &str, what: &str, old: &str, new: &str) -> Change {
    Change {
        node: node.cloned(),
        pointer: pointer.to_owned(),
        text: format!("the {what} id `{}` is now `{new}`", old.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_ids_are_legal_and_differ() {
        let mut given = Given::default();
        for old in [
            "my node",
            "my-node",
            "my/node",
            "",
            "  ",
            "é",
            &"x ".repeat(200),
            &"x-".repeat(200),
        ] {
            let before = given.ids.len();
            let id = given.make_legal(old, "node");
            assert!(id_is_legal(&id), "{old} became {id}");
            assert_eq!(given.ids.len(), before + 1);
        }
    }
}
