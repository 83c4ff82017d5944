//! What a person may write inside a workflow and what it means: `{{templates}}`, conditions (CEL),
//! transforms (JMESPath, JSONPath) and JSON Schemas. Thin faces over well-kept crates.
//! No IO, no clock, no randomness: the same text and the same scope give the same answer.
//!
//! // INVARIANT: no text and no value makes a parser or an evaluation panic, overflow the stack or
//! run without bound. Size and nesting are checked before a text reaches its parser, and every
//! evaluation has a budget of work (`EXPRESSION_WORK_MAX`). Tested in `tests/hostile.rs`.

mod condition;
mod error;
mod reference;
mod schema;
mod scope;
mod template;
mod transform;
mod upgrade;
mod weight;

pub use condition::Condition;
pub use error::{ExprError, Language};
pub use reference::{Reference, Root, Segment};
pub use schema::{Schema, SchemaProblem};
pub use scope::Scope;
pub use template::{Part, Rendered, Template};
pub use transform::{JmesPath, JsonPath, Transform, TransformKind};
pub use upgrade::upgrade_names;
