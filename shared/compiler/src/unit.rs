//! What the passes look at: the document, its nodes with their settings read, and the graph.

use crate::branching::Branching;
use crate::flows::Flows;
use crate::graph::{Graph, Link, Walk};
use crate::passes::open;
use crate::pointers::Pointers;
use crate::problems::Problems;
use crate::suggest::Suggest;
use lattice_document::{Document, Node};
use lattice_nodes::{Opened, PORT_EACH, Port, Read, Write, find};
use std::collections::BTreeSet;

/// One compilation.
pub(crate) struct Unit<'d> {
    pub document: &'d Document,
    pub pointers: Pointers,
    /// One for each node of the document, in its order.
    pub slots: Vec<Slot>,
    pub graph: Graph<'d>,
    pub walk: Walk,
    pub branching: Branching,
    /// The nodes of type `start`.
    pub starts: Vec<usize>,
    /// Every node that a run can begin at: the starts, then the triggers.
    pub entries: Vec<usize>,
    /// The nodes of type `end`.
    pub ends: Vec<usize>,
    /// The variables that are declared, or set by some node.
    pub variables: BTreeSet<String>,
    pub suggest: Suggest,
    /// The stored workflows that it may call.
    pub flows: &'d Flows,
}

/// A node with its settings read.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// `None` if the type is not supported or the settings say too little.
    pub opened: Option<Opened>,
    /// Everything that the settings refer to.
    pub reads: Vec<Read>,
}

impl<'d> Unit<'d> {
    /// Reads the settings of every node and builds the graph.
    pub fn open(document: &'d Document, flows: &'d Flows, problems: &mut Problems) -> Self {
        let slots = open::open_all(document, problems);
        let graph = Graph::build(document, &slots);
        let of_kind = |kind: &str| -> Vec<usize> {
            let nodes = document.nodes.iter().enumerate();
            nodes
                .filter(|(_, node)| node.kind == kind)
                .map(|(index, _)| index)
                .collect()
        };
        let starts = of_kind("start");
        let sets = slots
            .iter()
            .filter_map(|slot| match &slot.opened.as_ref()?.writes {
                Some(Write::Set(name)) => Some(name.clone()),
                _ => None,
            });
        let variables = sets
            .chain(document.settings.variables.keys().cloned())
            .collect();
        let begins = |index: &usize| {
            let node = document.nodes.get(*index);
            node.and_then(|node| find(&node.kind))
                .is_some_and(|kind| kind.begins_runs())
        };
        let triggers = (0..document.nodes.len())
            .filter(begins)
            .filter(|index| !starts.contains(index));
        let entries: Vec<usize> = starts.iter().copied().chain(triggers).collect();
        let walk = Walk::new(&graph, &entries, &|_| true);
        let branching = Branching::new(document, &slots, &graph, &walk);
        Self {
            document,
            pointers: problems.pointers,
            slots,
            graph,
            walk,
            branching,
            starts,
            entries,
            ends: of_kind("end"),
            variables,
            suggest: Suggest::default(),
            flows,
        }
    }

    pub fn node(&self, index: usize) -> Option<&'d Node> {
        self.document.nodes.get(index)
    }

    /// The id of a node.
    pub fn id(&self, index: usize) -> &'d str {
        self.node(index).map_or("", |node| node.id.as_str())
    }

    /// Whether something is drawn that is done with each item of a map.
    pub fn has_drawn_body(&self, map: usize) -> bool {
        let links = self.graph.links_out(map);
        let mut edges = links.filter_map(|link| self.document.edges.get(link.edge));
        edges.any(|edge| edge.from_port == PORT_EACH)
    }

    /// Whether a link leads back to a map where the item would be over without it.
    pub fn is_end_of_item(&self, link: &Link) -> bool {
        let edge = self.document.edges.get(link.edge);
        let Some((edge, opened)) = edge.zip(self.opened(link.from)) else {
            return false;
        };
        let mut ports = opened.ports.iter().filter(|it| it.name == edge.from_port);
        let is_way = |port: &Port| match link.from == link.to {
            true => port.name == PORT_EACH,
            false => port.required,
        };
        self.branching.leads_back(link) && ports.any(is_way)
    }

    pub fn opened(&self, index: usize) -> Option<&Opened> {
        self.slots.get(index).and_then(|slot| slot.opened.as_ref())
    }

    /// The nodes that a run can begin at, the start first; `None` if there are several starts or
    /// nothing to begin at.
    pub fn begins(&self) -> Option<&[usize]> {
        let is_clear = self.starts.len() <= 1 && !self.entries.is_empty();
        is_clear.then_some(self.entries.as_slice())
    }

    /// The triggers.
    pub fn triggers(&self) -> &[usize] {
        self.entries.get(self.starts.len()..).unwrap_or_default()
    }

    /// Whether a run can come to the node. Where a run can begin nowhere, every node is taken
    /// to be reached, so that the other checks say what they can.
    pub fn is_reached(&self, index: usize) -> bool {
        self.entries.is_empty() || self.walk.reached.get(index).copied().unwrap_or(false)
    }

    /// The ids of nodes as a path, cut where it gets long.
    pub fn path_text(&self, nodes: &[usize]) -> String {
        let max = lattice_model::limits::PROBLEM_NAMES_MAX;
        let names = nodes.iter().map(|index| format!("`{}`", self.id(*index)));
        if nodes.len() <= max {
            return names.collect::<Vec<_>>().join(" -> ");
        }
        let more = nodes.len() - max;
        let first: Vec<_> = names.clone().take(max - 1).collect();
        let last = names.last().unwrap_or_default();
        format!("{} -> ({more} more) -> {last}", first.join(" -> "))
    }
}
