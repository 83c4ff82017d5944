//! Where things stand in the document as the user wrote it, in whatever shape that is.

use lattice_document::{Shape, pointer_to};

/// Makes the JSON pointers of problems.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pointers {
    shape: Shape,
}

impl Pointers {
    pub fn new(shape: Shape) -> Self {
        Self { shape }
    }

    /// Whether the document is in our own format, so that pointers are exact and patches apply.
    pub fn are_exact(self) -> bool {
        self.shape == Shape::Current
    }

    /// A node.
    pub fn node(self, index: usize) -> String {
        format!("/nodes/{index}")
    }

    /// A field of a node; the node itself in older shapes, which name fields otherwise.
    pub fn node_field(self, index: usize, field: &str) -> String {
        self.field(self.node(index), field)
    }

    /// The settings of a node.
    pub fn settings(self, index: usize) -> String {
        self.shape.settings_pointer(index)
    }

    /// An edge.
    pub fn edge(self, index: usize) -> String {
        self.shape.edge_pointer(index)
    }

    /// A field of an edge.
    pub fn edge_field(self, index: usize, field: &str) -> String {
        self.field(self.edge(index), field)
    }

    /// A field of the document itself, given as a pointer.
    pub fn top(self, pointer: &str) -> String {
        match self.are_exact() {
            true => pointer.to_owned(),
            false => String::new(),
        }
    }

    fn field(self, parent: String, field: &str) -> String {
        match self.are_exact() {
            true => pointer_to(&parent, field),
            false => parent,
        }
    }
}
