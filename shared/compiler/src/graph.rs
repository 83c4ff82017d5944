//! The document as a graph: nodes by their place, links for the edges that make sense, and one walk
//! over them that finds the order, what is reached and the ways back.

use crate::unit::Slot;
use lattice_document::{Document, PORT_ERROR};
use lattice_nodes::Carries;
use std::collections::BTreeMap;

/// An edge between two nodes that exist, into a node that takes edges.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// The place of the edge in the document.
    pub edge: usize,
    pub from: usize,
    pub to: usize,
    /// What the output of `from` is on this way.
    pub carries: Carries,
}

/// The links, from both ends.
#[derive(Debug)]
pub(crate) struct Graph<'d> {
    index: BTreeMap<&'d str, usize>,
    pub links: Vec<Link>,
    out: Vec<Vec<usize>>,
    into: Vec<Vec<usize>>,
}

impl<'d> Graph<'d> {
    /// An edge with an unknown port still links its nodes, so that one mistake is reported once.
    pub fn build(document: &'d Document, slots: &[Slot]) -> Self {
        let count = document.nodes.len();
        let mut index = BTreeMap::new();
        for (place, node) in document.nodes.iter().enumerate() {
            index.entry(node.id.as_str()).or_insert(place);
        }
        let mut graph = Self {
            index,
            links: Vec::with_capacity(document.edges.len()),
            out: vec![Vec::new(); count],
            into: vec![Vec::new(); count],
        };
        for (edge, drawn) in document.edges.iter().enumerate() {
            let ends = (
                graph.find(drawn.from.as_str()),
                graph.find(drawn.to.as_str()),
            );
            if let (Some(from), Some(to)) = ends {
                let opened = |place: usize| slots.get(place).and_then(|slot| slot.opened.as_ref());
                if opened(to).is_none_or(|node| node.takes_edges) {
                    let ports = opened(from).map_or(&[][..], |node| &node.ports);
                    let port = ports.iter().find(|port| port.name == drawn.from_port);
                    let carries =
                        port.map_or(carries_by_name(&drawn.from_port), |port| port.carries);
                    graph.link(Link {
                        edge,
                        from,
                        to,
                        carries,
                    });
                }
            }
        }
        graph
    }

    fn link(&mut self, link: Link) {
        let place = self.links.len();
        self.links.push(link);
        if let Some(out) = self.out.get_mut(link.from) {
            out.push(place);
        }
        if let Some(into) = self.into.get_mut(link.to) {
            into.push(place);
        }
    }

    /// The place of a node; the first one, if two have the id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.index.get(id).copied()
    }

    /// Every id, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &'d str> {
        self.index.keys().copied()
    }

    /// The places of the links out of a node.
    pub fn out_places(&self, node: usize) -> &[usize] {
        self.out.get(node).map_or(&[], Vec::as_slice)
    }

    /// The links out of a node.
    pub fn links_out(&self, node: usize) -> impl Iterator<Item = &Link> {
        self.out_places(node)
            .iter()
            .filter_map(|place| self.links.get(*place))
    }

    /// The links into a node, with their places.
    pub fn links_into(&self, node: usize) -> impl Iterator<Item = (usize, &Link)> {
        let places = self.into.get(node).map_or(&[][..], Vec::as_slice);
        places
            .iter()
            .filter_map(|place| Some((*place, self.links.get(*place)?)))
    }
}

fn carries_by_name(port: &str) -> Carries {
    match port {
        PORT_ERROR => Carries::Error,
        _ => Carries::Output,
    }
}

/// A way back: the link that closes it and the nodes it goes round, in order.
#[derive(Debug)]
pub(crate) struct Cycle {
    pub link: usize,
    pub nodes: Vec<usize>,
    /// How many nodes go on behind `nodes` before the circle closes.
    pub more: usize,
}

/// What one depth-first walk over the graph found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Whether a path from a start or a trigger leads to the node.
    pub reached: Vec<bool>,
    /// The reached nodes, each one behind all that lead to it (ways back left out).
    pub order: Vec<usize>,
    /// Whether the link is a way back.
    pub is_back: Vec<bool>,
    /// Every way back.
    pub cycles: Vec<Cycle>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    /// On the path that is being walked, at this place.
    Open(usize),
    Done,
}

struct Walker<'g, 'd> {
    graph: &'g Graph<'d>,
    goes: &'g dyn Fn(&Link) -> bool,
    marks: Vec<Mark>,
    /// The nodes on the path, each with the number of its links that were taken.
    path: Vec<(usize, usize)>,
    finished: Vec<usize>,
    walk: Walk,
}

impl Walk {
    /// Walks from the starts, and then from every node that was not met, for its cycles; along the
    /// links that `goes` lets through.
    pub fn new(graph: &Graph<'_>, starts: &[usize], goes: &dyn Fn(&Link) -> bool) -> Self {
        let count = graph.out.len();
        let mut walker = Walker {
            graph,
            goes,
            marks: vec![Mark::New; count],
            path: Vec::new(),
            finished: Vec::new(),
            walk: Self {
                is_back: vec![false; graph.links.len()],
                ..Self::default()
            },
        };
        // The last one first: what follows the first one then stands first in the order.
        for start in starts.iter().rev() {
            walker.visit(*start);
        }
        let mut order = std::mem::take(&mut walker.finished);
        order.reverse();
        let reached = walker
            .marks
            .iter()
            .map(|mark| *mark == Mark::Done)
            .collect();
        for node in 0..count {
            walker.visit(node);
        }
        Self {
            reached,
            order,
            ..walker.walk
        }
    }
}

impl Walker<'_, '_> {
    fn visit(&mut self, root: usize) {
        self.enter(root);
        while let Some((node, taken)) = self.path.last_mut() {
            // The last way first: what follows the first way then stands first in the order.
            let places = self.graph.out_places(*node).iter().rev();
            let (node, place) = (*node, places.copied().nth(*taken));
            *taken += 1;
            match place {
                Some(place) => self.follow(place),
                None => self.leave(node),
            }
        }
    }

    fn enter(&mut self, node: usize) {
        if self.marks.get(node) == Some(&Mark::New) {
            self.set(node, Mark::Open(self.path.len()));
            self.path.push((node, 0));
        }
    }

    fn leave(&mut self, node: usize) {
        self.path.pop();
        self.set(node, Mark::Done);
        self.finished.push(node);
    }

    fn follow(&mut self, place: usize) {
        let Some(link) = self.graph.links.get(place).filter(|link| (self.goes)(link)) else {
            return;
        };
        match self.marks.get(link.to) {
            Some(Mark::New) => self.enter(link.to),
            Some(Mark::Open(at)) => self.close(place, *at),
            Some(Mark::Done) | None => {}
        }
    }

    /// Notes the circle from the place `at` of the path to its end.
    fn close(&mut self, link: usize, at: usize) {
        if let Some(is_back) = self.walk.is_back.get_mut(link) {
            *is_back = true;
        }
        let round = self.path.get(at..).unwrap_or_default();
        let nodes: Vec<_> = round
            .iter()
            .take(lattice_model::limits::PROBLEM_NAMES_MAX)
            .map(|(node, _)| *node)
            .collect();
        let more = round.len() - nodes.len();
        self.walk.cycles.push(Cycle { link, nodes, more });
    }

    fn set(&mut self, node: usize, mark: Mark) {
        if let Some(slot) = self.marks.get_mut(node) {
            *slot = mark;
        }
    }
}
