//! From a document to a Program: every check over the whole graph, then lowering. No IO, no clock,
//! no randomness.
//!
//! `graph` is the document as nodes and links, `flow` says what is certain on every path, `flows` what
//! is known of other workflows,
//! `input_shapes` what `in` is behind the start and each trigger, `passes` holds one file per check
//! and the lowering, `problems` collects what they find.

mod advice;
mod assigned;
pub mod branching;
pub mod codes;
mod compile;
pub mod estimate;
mod flow;
pub mod flows;
mod graph;
mod input_shapes;
mod passes;
mod pointers;
mod problems;
mod schema_path;
mod suggest;
mod unit;

pub use compile::{Compiled, check_document, compile, compile_with};
pub use flows::{Flow, Flows, calls_of};
