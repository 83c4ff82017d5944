//! JSONPath (RFC 9535): the `serde_json_path` crate between a check of the text and an estimate of
//! the work.

use super::cost::Cost;
use crate::error::{ExprError, Language, check_length, shorten};
use crate::weight::Weight;
use lattice_model::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_WORK_MAX, VALUE_BYTES_MAX};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// A parsed JSONPath query. Cheap to clone.
#[derive(Clone)]
pub struct JsonPath(Arc<Parsed>);

struct Parsed {
    source: String,
    query: serde_json_path::JsonPath,
    cost: Cost,
}

const WHAT: Language = Language::JsonPath;

impl JsonPath {
    /// Reads a query. A pattern of `match` and `search` must be a quoted text.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        check_length(WHAT, source, EXPRESSION_BYTES_MAX)?;
        let cost = Cost::of(source)?;
        let query = serde_json_path::JsonPath::parse(source).map_err(|error| {
            let at = error.position().saturating_sub(1).min(source.len());
            ExprError::Syntax {
                what: WHAT,
                at,
                reason: shorten(error.message(), 200),
            }
        })?;
        Ok(Self(Arc::new(Parsed {
            source: source.to_owned(),
            query,
            cost,
        })))
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The list of matches, in the order of the document; an empty list where nothing matches.
    pub fn evaluate(&self, value: &Value) -> Result<Value, ExprError> {
        let weight = Weight::of(value)?;
        if self.0.cost.units(weight) > EXPRESSION_WORK_MAX {
            return Err(ExprError::TooMuchWork {
                what: WHAT,
                max: EXPRESSION_WORK_MAX,
            });
        }
        let mut bytes = 0_u64;
        let mut matches = Vec::new();
        for found in self.0.query.query(value).all() {
            bytes = bytes.saturating_add(Weight::of(found)?.units());
            if bytes > VALUE_BYTES_MAX as u64 {
                return Err(ExprError::TooLarge {
                    what: WHAT,
                    max: VALUE_BYTES_MAX,
                });
            }
            matches.push(found.clone());
        }
        Ok(Value::Array(matches))
    }
}

impl fmt::Debug for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsonPath").field(&self.0.source).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use lattice_model::limits::JSONPATH_FILTER_DEPTH_MAX;
    use proptest::prelude::*;
    use serde_json::json;

    fn store() -> Value {
        json!({
            "books": [
                {"title": "A", "price": 8, "tags": ["x"]},
                {"title": "B", "price": 12, "tags": ["x", "y"]},
            ],
            "limit": 10,
        })
    }

    fn run(source: &str, input: &Value) -> Result<Value, String> {
        let query = JsonPath::parse(source).map_err(|error| error.to_string())?;
        query.evaluate(input).map_err(|error| error.to_string())
    }

    fn check(source: &str, expected: Value) {
        assert_eq!(run(source, &store()), Ok(expected), "{source}");
    }

    #[test]
    fn gives_the_matches_in_the_order_of_the_document() {
        check("$.books[*].title", json!(["A", "B"]));
        check("$.books[1].title", json!(["B"]));
        check("$..price", json!([8, 12]));
        check("$.books[?@.price > $.limit].title", json!(["B"]));
        check("$.books[?count(@.tags[*]) > 1].title", json!(["B"]));
        check("$.books[?match(@.title, '[AC]')].price", json!([8]));
        check("$.nothing", json!([]));
        check("$", json!([store()]));
    }

    #[test]
    fn problems_are_said() {
        let said = |source: &str| run(source, &store()).unwrap_err();
        assert!(said("books").starts_with("the JSONPath query cannot be read at byte 0"));
        assert!(said("$.books[").starts_with("the JSONPath query cannot be read at byte "));
        assert!(said("$[?match(@.a, @.b)]").contains("must be a quoted text"));
        assert!(said("$[?search(@['a,b'], $.p)]").contains("must be a quoted text"));
    }

    #[test]
    fn a_query_that_multiplies_its_matches_is_refused() {
        let list = json!(vec![json!([1, 2, 3]); 10]);
        assert!(run(&format!("${}", "[*,*]".repeat(3)), &list).is_ok());
        assert!(
            run(&format!("${}", "[*,*]".repeat(40)), &list)
                .unwrap_err()
                .contains("much work")
        );
        let deep = (0..40).fold(json!(1), |value, _| json!([value]));
        assert!(
            run(&format!("${}", "..*".repeat(8)), &deep)
                .unwrap_err()
                .contains("much work")
        );
        let wide = json!({"a": vec![1; 20_000]});
        assert!(
            run("$.a[?count($.a[*]) > 1]", &wide)
                .unwrap_err()
                .contains("much work")
        );
        assert!(run("$.a[?@ > $.b]", &wide).is_ok());
    }

    #[test]
    fn filters_nest_four_deep() {
        let nested = |depth: usize| format!("$[?{}@.a{}]", "@[?".repeat(depth), "]".repeat(depth));
        assert!(JsonPath::parse(&nested(JSONPATH_FILTER_DEPTH_MAX - 1)).is_ok());
        assert!(matches!(
            JsonPath::parse(&nested(JSONPATH_FILTER_DEPTH_MAX)),
            Err(ExprError::TooDeep {
                max: JSONPATH_FILTER_DEPTH_MAX,
                ..
            })
        ));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\$[a-b.\\[\\]()*@&|!<>=,:?'\"0-9 \\\\-]{0,24}") {
            let _ = run(&text, &store());
        }

        #[test]
        fn no_unicode_makes_it_panic(text in any::<String>()) {
            let _ = run(&text, &store());
            let _ = run(&format!("${text}"), &store());
        }
    }
}
