//! Hostile texts and values: on a stack of 2 MB, and in bounded time, every parser and every
//! evaluation ends with an answer or an error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_expr::{Condition, Schema, Scope, Template, Transform, TransformKind, upgrade_names};
use lattice_model::limits::{
    EXPRESSION_BYTES_MAX, JSON_DEPTH_MAX, SCHEMA_CHAIN_MAX, TEMPLATE_BYTES_MAX,
};
use serde_json::{Value, json};

/// Runs a test where a worker would run it: on a thread with a stack of 2 MB.
#[allow(clippy::disallowed_types, reason = "the stack is what is tested")]
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(test);
    thread.unwrap().join().unwrap();
}

/// What nests or chains in some of the languages: what opens, what stands inside, what closes.
const SHAPES: &[(&str, &str, &str)] = &[
    ("(", "in.a", ")"),
    ("[", "1", "]"),
    ("{", "", "}"),
    ("{1:", "1", "}"),
    ("!", "true", ""),
    ("-", "1", ""),
    ("- ", "1", ""),
    ("&", "a", ""),
    ("", "a", ".b"),
    ("", "in", ".b"),
    ("", "$", ".b"),
    ("", "$", "..b"),
    ("", "$", "[0]"),
    ("", "$", "[*]"),
    ("", "in", "[0]"),
    ("", "a", "[0]"),
    ("", "a", "[]"),
    ("", "a", "[*]"),
    ("", "@", ".*"),
    ("", "1", "+1"),
    ("", "a", "|a"),
    ("", "a", "||a"),
    ("", "a", "&&a"),
    ("", "true", " && true"),
    ("", "1", "==1"),
    ("", "in.a", ".size()"),
    ("true ? 1 : ", "1", ""),
    ("true ? ", "1", " : 1"),
    ("size(", "in", ")"),
    ("has(", "in.a", ")"),
    ("in.a.exists(x, ", "true", ")"),
    ("in.a.map(x, x).", "size()", ""),
    ("$[?", "@", "]"),
    ("$[?@", "", "]"),
    ("$[?(", "@", ")]"),
    ("$[?!(", "@", ")]"),
    ("$[?length(", "@", ")>1]"),
    ("a[?", "b", "]"),
    ("to_array(", "@", ")"),
    ("map(&", "@", ", @)"),
    ("{a: ", "@", "}"),
    ("'", "", ""),
    ("\"", "", ""),
    ("`", "", ""),
    ("\"\"\"", "", ""),
    ("\\", "", ""),
    ("{{", "in", "}}"),
    ("{{in", "", "}}"),
    ("{{in[", "0", "]}}"),
    ("{{in['", "", ""),
    ("a ", "", ""),
    ("in ", "in", ""),
    (",", "", ""),
    (".", "", ""),
    ("?", "", ":"),
    ("\u{e9}", "", "\u{1f600}"),
];

fn parse_all(text: &str) {
    let value = json!({"a": [1, {"b": [2]}], "b": {"a": "x"}});
    let scope = Scope::of_input(&value);
    if let Ok(condition) = Condition::parse(text) {
        let _ = condition.evaluate(&scope);
    }
    for kind in [TransformKind::JmesPath, TransformKind::JsonPath] {
        if let Ok(transform) = Transform::parse(kind, text) {
            let _ = transform.evaluate(&value);
        }
    }
    if let Ok(template) = Template::parse(text) {
        let _ = template.render(&scope);
    }
    let _ = upgrade_names(text, &|name| Some(format!("vars.{name}")));
    let _ = Schema::parse(&json!({"pattern": text, "$ref": text}));
}

