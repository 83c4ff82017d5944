//! Schemas in, values out that the real validator accepts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use proptest::prelude::*;

/// Schemas of the words that models are asked with, nested a little.
pub(crate) fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        Just(json!({"const": {"a": [1]}})),
        Just(json!({"enum": ["x", 2, null]})),
        Just(json!({"type": ["string", "null"]})),
        Just(json!({"type": "string", "format": "date-time"})),
        (0_u64..20, 0_u64..20).prop_map(|(least, more)| json!({
            "type": "string", "minLength": least, "maxLength": least + more
        })),
        (-50_i64..50, 0_i64..9).prop_map(|(least, more)| json!({
            "type": "integer", "minimum": least, "maximum": least + more
        })),
        (-50_i64..50).prop_map(|bound| json!({"type": "integer", "exclusiveMinimum": bound})),
        (-50_i64..50).prop_map(|bound| json!({"type": "number", "exclusiveMaximum": bound})),
        (1_i64..9, 1_i64..90).prop_map(|(step, least)| json!({
            "type": "integer", "multipleOf": step, "minimum": least
        })),
        Just(json!({"type": "number", "exclusiveMinimum": 0.25, "maximum": 0.5})),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0_u64..4).prop_map(
                |(item, least)| json!({"type": "array", "items": item, "minItems": least})
            ),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| json!({
                "type": "object", "properties": {"one": one, "two": two},
                "required": ["two"], "additionalProperties": false
            })),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| json!({"anyOf": [one, two]})),
            inner.prop_map(|one| json!({
                "allOf": [{"properties": {"a": one}, "required": ["a"]}, {"required": ["b"]}],
                "type": "object"
            })),
        ]
    })
}

#[test]
fn a_value_is_as_small_as_the_schema_lets_it() {
    for (schema, wanted) in [
        (
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}, "b": {}}}),
            json!({"a": 0}),
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}}),
            json!({"a": 3}),
        ),
        (
            json!({"type": "array", "items": {"const": 1}, "minItems": 2}),
            json!([1, 1]),
        ),
        (
            json!({"prefixItems": [{"const": 1}, {"const": 2}], "items": false}),
            json!([1, 2]),
        ),
        (json!({"type": "array", "maxItems": 0}), json!([])),
        (json!({"type": "string", "maxLength": 2}), json!("mo")),
        (
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"const": "there"}}}),
            json!("there"),
        ),
        (json!(true), json!("mock")),
    ] {
        assert_eq!(sample(&schema, 0), Some(wanted), "{schema}");
    }
}

#[test]
fn the_seed_chooses_among_values() {
    let schema = json!({"enum": ["a", "b", "c"]});
    let made: Vec<_> = (0..3).filter_map(|seed| sample(&schema, seed)).collect();
    assert_eq!(made, [json!("a"), json!("b"), json!("c")]);
    assert_eq!(sample(&schema, 5), sample(&schema, 5));
}

#[test]
fn what_cannot_be_made_is_none_and_nothing_runs_away() {
    for schema in [
        json!(false),
        json!({"enum": []}),
        json!({"type": "string", "pattern": "^[0-9]{9}$"}),
        json!({"$ref": "#"}),
        json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}),
        json!({"type": "object", "required": ["a"], "properties": {"a": {"anyOf": [
            {"properties": {"x": {"$ref": "#"}, "y": {"$ref": "#"}}, "required": ["x", "y"]}
        ]}}}),
        json!({"type": "string", "minLength": 900_000_000_000_u64}),
        json!({"type": "array", "minItems": 900_000_000_000_u64}),
        json!({"type": "nonsense"}),
    ] {
        assert_eq!(sample(&schema, 0), None, "{schema}");
    }
}

#[test]
fn a_choice_that_leads_nowhere_is_left_for_another() {
    let schema = json!({"anyOf": [{"type": "string", "pattern": "^z{3}$"}, {"const": 7}]});
    assert_eq!(sample(&schema, 0), Some(json!(7)));
}

proptest! {
    #[test]
    fn a_sample_satisfies_its_schema(schema in schemas(), seed: u64) {
        let value = sample(&schema, seed);
        prop_assert!(value.is_some(), "nothing for {schema}");
        prop_assert_eq!(Schema::parse(&schema).unwrap().validate(&value.unwrap()), Ok(()));
    }
}
