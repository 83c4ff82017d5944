//! What a node knows when it becomes ops: where its ports lead, and what came before it.

use lattice_expr::{Reference, Root, Segment};
use lattice_journal::Budget;
use lattice_model::{Hash, NodeId, OpId, ProgramHash};
use std::fmt;

/// Where a split leads once its branches have met. No edge is drawn from it.
pub const PORT_JOINED: &str = "joined";

/// Where the body of a `batchIterator` begins.
pub const PORT_EACH: &str = "each";

/// The surroundings of one node.
pub struct Lowering<'a> {
    node: &'a NodeId,
    first: OpId,
    ports: &'a dyn Fn(&str) -> Option<OpId>,
    input: Option<String>,
    called: Option<(ProgramHash, Option<Budget>)>,
    items_at_once: u32,
}

impl<'a> Lowering<'a> {
    /// `first` is the place of the node's first op, `ports` says where an edge from a port leads,
    /// `input` is the template of what the node before it gave, if that is certain.
    pub fn new(
        node: &'a NodeId,
        first: OpId,
        ports: &'a dyn Fn(&str) -> Option<OpId>,
        input: Option<String>,
    ) -> Self {
        Self {
            node,
            first,
            ports,
            input,
            called: None,
            items_at_once: 1,
        }
    }

    /// The same node, which runs a workflow that is this Program and gives its runs this budget.
    #[must_use]
    pub fn calling(self, called: Option<(ProgramHash, Option<Budget>)>) -> Self {
        Self { called, ..self }
    }

    /// The same node, so many of whose items go at once.
    #[must_use]
    pub fn doing(self, items_at_once: u32) -> Self {
        Self {
            items_at_once,
            ..self
        }
    }

    /// Items that go at once.
    pub fn items_at_once(&self) -> u32 {
        self.items_at_once
    }

    /// The Program of the workflow that the node runs.
    pub fn called(&self) -> ProgramHash {
        // INVARIANT: a document that calls what is not known is not lowered.
        self.called.map_or(Hash::ZERO, |(program, _)| program)
    }

    /// What a run of that workflow may use by itself.
    pub fn called_budget(&self) -> Option<Budget> {
        self.called?.1
    }

    /// Where a required port leads.
    pub fn to(&self, port: &str) -> OpId {
        // INVARIANT: a document with a dead end is not lowered. Were it, the verifier would refuse
        // an op that is not there.
        self.to_maybe(port).unwrap_or(OpId(u32::MAX))
    }

    /// Where a port leads that may be without an edge.
    pub fn to_maybe(&self, port: &str) -> Option<OpId> {
        (self.ports)(port)
    }

    /// The place of the node's op number `index`.
    pub fn part(&self, index: u32) -> OpId {
        OpId(self.first.0.saturating_add(index))
    }

    /// The template of what the node before it gave.
    pub fn input(&self) -> Option<&str> {
        self.input.as_deref()
    }

    /// The template of a part of the node's own output.
    pub fn own_output(&self, key: &str) -> String {
        output_template(self.node, Some(key))
    }
}

impl fmt::Debug for Lowering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lowering")
            .field("node", self.node)
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

/// The template of a node's output, or of one part of it.
pub fn output_template(node: &NodeId, key: Option<&str>) -> String {
    let path = [node.as_str(), "output"].into_iter().chain(key);
    reference_template(Root::Nodes, path)
}

/// The template that is exactly one reference.
pub(crate) fn reference_template<'k>(
    root: Root,
    path: impl IntoIterator<Item = &'k str>,
) -> String {
    let path = path.into_iter().map(|key| Segment::Key(key.to_owned()));
    let reference = Reference {
        root,
        path: path.collect(),
        span: 0..0,
    };
    format!("{{{{{reference}}}}}")
}
