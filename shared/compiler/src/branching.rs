//! Which nodes stand in which branch of which split, and where branches meet again.
//!
//! A split has no drawn join: its branches are over at the first node at which all of them meet, and
//! that node runs once, behind the join. One pass along the order of the walk finds it: a node whose
//! ways come out of different branches has to be where all branches of the innermost split meet.
//!
//! The body of a map counts as a branch that meets nothing: a way that leads nowhere ends the item.

use crate::graph::{Graph, Walk};
use crate::unit::Slot;
use lattice_document::{Document, branch_of_port};
use lattice_ir::loops::rings;
use lattice_model::limits;
use lattice_nodes::{PORT_EACH, Split};
use std::collections::{BTreeMap, BTreeSet};

/// The branches around a node, the outermost first: a split, and a place among its branches.
pub(crate) type Around = Vec<(usize, usize)>;

/// Branches that do not meet as they should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Only some branches of the split lead to the node.
    Half {
        split: usize,
        node: usize,
        branches: Vec<usize>,
    },
    /// The branches of the split meet at a second node.
    Twice {
        split: usize,
        first: usize,
        node: usize,
    },
    /// The run would end inside a branch.
    End { split: usize, end: usize },
    /// A way back leads around the split, or into one of its branches or out of it.
    Loop { split: usize, link: usize },
    /// Too many stages can be open at once, or splits stand too deep in each other.
    Many { split: usize, open: usize },
    /// A node is reached from the body of the map and from elsewhere.
    Leak { map: usize, node: usize },
    /// A map stands in the body of another one.
    Nested { outer: usize, map: usize },
}

/// What is known of the branches of a document.
#[derive(Debug, Default)]
pub(crate) struct Branching {
    /// For each node that is reached, the branches around it.
    around: Vec<Option<Around>>,
    /// For a link into a join: the innermost and the outermost split that it leaves.
    left: BTreeMap<usize, (usize, usize)>,
    /// Where the branches of a split meet, and the split around it that meets there too.
    meets: BTreeMap<usize, (usize, Option<usize>)>,
    /// How many stages one item of a map can have open.
    bodies: BTreeMap<usize, usize>,
    pub faults: Vec<Fault>,
}

/// Ways that come to a node out of the same branches.
struct Arrival {
    around: Around,
    links: Vec<usize>,
    /// The split whose join this is, if it is one.
    joined: Option<usize>,
}

impl Branching {
    pub fn new(document: &Document, slots: &[Slot], graph: &Graph<'_>, walk: &Walk) -> Self {
        let mut finder = Finder {
            document,
            slots,
            graph,
            walk,
            found: Self {
                around: vec![None; slots.len()],
                ..Self::default()
            },
        };
        for node in &walk.order {
            finder.come(*node);
        }
        finder.go_round();
        finder.measure();
        finder.found
    }

    /// The branches around a node.
    pub fn around(&self, node: usize) -> &[(usize, usize)] {
        let around = self.around.get(node).and_then(Option::as_ref);
        around.map_or(&[], Vec::as_slice)
    }

    /// The split whose join a link leads to first.
    pub fn joins(&self, link: usize) -> Option<usize> {
        self.left.get(&link).map(|(inner, _)| *inner)
    }

    /// The outermost split that a link leaves: behind it, the link's node is as if the split itself
    /// led to it.
    pub fn leaves(&self, link: usize) -> Option<usize> {
        self.left.get(&link).map(|(_, outer)| *outer)
    }

    /// Where the branches of a split meet: a node, and the split around it whose branches meet there
    /// too, if one does.
    pub fn meeting(&self, split: usize) -> Option<(usize, Option<usize>)> {
        self.meets.get(&split).copied()
    }

    /// Whether a way out of the node that leads nowhere ends an item: the map whose body it stands
    /// in, in no branch of it.
    pub fn ends_item(&self, node: usize) -> Option<usize> {
        let (inner, _) = self.around(node).last()?;
        self.bodies.contains_key(inner).then_some(*inner)
    }

    /// The map in whose body a node stands.
    pub fn map_around(&self, node: usize) -> Option<usize> {
        let mut around = self.around(node).iter().map(|(of, _)| *of);
        around.find(|of| self.bodies.contains_key(of))
    }

    /// How many items of a map can be under way at once.
    pub fn items_at_once(&self, map: usize) -> u32 {
        let width = self.bodies.get(&map).copied().unwrap_or(1).max(1);
        items_at_once(width) as u32
    }

    /// The place of a node among the branches of a split.
    pub fn branch_in(&self, split: usize, node: usize) -> Option<usize> {
        let mut around = self.around(node).iter();
        around.find(|(of, _)| *of == split).map(|(_, place)| *place)
    }
}

