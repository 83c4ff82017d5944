//! How much work a schema makes of a value, counted before the work is done. References let a small
//! schema apply itself again and again, and a failed `anyOf` keeps the reasons of every alternative:
//! a union of ten kinds and a wrong value six levels deep would take minutes and all memory. The
//! count is exact for the worst case and cheap, since each pair of a schema and a value is counted
//! once and then remembered.

use crate::error::ExprError;
use lattice_model::limits::SCHEMA_CHAIN_MAX;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A schema whose references are known to stay inside it.
#[derive(Debug)]
pub(super) struct Known<'s> {
    root: &'s Value,
    anchors: BTreeMap<&'s str, &'s Value>,
}

/// To which part of a value a subschema applies.
#[derive(Clone, Copy)]
enum Applies<'s> {
    /// To the same value.
    Here,
    Property(&'s str),
    EachField,
    EachName,
    Item(usize),
    EachItem,
    /// Only where a reference names it.
    Nowhere,
}

/// The subschemas that a schema holds, and where each applies.
fn subschemas(schema: &Value) -> Vec<(Applies<'_>, &Value)> {
    let mut found = Vec::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        match keyword.as_str() {
            "allOf" | "anyOf" | "oneOf" => {
                found.extend(items(value).map(|inner| (Applies::Here, inner)));
            }
            "not" | "if" | "then" | "else" => found.push((Applies::Here, value)),
            "dependentSchemas" | "dependencies" => {
                found.extend(fields(value).map(|(_, inner)| (Applies::Here, inner)));
            }
            "properties" => {
                found.extend(fields(value).map(|(key, inner)| (Applies::Property(key), inner)));
            }
            // Whether the pattern fits is not asked: this is the worst case.
            "patternProperties" => {
                found.extend(fields(value).map(|(_, inner)| (Applies::EachField, inner)));
            }
            "additionalProperties" | "unevaluatedProperties" => {
                found.push((Applies::EachField, value));
            }
            "propertyNames" => found.push((Applies::EachName, value)),
            "prefixItems" => {
                let items = items(value).enumerate();
                found.extend(items.map(|(place, inner)| (Applies::Item(place), inner)));
            }
            "items" | "contains" | "unevaluatedItems" => found.push((Applies::EachItem, value)),
            "$defs" | "definitions" => {
                found.extend(fields(value).map(|(_, inner)| (Applies::Nowhere, inner)));
            }
            _ => {}
        }
    }
    found
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, inner)| (key.as_str(), inner))
}

fn references(schema: &Value) -> impl Iterator<Item = &str> {
    ["$ref", "$dynamicRef"]
        .into_iter()
        .filter_map(|keyword| schema.get(keyword)?.as_str())
}

