//! Follows a path through a JSON Schema as far as the schema says anything.

use lattice_expr::Segment;
use serde_json::{Map, Value};

/// A part of a path that the schema does not have.
#[derive(Debug, PartialEq)]
pub(crate) struct Unknown<'s> {
    /// Its place in the path.
    pub at: usize,
    /// The names that are known there.
    pub known: Vec<&'s str>,
    /// Whether the schema excludes it; if not, the value may have it all the same.
    pub excluded: bool,
}

/// Words with which a schema says more than this reads.
const OTHER_WORDS: &[&str] = &[
    "$ref",
    "$dynamicRef",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "patternProperties",
    "dependentSchemas",
    "prefixItems",
];

/// The first part of the path that is not in the schema.
pub(crate) fn unknown<'s>(schema: &'s Value, path: &[Segment]) -> Option<Unknown<'s>> {
    follow(schema, path).err()
}

/// What the schema says of the value at the end of the path, if it says anything.
pub(crate) fn at<'s>(schema: &'s Value, path: &[Segment]) -> Option<&'s Value> {
    follow(schema, path).ok().flatten()
}

fn follow<'s>(schema: &'s Value, path: &[Segment]) -> Result<Option<&'s Value>, Unknown<'s>> {
    let mut schema = schema;
    for (at, segment) in path.iter().enumerate() {
        let Some(words) = schema.as_object() else {
            return Ok(None);
        };
        if OTHER_WORDS.iter().any(|word| words.contains_key(*word)) {
            return Ok(None);
        }
        let found = match segment {
            Segment::Key(key) => property(words, key),
            Segment::Index(_) => item(words),
        };
        match found {
            Found::Schema(next) => schema = next,
            Found::Nothing => return Ok(None),
            Found::Unknown { known, excluded } => {
                return Err(Unknown {
                    at,
                    known,
                    excluded,
                });
            }
        }
    }
    Ok(Some(schema))
}

enum Found<'s> {
    Schema(&'s Value),
    /// The schema says nothing about it.
    Nothing,
    Unknown {
        known: Vec<&'s str>,
        excluded: bool,
    },
}

fn property<'s>(words: &'s Map<String, Value>, key: &str) -> Found<'s> {
    if excludes_type(words, "object") {
        return Found::Unknown {
            known: Vec::new(),
            excluded: true,
        };
    }
    let properties = words.get("properties").and_then(Value::as_object);
    if let Some(next) = properties.and_then(|properties| properties.get(key)) {
        return Found::Schema(next);
    }
    let known = || {
        properties
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect()
    };
    match (words.get("additionalProperties"), properties) {
        (Some(Value::Bool(false)), _) => Found::Unknown {
            known: known(),
            excluded: true,
        },
        (Some(rest @ Value::Object(_)), _) => Found::Schema(rest),
        (_, Some(_)) => Found::Unknown {
            known: known(),
            excluded: false,
        },
        (_, None) => Found::Nothing,
    }
}

fn item(words: &Map<String, Value>) -> Found<'_> {
    if excludes_type(words, "array") {
        return Found::Unknown {
            known: Vec::new(),
            excluded: true,
        };
    }
    words.get("items").map_or(Found::Nothing, Found::Schema)
}

/// Whether the schema allows other types only.
fn excludes_type(words: &Map<String, Value>, wanted: &str) -> bool {
    match words.get("type") {
        Some(Value::String(only)) => only != wanted,
        Some(Value::Array(several)) => !several.iter().any(|one| one == wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn place(schema: Value, path: &str) -> Option<(usize, bool)> {
        let text = format!("in.{path}");
        let reference = lattice_expr::Reference::parse(&text).unwrap();
        unknown(&schema, &reference.path).map(|found| (found.at, found.excluded))
    }

    #[test]
    fn only_what_the_schema_speaks_about_is_judged() {
        let open = json!({"properties": {"a": {"type": "string"}, "b": {"items": {"type": "object",
            "additionalProperties": false, "properties": {"c": {}}}}}});
        assert_eq!(place(open.clone(), "a"), None);
        assert_eq!(place(open.clone(), "z"), Some((0, false)));
        assert_eq!(place(open.clone(), "a.z"), Some((1, true)));
        assert_eq!(place(open.clone(), "a[0]"), Some((1, true)));
        assert_eq!(place(open.clone(), "b[0].c.anything"), None);
        assert_eq!(place(open, "b[7].z"), Some((2, true)));
        assert_eq!(place(json!({"type": ["object", "null"]}), "z"), None);
        assert_eq!(
            place(json!({"additionalProperties": {"type": "number"}}), "z.z"),
            Some((1, true))
        );
        assert_eq!(place(json!({"anyOf": [], "properties": {}}), "z"), None);
        assert_eq!(place(json!(true), "z"), None);
    }
}
