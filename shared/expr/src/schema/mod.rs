//! JSON Schema, draft 2020-12: whether a value has the shape that was asked for, and what is wrong
//! with it in words that a person, or a model that shall mend it, can act on. A schema stands alone:
//! nothing is ever fetched.

mod work;

use crate::error::{ExprError, Language, shorten};
use crate::weight::Weight;
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use lattice_model::limits::{SCHEMA_BYTES_MAX, SCHEMA_PROBLEMS_MAX, SCHEMA_WORK_MAX};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// A schema that was checked and is ready to validate. Cheap to clone.
#[derive(Clone)]
pub struct Schema(Arc<Checked>);

struct Checked {
    source: Value,
    validator: Validator,
}

/// One reason why a value does not have the shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaProblem {
    /// Where in the value, as a JSON pointer; empty for the whole value.
    pub pointer: String,
    /// What is wrong there. It does not repeat the value.
    pub message: String,
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "at `{pointer}`: {}", self.message),
        }
    }
}

impl Schema {
    /// Checks a schema. It is read as draft 2020-12 whatever `$schema` says. Fails on what the draft
    /// does not allow, on a reference to another document, on patterns that need backtracking, and
    /// on more than `SCHEMA_BYTES_MAX` bytes.
    pub fn parse(schema: &Value) -> Result<Self, ExprError> {
        let weight = Weight::of(schema)?;
        if weight.units() > SCHEMA_BYTES_MAX as u64 {
            return Err(ExprError::TooLong {
                what: Language::Schema,
                actual: usize::try_from(weight.units()).unwrap_or(usize::MAX),
                max: SCHEMA_BYTES_MAX,
            });
        }
        work::Known::of(schema)?;
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
            .build(schema)
            .map_err(|error| bad_schema(&error))?;
        Ok(Self(Arc::new(Checked {
            source: schema.clone(),
            validator,
        })))
    }

    /// The schema as it was given.
    pub fn source(&self) -> &Value {
        &self.0.source
    }

    /// Validates a value. Fails with at most `SCHEMA_PROBLEMS_MAX` problems. A value that is nested
    /// too deep, or that would take more than `SCHEMA_WORK_MAX` steps, is one problem.
    pub fn validate(&self, value: &Value) -> Result<(), Vec<SchemaProblem>> {
        self.check_work(value).map_err(|refused| {
            vec![SchemaProblem {
                pointer: String::new(),
                message: refused.to_string(),
            }]
        })?;
        let problems: Vec<_> = self
            .0
            .validator
            .iter_errors(value)
            .take(SCHEMA_PROBLEMS_MAX)
            .map(problem)
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }
}

impl Schema {
    fn check_work(&self, value: &Value) -> Result<(), ExprError> {
        Weight::of(value)?;
        let steps = work::Known::of(&self.0.source)?.steps(value, SCHEMA_WORK_MAX);
        if steps > SCHEMA_WORK_MAX {
            return Err(ExprError::TooMuchWork {
                what: Language::Schema,
                max: SCHEMA_WORK_MAX,
            });
        }
        Ok(())
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.0.source).finish()
    }
}

/// Memory one compiled pattern may take.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// Characters of one message.
const MESSAGE_CHARS_MAX: usize = 400;

fn problem(error: ValidationError<'_>) -> SchemaProblem {
    SchemaProblem {
        pointer: error.instance_path().to_string(),
        // The value stays out: a problem is stored and shown where the value may not be.
        message: shorten(
            &error.masked_with("the value").to_string(),
            MESSAGE_CHARS_MAX,
        ),
    }
}