impl Branching {
    /// The outermost split in one of whose branches `node` stands and `reader` does not.
    pub fn hides(&self, node: usize, reader: usize) -> Option<usize> {
        let (of_node, of_reader) = (self.around(node), self.around(reader));
        let mut places = of_node
            .iter()
            .zip(of_reader.iter().map(Some).chain(std::iter::repeat(None)));
        let hidden = places.find(|(own, other)| Some(*own) != *other);
        hidden.map(|((split, _), _)| *split)
    }
}

/// So many items that they have no more stages open than the widest split.
fn items_at_once(width: usize) -> usize {
    (limits::MAP_INLINE_ITEMS_MAX as usize / width).max(1)
}

struct Finder<'u, 'd> {
    document: &'u Document,
    slots: &'u [Slot],
    graph: &'u Graph<'d>,
    walk: &'u Walk,
    found: Branching,
}

impl Finder<'_, '_> {
    fn split(&self, node: usize) -> Option<&Split> {
        self.slots.get(node)?.opened.as_ref()?.split.as_ref()
    }

    /// The batches that a map has under way at once, if the node is one.
    fn map(&self, node: usize) -> Option<usize> {
        self.slots.get(node)?.opened.as_ref()?.map
    }

    fn encloses(&self, node: usize) -> bool {
        self.split(node).is_some() || self.map(node).is_some()
    }

    fn is_end(&self, node: usize) -> bool {
        let node = self.document.nodes.get(node);
        node.is_some_and(|node| node.kind == "end")
    }

    fn come(&mut self, node: usize) {
        let mut arrivals: Vec<Arrival> = Vec::new();
        for (place, link) in self.graph.links_into(node) {
            let before = self.found.around.get(link.from).cloned().flatten();
            let (Some(mut around), Some(false)) = (before, self.walk.is_back.get(place)) else {
                continue;
            };
            if let Some(split) = self.split(link.from) {
                let edge = self.document.edges.get(link.edge);
                let port = edge.and_then(|edge| branch_of_port(&edge.from_port));
                around.extend(
                    port.filter(|it| *it < split.branches)
                        .map(|it| (link.from, it)),
                );
            }
            let edge = self.document.edges.get(link.edge);
            if self.map(link.from).is_some() && edge.is_some_and(|it| it.from_port == PORT_EACH) {
                around.push((link.from, 0));
            }
            match arrivals.iter_mut().find(|known| known.around == around) {
                Some(known) => known.links.push(place),
                None => arrivals.push(Arrival {
                    around,
                    links: vec![place],
                    joined: None,
                }),
            }
        }
        let around = self.meet(node, arrivals);
        if let Some((split, _)) = around.last().filter(|_| self.is_end(node)) {
            let (split, end) = (*split, node);
            self.found.faults.push(Fault::End { split, end });
        }
        self.nest(node, &around);
        if let Some(slot) = self.found.around.get_mut(node) {
            *slot = Some(around);
        }
    }

    /// Notes a map, and the one in whose body it stands.
    fn nest(&mut self, node: usize, around: &Around) {
        if self.map(node).is_none() {
            return;
        }
        self.found.bodies.insert(node, 1);
        let mut outside = around.iter().map(|(of, _)| *of);
        if let Some(outer) = outside.find(|of| self.map(*of).is_some()) {
            self.found.faults.push(Fault::Nested { outer, map: node });
        }
    }

    /// Joins the innermost splits until all ways stand in the same branches.
    fn meet(&mut self, node: usize, mut arrivals: Vec<Arrival>) -> Around {
        while arrivals.len() > 1 {
            arrivals.sort_by_key(|arrival| arrival.around.len());
            let deepest = arrivals.last().map(|arrival| arrival.around.clone());
            let Some((split, outer)) = deepest
                .as_ref()
                .and_then(|around| around.split_last())
                .map(|((split, _), outer)| (*split, outer.to_vec()))
            else {
                break;
            };
            let is_of = |arrival: &Arrival| {
                let last = arrival.around.split_last();
                last.is_some_and(|((of, _), rest)| *of == split && rest == outer)
            };
            let (group, rest): (Vec<_>, Vec<_>) = arrivals.into_iter().partition(is_of);
            arrivals = rest;
            self.join(node, split, &group);
            let links = group
                .iter()
                .flat_map(|arrival| arrival.links.iter().copied());
            let joined = Arrival {
                links: links.collect(),
                around: outer,
                joined: Some(split),
            };
            match arrivals
                .iter_mut()
                .find(|known| known.around == joined.around)
            {
                Some(known) => {
                    known.links.extend(joined.links);
                    known.joined = known.joined.or(joined.joined);
                }
                None => arrivals.push(joined),
            }
        }
        let only = arrivals.pop();
        only.map(|arrival| arrival.around).unwrap_or_default()
    }

