//! A value in an event: itself, or where a large one is kept.

use lattice_model::{Hash, canonical_len, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// A JSON value, or a reference to one of more than 8 KB in the blob store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ValueRef {
    /// The value itself.
    Inline(Arc<Value>),
    /// The hash of the canonical JSON, and its length in bytes.
    Blob {
        /// Names the blob.
        hash: Hash,
        /// Length of the canonical JSON.
        bytes: u64,
    },
}

impl ValueRef {
    /// Refers to the value, and gives it back as a blob to store first if it is too large to
    /// stand in an event.
    pub fn of(value: Value) -> (Self, Option<(Hash, Arc<Value>)>) {
        let value = Arc::new(value);
        let bytes = canonical_len(&value);
        if bytes <= limits::INLINE_VALUE_BYTES_MAX {
            return (Self::Inline(value), None);
        }
        let hash = Hash::of_json(&value);
        let bytes = bytes as u64;
        (Self::Blob { hash, bytes }, Some((hash, value)))
    }

    /// Refers to a value that is kept in the blob store, however small it is, and gives it back to
    /// be stored first.
    pub fn aside(value: Arc<Value>) -> (Self, (Hash, Arc<Value>)) {
        let hash = Hash::of_json(&value);
        let bytes = canonical_len(&value) as u64;
        (Self::Blob { hash, bytes }, (hash, value))
    }

    /// The value, if it stands here.
    pub fn inline(&self) -> Option<&Arc<Value>> {
        match self {
            Self::Inline(value) => Some(value),
            Self::Blob { .. } => None,
        }
    }

    /// The blob to fetch, if it does not.
    pub fn blob(&self) -> Option<Hash> {
        match self {
            Self::Inline(_) => None,
            Self::Blob { hash, .. } => Some(*hash),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::ValueRef;
    use lattice_model::limits::INLINE_VALUE_BYTES_MAX;
    use serde_json::{Value, json};

    #[test]
    fn the_limit_counts_the_quotes() {
        let of_length = |n: usize| ValueRef::of(Value::String("x".repeat(n - 2)));
        let (at, none) = of_length(INLINE_VALUE_BYTES_MAX);
        assert!(at.inline().is_some() && none.is_none());
        let (over, blob) = of_length(INLINE_VALUE_BYTES_MAX + 1);
        assert_eq!(over.blob(), blob.map(|(hash, _)| hash));
        assert!(over.blob().is_some());
    }

    #[test]
    fn the_stored_shape_is_tagged() {
        let (inline, _) = ValueRef::of(json!({"a": 1}));
        let text = serde_json::to_value(&inline).unwrap();
        assert_eq!(text, json!({"inline": {"a": 1}}));
        assert_eq!(serde_json::from_value::<ValueRef>(text).unwrap(), inline);
    }
}
