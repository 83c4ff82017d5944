//! What is certain on every path from where runs begin: which nodes have given an output, and which
//! variables are set.
//!
//! A node gives its output on some ways out and not on others (`error`, `timeout`), so such a node
//! is several vertices: itself, `any` behind every way that carries something, `output` and
//! `error`. A node is certain to have run before another one if it dominates it (Lengauer and
//! Tarjan's word: every path goes through it). Without ways back, vertices in topological order
//! have their immediate dominator at once: the nearest common ancestor of what leads to them. A way
//! back changes that only where a loop can be entered at several nodes; then the walk is repeated
//! with what it leads to kept below that ancestor, until nothing changes.
//! Where runs begin at several nodes, the first vertex belongs to none and leads to all of them.
//! Ancestors are found in logarithmic time by Myers' jump pointers ("An applicative random-access
//! stack", 1983).

use crate::graph::Link;
use crate::unit::Unit;
use lattice_nodes::Carries;
use std::collections::BTreeMap;

/// A vertex; its number rises along every path.
type Vertex = usize;

/// The owner of the vertex that every run begins at.
const NO_NODE: usize = usize::MAX;

/// The vertices of one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vertices {
    /// The node itself.
    pub node: Vertex,
    /// Every way on which its output is something.
    pub any: Vertex,
    /// Every way on which its output is what the node gives.
    pub output: Vertex,
    /// The ways on which it is an error.
    pub error: Option<Vertex>,
}

/// Which vertex dominates which.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    of_node: Vec<Option<Vertices>>,
    owner: Vec<usize>,
    into: Vec<Vec<Vertex>>,
    parent: Vec<Vertex>,
    jump: Vec<Vertex>,
    depth: Vec<usize>,
    /// For a node that a way back leads to around its dominators, which vertex is above it at most.
    bounds: BTreeMap<usize, Vertex>,
}

impl Flow {
    /// The flow from where runs begin; `None` if that is not clear.
    pub fn new(unit: &Unit<'_>) -> Option<Self> {
        unit.begins()?;
        let mut bounds = BTreeMap::new();
        loop {
            let mut flow = Self {
                of_node: vec![None; unit.document.nodes.len()],
                bounds,
                ..Self::default()
            };
            flow.add(NO_NODE, Vec::new(), None);
            for node in &unit.walk.order {
                flow.add_node(unit, *node);
            }
            if !flow.go_back(unit) {
                return Some(flow);
            }
            bounds = flow.bounds;
        }
    }

    /// Takes the ways back in; says whether one of them leads around what was thought to dominate.
    fn go_back(&mut self, unit: &Unit<'_>) -> bool {
        let mut has_changed = false;
        for cycle in &unit.walk.cycles {
            let Some(link) = unit.graph.links.get(cycle.link) else {
                continue;
            };
            let (Some(from), Some(to)) = (self.behind(link), self.vertices(link.to)) else {
                continue;
            };
            let parent = self.parent_of(to.node);
            let common = self.common(parent, from);
            if common != parent && !unit.entries.contains(&link.to) {
                let known = self.bounds.get(&link.to).copied();
                let bound = known.map_or(common, |known| self.common(known, common));
                self.bounds.insert(link.to, bound);
                has_changed = true;
            }
            if let Some(into) = self.into.get_mut(to.node) {
                into.push(from);
            }
        }
        has_changed
    }

    /// The vertex that a link comes from.
    fn behind(&self, link: &Link) -> Option<Vertex> {
        let from = self.vertices(link.from)?;
        Some(match link.carries {
            Carries::Output => from.output,
            Carries::Error => from.error.unwrap_or(from.any),
            Carries::Nothing => from.node,
        })
    }

    /// The vertices of a node that is reached.
    pub fn vertices(&self, node: usize) -> Option<Vertices> {
        self.of_node.get(node).copied().flatten()
    }

    /// Whether every path to `vertex` goes through `above`.
    pub fn dominates(&self, above: Vertex, vertex: Vertex) -> bool {
        self.ancestor(vertex, self.depth_of(above)) == above
    }

