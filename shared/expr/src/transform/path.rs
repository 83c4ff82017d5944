//! JSONPath (RFC 9535): the `serde_json_path` crate between a check of the text and an estimate of
//! the work. The crate keeps its tree to itself, so both are read from the text.

use crate::error::{ExprError, Language, check_length, shorten};
use crate::weight::Weight;
use lattice_model::limits::{
    EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_WORK_MAX, JSONPATH_FILTER_DEPTH_MAX,
    VALUE_BYTES_MAX,
};
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

/// What reading a regular expression for one element costs, in units of work.
const REGEX_UNITS: u64 = 1_000;

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

/// What multiplies the work of a query, read from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    /// Selectors beside each other in one bracket, multiplied over the brackets.
    selectors: u64,
    /// `..`, and queries inside filters that can match more than once below their element: each
    /// can meet a value once for each of its ancestors.
    descents: u32,
    /// Queries from `$` inside filters that can match more than once: each reads the whole value
    /// for each element.
    whole_reads: u32,
    /// Calls of `match` and `search`.
    patterns: u64,
}

impl Cost {
    fn of(source: &str) -> Result<Self, ExprError> {
        let mut reader = Reader::new(source);
        while reader.pos < source.len() {
            reader.step()?;
        }
        Ok(reader.cost)
    }

    /// An upper bound of the values a query meets.
    fn units(self, weight: Weight) -> u64 {
        let per_value = if self.patterns == 0 {
            1
        } else {
            self.patterns * REGEX_UNITS
        };
        weight
            .nodes
            .saturating_mul(self.selectors)
            .saturating_mul((weight.depth as u64).saturating_pow(self.descents))
            .saturating_mul(weight.nodes.saturating_pow(self.whole_reads))
            .saturating_mul(per_value)
    }
}

/// One open bracket.
struct Level {
    close: u8,
    /// Selectors seen in it.
    selectors: u64,
    /// Whether a `?` was met in it.
    filter: bool,
}

struct Reader<'t> {
    source: &'t str,
    pos: usize,
    levels: Vec<Level>,
    cost: Cost,
}

impl<'t> Reader<'t> {
    fn new(source: &'t str) -> Self {
        let cost = Cost {
            selectors: 1,
            descents: 0,
            whole_reads: 0,
            patterns: 0,
        };
        Self {
            source,
            pos: 0,
            levels: Vec::new(),
            cost,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied()
    }

    fn step(&mut self) -> Result<(), ExprError> {
        let Some(byte) = self.byte(self.pos) else {
            return Ok(());
        };
        match byte {
            b'"' | b'\'' => {
                self.pos = quote_end(self.source.as_bytes(), self.pos);
                return Ok(());
            }
            b'[' | b'(' => {
                if byte == b'(' {
                    self.function()?;
                }
                let close = if byte == b'[' { b']' } else { b')' };
                self.levels.push(Level {
                    close,
                    selectors: 1,
                    filter: false,
                });
            }
            b']' | b')' => self.close(byte),
            b',' => {
                if let Some(level) = self.levels.last_mut() {
                    level.selectors += 1;
                }
            }
            b'?' => {
                if let Some(level) = self.levels.last_mut() {
                    level.filter = true;
                }
            }
            b'.' if self.byte(self.pos + 1) == Some(b'.') => {
                self.cost.descents = self.cost.descents.saturating_add(1);
                self.pos += 1;
            }
            b'$' | b'@' if self.pos > 0 && self.is_wide() => {
                let counter = match byte {
                    b'$' => &mut self.cost.whole_reads,
                    _ => &mut self.cost.descents,
                };
                *counter = counter.saturating_add(1);
            }
            _ => {}
        }
        self.pos += 1;
        self.check_depth()
    }

    /// Notes a call of `match` or `search` and refuses a pattern that comes from the data, since
    /// whoever writes the data would choose what it costs.
    fn function(&mut self) -> Result<(), ExprError> {
        let before = self.source.get(..self.pos).unwrap_or_default();
        if !before.ends_with("match") && !before.ends_with("search") {
            return Ok(());
        }
        self.cost.patterns += 1;
        let mut depth = 0_usize;
        let mut at = self.pos;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' | b'\'' => {
                    at = quote_end(self.source.as_bytes(), at);
                    continue;
                }
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth = depth.saturating_sub(1),
                b',' if depth == 1 => break,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            at += 1;
        }
        let pattern = self.source.get(at + 1..).unwrap_or_default().trim_start();
        if self.byte(at) == Some(b',') && !pattern.starts_with(['"', '\'']) {
            return Err(ExprError::Syntax {
                what: WHAT,
                at: at + 1,
                reason: "the pattern of `match` and `search` must be a quoted text".to_owned(),
            });
        }
        Ok(())
    }

