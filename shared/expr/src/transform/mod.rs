//! Transforms: a JMESPath expression or a JSONPath query that makes a new value of an old one.

mod cost;
mod growth;
mod jmes;
mod path;

pub use jmes::JmesPath;
pub use path::JsonPath;

use crate::error::ExprError;
use serde_json::Value;

/// The languages of transforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransformKind {
    /// JMESPath.
    JmesPath,
    /// JSONPath (RFC 9535).
    JsonPath,
}

/// A parsed transform. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Transform {
    /// JMESPath: gives one value, null where nothing is found.
    JmesPath(JmesPath),
    /// JSONPath: gives the list of matches in the order of the document.
    JsonPath(JsonPath),
}

impl Transform {
    /// Reads a transform of the given language, at most `EXPRESSION_BYTES_MAX` long.
    pub fn parse(kind: TransformKind, source: &str) -> Result<Self, ExprError> {
        match kind {
            TransformKind::JmesPath => JmesPath::parse(source).map(Self::JmesPath),
            TransformKind::JsonPath => JsonPath::parse(source).map(Self::JsonPath),
        }
    }

    /// Applies it. Fails where types do not fit, and where the value is too large or too deep for
    /// this transform (`EXPRESSION_WORK_MAX`, `VALUE_BYTES_MAX`, `JSON_DEPTH_MAX`).
    pub fn evaluate(&self, value: &Value) -> Result<Value, ExprError> {
        match self {
            Self::JmesPath(transform) => transform.evaluate(value),
            Self::JsonPath(transform) => transform.evaluate(value),
        }
    }

    /// The language.
    pub fn kind(&self) -> TransformKind {
        match self {
            Self::JmesPath(_) => TransformKind::JmesPath,
            Self::JsonPath(_) => TransformKind::JsonPath,
        }
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        match self {
            Self::JmesPath(transform) => transform.source(),
            Self::JsonPath(transform) => transform.source(),
        }
    }
}
