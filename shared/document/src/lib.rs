//! The workflow document a person drew: our own versioned format, and readers for the two older
//! shapes. No IO, no clock, no randomness: bytes come in, a document and what is wrong with it go out.
//!
//! `document` is the format, `read` turns bytes into it, `problem` and `codes` are the words in
//! which every pass of the compiler speaks, `legacy` opens what older tools saved.

pub mod codes;
pub mod document;
mod fields;
mod json;
mod legacy;
pub mod problem;
mod read;
mod schema;
mod settings;

pub use codes::Code;
pub use document::{
    BudgetSettings, ConcurrencySettings, Document, Edge, FORMAT, FORMAT_VERSION, Node, PORT_ERROR,
    PORT_IN, PORT_OUT, PORT_TIMEOUT, Position, WorkflowSettings, branch_of_port, branch_port,
    id_is_legal, variable_name_is_legal, write,
};
pub use problem::{Change, PatchOp, Problem, Severity, pointer_to};
pub use read::{Reading, Shape, read};
pub use schema::schema;