fn bad_schema(error: &ValidationError<'_>) -> ExprError {
    ExprError::BadSchema {
        pointer: error.instance_path().to_string(),
        reason: shorten(&error.to_string(), MESSAGE_CHARS_MAX),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn check(schema: Value, value: Value, problems: &[(&str, &str)]) {
        let found = match Schema::parse(&schema).unwrap().validate(&value) {
            Ok(()) => Vec::new(),
            Err(problems) => problems,
        };
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.pointer.as_str(), one.message.as_str()))
            .collect();
        assert_eq!(found, problems, "{schema}");
    }

    #[test]
    fn problems_name_the_place_and_not_the_value() {
        let schema = json!({
            "type": "object",
            "properties": {
                "score": {"type": "integer", "minimum": 0},
                "tags": {"items": {"enum": ["a", "b"]}},
            },
            "required": ["score", "name"],
        });
        check(
            schema.clone(),
            json!({"score": 1, "name": "x", "tags": ["a"]}),
            &[],
        );
        check(
            schema,
            json!({"score": "private", "tags": ["a", "private"]}),
            &[
                ("", "\"name\" is a required property"),
                ("/score", "the value is not of type \"integer\""),
                ("/tags/1", "the value is not one of \"a\" or \"b\""),
            ],
        );
    }

    #[test]
    fn references_inside_the_schema_work_and_others_are_refused() {
        let inside = json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "number"}}});
        check(
            inside,
            json!("x"),
            &[("", "the value is not of type \"number\"")],
        );
        for remote in [
            "https://example.com/s.json",
            "file:///etc/passwd",
            "other.json",
        ] {
            let error = Schema::parse(&json!({"$ref": remote})).unwrap_err();
            assert!(matches!(error, ExprError::BadSchema { .. }), "{error}");
        }
        assert!(Schema::parse(&json!({"$ref": "#/$defs/gone"})).is_err());
    }

    #[test]
    fn what_is_no_schema_is_refused_at_its_place() {
        let error = Schema::parse(&json!({"properties": {"a": {"type": "text"}}})).unwrap_err();
        assert!(
            error.to_string().contains("`/properties/a/type`"),
            "{error}"
        );
        assert!(Schema::parse(&json!("object")).is_err());
        assert!(
            Schema::parse(&json!({"pattern": "(?=a)b"})).is_err(),
            "it needs backtracking"
        );
        assert!(Schema::parse(&json!({"pattern": "((a{1000}){1000}){1000}"})).is_err());
    }

    #[test]
    fn an_older_schema_word_is_read_as_the_current_draft() {
        let schema = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "null"});
        check(schema, json!(null), &[]);
    }

    #[test]
    fn at_most_20_problems_are_told() {
        let schema = Schema::parse(&json!({"items": {"type": "string"}})).unwrap();
        let told = |wrong: usize| schema.validate(&json!(vec![1; wrong])).unwrap_err().len();
        assert_eq!(told(SCHEMA_PROBLEMS_MAX), SCHEMA_PROBLEMS_MAX);
        assert_eq!(told(SCHEMA_PROBLEMS_MAX + 1), SCHEMA_PROBLEMS_MAX);
    }

    #[test]
    fn a_union_that_refers_to_itself_is_counted_first() {
        let kinds = (0..10).map(|kind| {
            let next = json!({"$ref": "#"});
            json!({"properties": {"kind": {"const": kind}, "left": next}, "required": ["kind"]})
        });
        let schema = Schema::parse(&json!({"oneOf": kinds.collect::<Vec<_>>()})).unwrap();
        let nested = |levels: usize, last: i32| {
            (0..levels).fold(
                json!({"kind": last}),
                |left, _| json!({"kind": 1, "left": left}),
            )
        };
        assert_eq!(schema.validate(&nested(3, 9)), Ok(()));
        assert_eq!(schema.validate(&nested(3, 10)).unwrap_err().len(), 1);
        let refused = schema.validate(&nested(9, 9)).unwrap_err();
        assert!(refused[0].message.contains("too much work"), "{refused:?}");
    }

    #[test]
    fn a_schema_and_a_value_have_limits() {
        let long = json!({"description": "x".repeat(SCHEMA_BYTES_MAX)});
        assert!(matches!(
            Schema::parse(&long),
            Err(ExprError::TooLong { .. })
        ));
        let deep = (0..100).fold(json!({}), |inner, _| json!({"not": inner}));
        assert!(matches!(
            Schema::parse(&deep),
            Err(ExprError::ValueTooDeep { .. })
        ));
        let value = (0..100).fold(json!({}), |inner, _| json!([inner]));
        let problems = Schema::parse(&json!(true))
            .unwrap()
            .validate(&value)
            .unwrap_err();
        assert!(
            problems[0].message.contains("nested deeper"),
            "{problems:?}"
        );
    }
}