/// What makes two places in a schema, or in a value, the same one.
fn place(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'s> Known<'s> {
    /// Follows every reference. Refuses one that leaves the schema, a schema inside with an `$id`
    /// of its own, and schemas that apply each other to the same value in a circle or in a chain
    /// longer than `SCHEMA_CHAIN_MAX`.
    pub(super) fn of(root: &'s Value) -> Result<Self, ExprError> {
        let mut known = Self {
            root,
            anchors: BTreeMap::new(),
        };
        known.find_anchors();
        let mut seen = BTreeSet::new();
        let mut open = vec![root];
        let mut heights = BTreeMap::new();
        while let Some(schema) = open.pop() {
            if !seen.insert(place(schema)) {
                continue;
            }
            if place(schema) != place(root) && schema.get("$id").is_some_and(Value::is_string) {
                return Err(refused(
                    schema,
                    "a schema inside another cannot have an `$id`",
                ));
            }
            for reference in references(schema) {
                open.push(known.target(reference)?);
            }
            open.extend(subschemas(schema).into_iter().map(|(_, inner)| inner));
            known.height(schema, 1, &mut heights)?;
        }
        Ok(known)
    }

    fn find_anchors(&mut self) {
        let mut open = vec![self.root];
        while let Some(schema) = open.pop() {
            for keyword in ["$anchor", "$dynamicAnchor"] {
                if let Some(name) = schema.get(keyword).and_then(Value::as_str) {
                    self.anchors.insert(name, schema);
                }
            }
            open.extend(subschemas(schema).into_iter().map(|(_, inner)| inner));
        }
    }

    fn target(&self, reference: &str) -> Result<&'s Value, ExprError> {
        let unknown = |reason: &str| ExprError::BadSchema {
            pointer: String::new(),
            reason: format!(
                "the reference `{}` {reason}",
                crate::error::shorten(reference, 100)
            ),
        };
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(unknown(
                "leaves the schema; only references that start with `#` are read",
            ));
        };
        let decoded = percent_decoded(fragment);
        let found = if decoded.is_empty() || decoded.starts_with('/') {
            self.root.pointer(&decoded)
        } else {
            self.anchors.get(decoded.as_str()).copied()
        };
        found.ok_or_else(|| unknown("points to nothing"))
    }

    /// The schemas applied to the same value as this one.
    fn in_place(&self, schema: &'s Value) -> Vec<&'s Value> {
        let referred = references(schema).filter_map(|reference| self.target(reference).ok());
        let inner = subschemas(schema).into_iter();
        let inner = inner.filter(|(applies, _)| matches!(applies, Applies::Here));
        referred.chain(inner.map(|(_, inner)| inner)).collect()
    }

    /// The longest chain of schemas on the same value from here. A circle has no end, so it meets
    /// the limit as well.
    fn height(
        &self,
        schema: &'s Value,
        depth: usize,
        heights: &mut BTreeMap<usize, usize>,
    ) -> Result<usize, ExprError> {
        let mut height = heights.get(&place(schema)).copied().unwrap_or(0);
        if height == 0 {
            height = 1;
            for inner in self.in_place(schema) {
                if depth > SCHEMA_CHAIN_MAX {
                    break;
                }
                height = height.max(1 + self.height(inner, depth + 1, heights)?);
            }
        }
        if depth - 1 + height > SCHEMA_CHAIN_MAX {
            return Err(refused(
                schema,
                &format!(
                    "more than {SCHEMA_CHAIN_MAX} schemas apply to the same value one inside \
                     another, or in a circle"
                ),
            ));
        }
        heights.insert(place(schema), height);
        Ok(height)
    }

    /// The steps that validating takes at most, if nothing is skipped. Saturates, and stops above
    /// `max`.
    pub(super) fn steps(&self, value: &Value, max: u64) -> u64 {
        Counter {
            known: self,
            max,
            steps: BTreeMap::new(),
        }
        .count(self.root, value)
    }
}

struct Counter<'k, 's> {
    known: &'k Known<'s>,
    max: u64,
    steps: BTreeMap<(usize, usize), u64>,
}

static NAME: Value = Value::Null;