    /// Notes that the branches of a split meet at a node.
    fn join(&mut self, node: usize, split: usize, group: &[Arrival]) {
        if self.map(split).is_some() {
            return self.found.faults.push(Fault::Leak { map: split, node });
        }
        let places = group.iter().filter_map(|it| it.around.last());
        let met: BTreeSet<usize> = places.map(|(_, place)| *place).collect();
        if let Some((first, _)) = self.found.meets.get(&split) {
            let (first, split) = (*first, split);
            return self.found.faults.push(Fault::Twice { split, first, node });
        }
        if self.split(split).is_some_and(|it| met.len() < it.branches) {
            let branches = met.into_iter().collect();
            let fault = Fault::Half {
                split,
                node,
                branches,
            };
            return self.found.faults.push(fault);
        }
        self.found.meets.insert(split, (node, None));
        for arrival in group {
            if let Some(inner) = arrival.joined
                && let Some((_, outer)) = self.found.meets.get_mut(&inner)
            {
                *outer = Some(split);
            }
            for link in &arrival.links {
                let left = self.found.left.entry(*link).or_insert((split, split));
                left.1 = split;
            }
        }
    }

    /// Ways back stay among the nodes of one branch, and no split stands on one.
    fn go_round(&mut self) {
        if self.walk.cycles.is_empty() {
            return;
        }
        let targets = |from: usize| self.graph.links_out(from).map(|link| link.to).collect();
        let on_ring = rings(self.slots.len(), targets);
        for cycle in &self.walk.cycles {
            let Some(link) = self.graph.links.get(cycle.link) else {
                continue;
            };
            let on_way = cycle.nodes.iter().copied();
            let split = on_way.chain([link.from]).find(|node| self.encloses(*node));
            let (from, to) = (self.found.around(link.from), self.found.around(link.to));
            let other = from.iter().zip(to).find(|(from, to)| from != to);
            let longer = from.get(to.len()..).or_else(|| to.get(from.len()..));
            let crossed = other.map(|(from, _)| from);
            let crossed = crossed.or_else(|| longer.and_then(<[_]>::first));
            if let Some(split) = split.or_else(|| crossed.map(|(split, _)| *split)) {
                let link = cycle.link;
                self.found.faults.push(Fault::Loop { split, link });
            }
        }
        // What the paths above did not show: a way back that is closed by a detour.
        let is_told = |split: usize| {
            let mut faults = self.found.faults.iter();
            faults.any(|fault| matches!(fault, Fault::Loop { split: told, .. } if *told == split))
        };
        let splits = self.walk.order.iter().copied();
        let hidden = splits
            .filter(|it| self.encloses(*it) && on_ring.get(*it) == Some(&true) && !is_told(*it));
        let link = self.walk.cycles.first().map_or(0, |cycle| cycle.link);
        let hidden: Vec<_> = hidden.map(|split| Fault::Loop { split, link }).collect();
        self.found.faults.extend(hidden);
    }

    /// How many stages can be open at once, the innermost splits first.
    fn measure(&mut self) {
        let mut widths: BTreeMap<Around, usize> = BTreeMap::new();
        let nodes = self.walk.order.iter();
        let splits = nodes.copied().filter(|node| self.encloses(*node));
        let mut splits: Vec<_> = splits.collect();
        let depth = |node: usize| self.found.around(node).len();
        splits.sort_by_key(|node| std::cmp::Reverse(depth(*node)));
        let mut faults = Vec::new();
        for split in splits {
            let around = self.found.around(split).to_vec();
            let inside = |place: usize| {
                let mut branch = around.clone();
                branch.push((split, place));
                widths.get(&branch).copied().unwrap_or(1)
            };
            let open = 1 + match (self.split(split), self.map(split)) {
                (Some(split), _) => (0..split.branches).map(inside).sum(),
                (None, batches) => {
                    let width = inside(0);
                    self.found.bodies.insert(split, width);
                    (items_at_once(width) * width).max(batches.unwrap_or(1))
                }
            };
            let is_deep = around.len() >= limits::SPLIT_DEPTH_MAX;
            let is_wide = around.is_empty() && open > limits::OPEN_STAGES_MAX;
            if is_deep || is_wide {
                faults.push(Fault::Many { split, open });
            }
            let widest = widths.entry(around).or_insert(1);
            *widest = open.max(*widest);
        }
        self.found.faults.extend(faults);
    }
}