    /// The nodes of a path from where a run begins to `vertex` that does not go through `around`.
    pub fn path_around(&self, around: Vertex, vertex: Vertex) -> Vec<usize> {
        let mut next: Vec<Option<Vertex>> = vec![None; self.into.len()];
        let mut ready = vec![vertex];
        while let Some(at) = ready.pop() {
            if at == 0 {
                break;
            }
            for before in self.into.get(at).into_iter().flatten() {
                let is_known = *before == around || *before == vertex;
                let is_new = !is_known && next.get(*before).is_some_and(Option::is_none);
                if let (true, Some(slot)) = (is_new, next.get_mut(*before)) {
                    *slot = Some(at);
                    ready.push(*before);
                }
            }
        }
        let step = |at: &Vertex| next.get(*at).copied().flatten();
        let vertices = std::iter::successors(Some(0), step);
        let mut nodes: Vec<_> = vertices
            .filter_map(|at| self.owner.get(at).copied())
            .filter(|owner| *owner != NO_NODE)
            .collect();
        nodes.dedup();
        nodes
    }

    fn add_node(&mut self, unit: &Unit<'_>, node: usize) {
        let graph = &unit.graph;
        let is_way_on = |place: &usize| unit.walk.is_back.get(*place) == Some(&false);
        let into = graph.links_into(node).filter(|(place, _)| is_way_on(place));
        let into = into.filter_map(|(place, link)| {
            // Behind a join it is as if the split led here, with its own output.
            if let Some(split) = unit.branching.leaves(place) {
                return Some(self.of_node.get(split).copied().flatten()?.output);
            }
            self.behind(link)
        });
        let into = match unit.entries.contains(&node) {
            true => vec![0],
            false => into.collect(),
        };
        let bound = self.bounds.get(&node).copied();
        let own = self.add(node, into, bound);
        let has = |carries| graph.links_out(node).any(|link| link.carries == carries);
        let (error, nothing) = (has(Carries::Error), has(Carries::Nothing));
        let any = if nothing {
            self.add(node, vec![own], None)
        } else {
            own
        };
        let output = if error || nothing {
            self.add(node, vec![any], None)
        } else {
            any
        };
        let error = error.then(|| self.add(node, vec![any], None));
        if let Some(slot) = self.of_node.get_mut(node) {
            *slot = Some(Vertices {
                node: own,
                any,
                output,
                error,
            });
        }
    }

    fn add(&mut self, owner: usize, into: Vec<Vertex>, bound: Option<Vertex>) -> Vertex {
        let vertex = self.owner.len();
        let parent = into
            .iter()
            .copied()
            .chain(bound)
            .reduce(|one, other| self.common(one, other));
        let (parent, depth) = match parent {
            Some(parent) => (parent, self.depth_of(parent) + 1),
            None => (vertex, 0),
        };
        let above = self.jump_of(parent);
        let span = self.depth_of(parent).saturating_sub(self.depth_of(above));
        let next = self
            .depth_of(above)
            .saturating_sub(self.depth_of(self.jump_of(above)));
        let jump = if depth > 0 && span == next {
            self.jump_of(above)
        } else {
            parent
        };
        self.owner.push(owner);
        self.into.push(into);
        self.parent.push(parent);
        self.jump.push(jump);
        self.depth.push(depth);
        vertex
    }

    fn common(&self, one: Vertex, other: Vertex) -> Vertex {
        let depth = self.depth_of(one).min(self.depth_of(other));
        let (mut one, mut other) = (self.ancestor(one, depth), self.ancestor(other, depth));
        while one != other {
            let jumps = (self.jump_of(one), self.jump_of(other));
            (one, other) = match jumps.0 == jumps.1 {
                true => (self.parent_of(one), self.parent_of(other)),
                false => jumps,
            };
        }
        one
    }

    /// The ancestor at this depth, or the vertex itself if it is not deeper.
    fn ancestor(&self, mut vertex: Vertex, depth: usize) -> Vertex {
        while self.depth_of(vertex) > depth {
            let jump = self.jump_of(vertex);
            vertex = match self.depth_of(jump) < depth {
                true => self.parent_of(vertex),
                false => jump,
            };
        }
        vertex
    }

    fn depth_of(&self, vertex: Vertex) -> usize {
        self.depth.get(vertex).copied().unwrap_or(0)
    }

    fn parent_of(&self, vertex: Vertex) -> Vertex {
        self.parent.get(vertex).copied().unwrap_or(vertex)
    }

    fn jump_of(&self, vertex: Vertex) -> Vertex {
        self.jump.get(vertex).copied().unwrap_or(vertex)
    }
}