impl<'s> Counter<'_, 's> {
    fn count(&mut self, schema: &'s Value, value: &Value) -> u64 {
        let key = (place(schema), place(value));
        if let Some(steps) = self.steps.get(&key) {
            return *steps;
        }
        // Each remembered pair is a step of its own, so their number is bounded as well.
        if self.steps.len() as u64 > self.max {
            return u64::MAX;
        }
        let mut steps = 1_u64;
        for inner in self.known.in_place(schema) {
            steps = steps.saturating_add(self.count(inner, value));
        }
        if let Some(object) = schema.as_object()
            && ["unevaluatedItems", "unevaluatedProperties"]
                .iter()
                .any(|k| object.contains_key(*k))
        {
            // What was evaluated is found by going through the same schemas once more.
            steps = steps.saturating_mul(2);
        }
        for (applies, inner) in subschemas(schema) {
            steps = steps.saturating_add(self.below(applies, inner, value));
        }
        self.steps.insert(key, steps);
        steps
    }

    fn below(&mut self, applies: Applies<'_>, schema: &'s Value, value: &Value) -> u64 {
        let none = Map::new();
        let object = value.as_object().unwrap_or(&none);
        let list = value.as_array().map_or(&[][..], Vec::as_slice);
        match applies {
            Applies::Here | Applies::Nowhere => 0,
            Applies::Property(key) => object.get(key).map_or(0, |field| self.count(schema, field)),
            Applies::EachField => self.sum(schema, object.values()),
            Applies::EachName => self.sum(schema, object.keys().map(|_| &NAME)),
            Applies::Item(place) => list.get(place).map_or(0, |item| self.count(schema, item)),
            Applies::EachItem => self.sum(schema, list.iter()),
        }
    }

    fn sum<'v>(&mut self, schema: &'s Value, values: impl Iterator<Item = &'v Value>) -> u64 {
        values.fold(0, |steps, value| {
            steps.saturating_add(self.count(schema, value))
        })
    }
}

fn refused(schema: &Value, reason: &str) -> ExprError {
    let shown = crate::error::shorten(&schema.to_string(), 60);
    ExprError::BadSchema {
        pointer: String::new(),
        reason: format!("{reason}: `{shown}`"),
    }
}

/// `%7B` as `{`; what is no such code stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn check(schema: Value, value: Value, steps: u64) {
        assert_eq!(
            Known::of(&schema).unwrap().steps(&value, 1_000),
            steps,
            "{schema}"
        );
    }

    #[test]
    fn steps_are_counted_by_hand() {
        check(json!({"type": "string"}), json!("x"), 1);
        check(
            json!({"properties": {"a": {}, "b": {}}}),
            json!({"a": 1}),
            2,
        );
        check(json!({"items": {}, "contains": {}}), json!([1, 2, 3]), 7);
        check(
            json!({"prefixItems": [{}, {}], "propertyNames": {}}),
            json!([1]),
            2,
        );
        check(
            json!({"propertyNames": {}, "additionalProperties": {}}),
            json!({"a": 1}),
            3,
        );
        check(
            json!({"anyOf": [{}, {"$ref": "#/$defs/a"}], "$defs": {"a": {}}}),
            json!(1),
            4,
        );
        check(
            json!({"allOf": [{}], "unevaluatedProperties": {}}),
            json!({"a": 1}),
            5,
        );
        check(
            json!({"$ref": "#n", "$defs": {"x": {"$anchor": "n"}}}),
            json!(1),
            2,
        );
        check(
            json!({"$ref": "#/$defs/a%3Cb%3E", "$defs": {"a<b>": {}}}),
            json!(1),
            2,
        );
    }

    #[test]
    fn doubling_with_each_level_is_counted_and_not_done() {
        let next = json!({"items": {"$ref": "#"}});
        let schema = json!({"anyOf": [next, next]});
        let value = (0..60).fold(json!(1), |inner, _| json!([inner]));
        assert!(Known::of(&schema).unwrap().steps(&value, 1_000) > 1_u64 << 60);
    }

    fn chain(links: usize) -> Value {
        (1..links).fold(json!({}), |inner, _| json!({"allOf": [inner]}))
    }

    #[test]
    fn chains_have_a_limit_and_circles_are_refused() {
        assert!(Known::of(&chain(SCHEMA_CHAIN_MAX)).is_ok());
        assert!(Known::of(&chain(SCHEMA_CHAIN_MAX + 1)).is_err());
        let circle = json!({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}});
        assert!(Known::of(&circle).is_err());
        let through_the_value = json!({"items": {"$ref": "#"}});
        assert!(Known::of(&through_the_value).is_ok());
        let inside = json!({"$defs": {"a": {"$id": "other", "$ref": "#"}}});
        assert!(
            Known::of(&inside)
                .unwrap_err()
                .to_string()
                .contains("`$id`")
        );
    }
}
