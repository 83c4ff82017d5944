//! The JSON Schema of the format, generated from the types that are written.

use crate::document::{FORMAT, File};
use lattice_model::limits::ID_CHARS_MAX;
use schemars::{Schema, SchemaGenerator, json_schema, schema_for};
use serde_json::Value;

/// The JSON Schema (draft 2020-12) of a workflow document. `docs/workflow.schema.json` is this,
/// written down for editors.
pub fn schema() -> Value {
    let mut schema = schema_for!(File<'static>);
    schema.insert("$id".to_owned(), Value::from(format!("{FORMAT}/1")));
    schema.to_value()
}

/// An id: see `id_is_legal`.
pub(crate) fn id(_: &mut SchemaGenerator) -> Schema {
    let pattern = format!("^[A-Za-z0-9_.-]{{1,{ID_CHARS_MAX}}}$");
    json_schema!({ "type": "string", "pattern": pattern })
}

/// A JSON Schema, which is an object or a Boolean.
pub(crate) fn json_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["object", "boolean"] })
}