    fn close(&mut self, byte: u8) {
        if self.levels.last().is_some_and(|level| level.close == byte)
            && let Some(level) = self.levels.pop()
            && byte == b']'
        {
            self.cost.selectors = self.cost.selectors.saturating_mul(level.selectors);
        }
    }

    /// Whether the query that starts here can match more than one value.
    fn is_wide(&self) -> bool {
        let mut depth = 0_usize;
        let mut at = self.pos + 1;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' | b'\'' => {
                    at = quote_end(self.source.as_bytes(), at);
                    continue;
                }
                b'*' | b'?' | b':' => return true,
                b',' if depth > 0 => return true,
                b'.' if self.byte(at + 1) == Some(b'.') => return true,
                b'[' => depth += 1,
                b']' if depth > 0 => depth -= 1,
                b']' | b')' | b',' | b'=' | b'!' | b'<' | b'>' | b'&' | b'|' if depth == 0 => {
                    return false;
                }
                _ => {}
            }
            at += 1;
        }
        false
    }

    fn check_depth(&self) -> Result<(), ExprError> {
        // The parser tries a filter, and the arguments of a function, in several ways, each time
        // with all that is inside: what nests there costs a power of its depth.
        let tried_again = self
            .levels
            .iter()
            .filter(|level| level.filter || level.close == b')');
        let (depth, max) = if tried_again.count() > JSONPATH_FILTER_DEPTH_MAX {
            (usize::MAX, JSONPATH_FILTER_DEPTH_MAX)
        } else {
            (self.levels.len(), EXPRESSION_DEPTH_MAX)
        };
        if depth > max {
            return Err(ExprError::TooDeep {
                what: WHAT,
                max,
                at: self.pos,
            });
        }
        Ok(())
    }
}

/// The place behind a quoted text that starts at `at`.
fn quote_end(bytes: &[u8], at: usize) -> usize {
    let quote = bytes.get(at).copied();
    let mut end = at + 1;
    while let Some(byte) = bytes.get(end).copied() {
        end += 1;
        if byte == b'\\' {
            end += 1;
        } else if Some(byte) == quote {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
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

    fn cost(source: &str) -> (u64, u32, u32, u64) {
        let cost = Cost::of(source).unwrap();
        (
            cost.selectors,
            cost.descents,
            cost.whole_reads,
            cost.patterns,
        )
    }

    #[test]
    fn the_cost_is_read_from_the_text() {
        assert_eq!(cost("$.a.b[0]['c']"), (1, 0, 0, 0));
        assert_eq!(cost("$[0,1,2][*,*]"), (6, 0, 0, 0));
        assert_eq!(cost("$..a..b"), (1, 2, 0, 0));
        assert_eq!(cost("$[?@.a > $.b.c]"), (1, 0, 0, 0));
        assert_eq!(cost("$[?@.a > $.b['x:y'].c]"), (1, 0, 0, 0));
        assert_eq!(cost("$[?count(@.a[*]) > count($.b[*])]"), (1, 1, 1, 0));
        assert_eq!(cost("$[?match(@.a, 'x,[?*')]"), (1, 0, 0, 1));
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