fn repeated((open, inner, close): (&str, &str, &str), times: usize) -> String {
    format!("{}{inner}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn a_hundred_thousand_levels_are_refused() {
    on_a_small_stack(|| {
        for shape in SHAPES {
            parse_all(&repeated(*shape, 100_000));
        }
    });
}

/// The longest text that the size limit lets through is where a parser is in real danger.
#[test]
fn the_longest_texts_that_are_allowed_end_well() {
    on_a_small_stack(|| {
        for shape in SHAPES {
            let once = repeated(*shape, 1).len();
            for max in [EXPRESSION_BYTES_MAX, TEMPLATE_BYTES_MAX] {
                parse_all(&repeated(*shape, max / once));
            }
        }
    });
}

/// Around every limit of nesting, and far below it: no depth is the bad one.
#[test]
fn every_depth_up_to_the_limits_ends_well() {
    on_a_small_stack(|| {
        for shape in SHAPES {
            for times in (1..12).chain([16, 24, 32, 48, 60, 62, 63, 64, 65, 66, 100, 255, 257]) {
                parse_all(&repeated(*shape, times));
            }
        }
    });
}

#[test]
fn the_deepest_value_that_is_allowed_ends_well() {
    on_a_small_stack(|| {
        let deep = (1..JSON_DEPTH_MAX).fold(json!([1]), |inner, _| json!([inner]));
        let scope = Scope::of_input(&deep);
        assert_eq!(
            Condition::parse("in == in").unwrap().evaluate(&scope),
            Ok(true)
        );
        for (kind, text) in [
            (TransformKind::JmesPath, "@"),
            (TransformKind::JmesPath, "to_string(@)"),
            (TransformKind::JsonPath, "$[0]"),
            (TransformKind::JsonPath, "$"),
        ] {
            let result = Transform::parse(kind, text).unwrap().evaluate(&deep);
            assert!(result.is_ok(), "{text}: {result:?}");
        }
        let schema = json!({"anyOf": [{"type": "number"}, {"items": {"$ref": "#"}}]});
        assert!(Schema::parse(&schema).unwrap().validate(&deep).is_ok());
    });
}

/// As many schemas as may apply to one value, at every level of the deepest value. The two that are
/// not counted below are the whole schema and the reference back to it.
#[test]
fn the_longest_chain_of_schemas_ends_well() {
    on_a_small_stack(|| {
        let mut definitions = serde_json::Map::new();
        let links = SCHEMA_CHAIN_MAX - 2;
        for link in 1..links {
            let next = json!({"$ref": format!("#/$defs/d{}", link + 1)});
            definitions.insert(format!("d{link}"), next);
        }
        let last = json!({"items": {"$ref": "#"}, "type": ["array", "number"]});
        definitions.insert(format!("d{links}"), last);
        let schema = json!({"$ref": "#/$defs/d1", "$defs": definitions});
        let deep = |inner| (0..JSON_DEPTH_MAX).fold(inner, |inner, _| json!([inner]));
        let schema = Schema::parse(&schema).unwrap();
        assert_eq!(schema.validate(&deep(json!(1))), Ok(()));
        assert!(schema.validate(&deep(json!("x"))).is_err());
    });
}

#[test]
fn a_schema_that_turns_in_circles_is_refused() {
    on_a_small_stack(|| {
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
            json!({"not": {"$ref": "#"}}),
            json!({"$dynamicRef": "#"}),
        ] {
            assert!(Schema::parse(&schema).is_err(), "{schema}");
        }
    });
}

/// Each definition names the next one twice: as a tree it has 2^levels nodes.
fn doubling(keyword: &str, levels: usize) -> Value {
    let mut definitions = serde_json::Map::new();
    for level in 0..levels {
        let next = json!({"$ref": format!("#/$defs/d{}", level + 1)});
        definitions.insert(format!("d{level}"), json!({keyword: [next, next]}));
    }
    definitions.insert(format!("d{levels}"), json!({"type": "string"}));
    json!({"$ref": "#/$defs/d0", "$defs": definitions})
}

#[test]
fn a_schema_that_doubles_at_each_step_is_refused() {
    on_a_small_stack(|| {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            assert!(Schema::parse(&doubling(keyword, 40)).is_err());
            let small = Schema::parse(&doubling(keyword, 4)).unwrap();
            assert!(small.validate(&json!(1)).is_err());
        }
    });
}

#[test]
fn a_schema_that_doubles_with_each_level_of_the_value_is_refused() {
    on_a_small_stack(|| {
        let next = json!({"items": {"$ref": "#"}});
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let schema = json!({"type": ["array", "string"], keyword: [next, next]});
            let value = (0..40).fold(json!(1), |inner, _| json!([inner]));
            let problems = Schema::parse(&schema)
                .unwrap()
                .validate(&value)
                .unwrap_err();
            assert!(
                problems[0].message.contains("too much work"),
                "{problems:?}"
            );
        }
    });
}
