//! How large and how deep a JSON value is, measured before it is given to code that recurses.

use crate::error::ExprError;
use lattice_model::limits::JSON_DEPTH_MAX;
use serde_json::Value;

/// The measures of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Values inside it, itself included.
    pub nodes: u64,
    /// Bytes of its texts and keys.
    pub bytes: u64,
    /// Levels of nesting; a plain value has 1.
    pub depth: usize,
}

impl Weight {
    /// Measures a value; one nested deeper than `JSON_DEPTH_MAX` is refused.
    pub fn of(value: &Value) -> Result<Self, ExprError> {
        let mut weight = Self::default();
        weight.add(value, 1)?;
        Ok(weight)
    }

    /// What touching every part of the value once costs.
    pub fn units(self) -> u64 {
        self.nodes.saturating_add(self.bytes)
    }

    fn add(&mut self, value: &Value, depth: usize) -> Result<(), ExprError> {
        check_depth(depth)?;
        self.nodes += 1;
        self.depth = self.depth.max(depth);
        match value {
            Value::String(text) => self.bytes += text.len() as u64,
            Value::Array(items) => {
                for item in items {
                    self.add(item, depth + 1)?;
                }
            }
            Value::Object(fields) => {
                for (key, field) in fields {
                    self.bytes += key.len() as u64;
                    self.add(field, depth + 1)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }
}

/// Refuses a level below `JSON_DEPTH_MAX`; a plain value is at level 1, so it is one level deeper
/// than its containers.
pub(crate) fn check_depth(depth: usize) -> Result<(), ExprError> {
    if depth > JSON_DEPTH_MAX + 1 {
        return Err(ExprError::ValueTooDeep {
            max: JSON_DEPTH_MAX,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_values_bytes_and_levels() {
        let weight = Weight::of(&json!({"ab": ["xyz", 1], "c": null})).unwrap();
        assert_eq!(
            weight,
            Weight {
                nodes: 5,
                bytes: 6,
                depth: 3
            }
        );
        assert_eq!(weight.units(), 11);
    }

    #[test]
    fn refuses_one_level_too_many() {
        let nested = |levels: usize| (0..levels).fold(json!(1), |value, _| json!([value]));
        assert!(Weight::of(&nested(JSON_DEPTH_MAX)).is_ok());
        assert_eq!(
            Weight::of(&nested(JSON_DEPTH_MAX + 1)),
            Err(ExprError::ValueTooDeep {
                max: JSON_DEPTH_MAX
            })
        );
    }
}
