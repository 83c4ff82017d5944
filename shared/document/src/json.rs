//! Bytes to JSON, with what `serde_json` lets pass: it keeps the last of two equal keys without a
//! word, and its own limit of nesting is not ours.

use crate::codes;
use crate::problem::{PatchOp, Problem, Sink, pointer_to};
use lattice_model::limits::{DOCUMENT_BYTES_MAX, JSON_DEPTH_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// A parsed document and how deeply it is nested.
pub(crate) struct Parsed {
    pub value: Value,
    pub depth: usize,
}

/// Parses a document. `None` if there is nothing to read on with; the sink says why.
pub(crate) fn parse(bytes: &[u8], sink: &mut Sink) -> Option<Parsed> {
    let text = check_text(bytes, sink)?;
    parse_text(text, sink)
}

fn check_text<'b>(bytes: &'b [u8], sink: &mut Sink) -> Option<&'b str> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        let text = format!(
            "the document has {} bytes, and at most {DOCUMENT_BYTES_MAX} are read",
            bytes.len()
        );
        let help = "split it: a `flow` node runs another workflow";
        sink.push_fatal(Problem::error(codes::TOO_LARGE, "", text).help(help));
        return None;
    }
    match std::str::from_utf8(bytes) {
        // Some editors put a byte order mark first; JSON has none, and nothing is lost with it.
        Ok(text) => Some(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let text = format!("byte {} is not UTF-8 text", error.valid_up_to());
            let problem = Problem::error(codes::NOT_UTF8, "", text);
            sink.push_fatal(problem.help("save the file as UTF-8"));
            None
        }
    }
}

fn parse_text(text: &str, sink: &mut Sink) -> Option<Parsed> {
    let mut state = State::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Place {
        state: &mut state,
        depth: 0,
    }
    .deserialize(&mut deserializer);
    match read.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => {
            for pointer in state.duplicates {
                sink.push(duplicate(pointer));
            }
            Some(Parsed {
                value,
                depth: state.deepest,
            })
        }
        Err(_) if state.too_deep => {
            sink.push_fatal(too_deep(&state.pointer, JSON_DEPTH_MAX));
            None
        }
        Err(error) => {
            let problem = Problem::error(codes::NOT_JSON, "", format!("not JSON: {error}"));
            sink.push_fatal(problem.help("mend the text at that line and column"));
            None
        }
    }
}

/// The problem of a document that is nested more deeply than `limit`.
pub(crate) fn too_deep(pointer: &str, limit: usize) -> Problem {
    let text = format!("the document is nested more than {limit} levels deep");
    Problem::error(codes::TOO_DEEP, pointer, text).help("flatten the value at this place")
}

fn duplicate(pointer: String) -> Problem {
    let key = pointer.rsplit('/').next().unwrap_or_default();
    let text = format!("the key `{key}` stands twice in one object");
    // A patch can only name the key, and removing it removes what a reader sees: the last one.
    let fix = vec![PatchOp::Remove {
        path: pointer.clone(),
    }];
    Problem::error(codes::DUPLICATE_KEY, pointer, text)
        .help("keep one of them")
        .fix(fix)
}

#[derive(Default)]
struct State {
    /// Where the reader is; after an error, where it was.
    pointer: String,
    deepest: usize,
    too_deep: bool,
    duplicates: Vec<String>,
}

/// Reads one value at a depth.
struct Place<'s> {
    state: &'s mut State,
    depth: usize,
}

impl Place<'_> {
    /// Counts one more level; an error if that is one too many.
    fn descend<E: Error>(&mut self) -> Result<usize, E> {
        let depth = self.depth + 1;
        if depth > JSON_DEPTH_MAX {
            self.state.too_deep = true;
            return Err(E::custom("nested too deeply"));
        }
        self.state.deepest = self.state.deepest.max(depth);
        Ok(depth)
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.descend()?;
        let mut items = Vec::new();
        let length = self.state.pointer.len();
        loop {
            self.state.pointer.push_str(&format!("/{}", items.len()));
            let place = Place {
                state: self.state,
                depth,
            };
            let Some(item) = access.next_element_seed(place)? else {
                break;
            };
            self.state.pointer.truncate(length);
            items.push(item);
        }
        self.state.pointer.truncate(length);
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.descend()?;
        let mut fields = Map::new();
        let length = self.state.pointer.len();
        while let Some(key) = access.next_key::<String>()? {
            self.state.pointer = pointer_to(&self.state.pointer, &key);
            if fields.contains_key(&key) {
                self.state.duplicates.push(self.state.pointer.clone());
            }
            let item = access.next_value_seed(Place {
                state: self.state,
                depth,
            })?;
            self.state.pointer.truncate(length);
            fields.insert(key, item);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn problems(bytes: &[u8]) -> Vec<(&'static str, String)> {
        let mut sink = Sink::default();
        let parsed = parse(bytes, &mut sink);
        assert_eq!(parsed.is_some(), sink.is_readable());
        sink.finish()
            .0
            .into_iter()
            .map(|problem| (problem.code.id(), problem.pointer))
            .collect()
    }

    #[test]
    fn nesting_is_counted_exactly() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(problems(nested(JSON_DEPTH_MAX).as_bytes()), vec![]);
        let deep = problems(nested(JSON_DEPTH_MAX + 1).as_bytes());
        assert_eq!(deep, vec![("LAT-D004", "/0".repeat(JSON_DEPTH_MAX))]);
        // Far beyond any stack: refused while it is read.
        assert_eq!(problems(&b"[".repeat(1_000_000))[0].0, "LAT-D004");
    }

    #[test]
    fn the_size_limit_is_exact() {
        let mut text = b"[]".to_vec();
        text.resize(DOCUMENT_BYTES_MAX, b' ');
        assert_eq!(problems(&text), vec![]);
        text.push(b' ');
        assert_eq!(problems(&text), vec![("LAT-D003", String::new())]);
    }

    #[test]
    fn equal_keys_are_found_where_they_are() {
        let text = br#"{"a": [{"b/c": 1, "b/c": 2}], "a": 3}"#;
        let at = |pointer: &str| ("LAT-D005", pointer.to_owned());
        assert_eq!(problems(text), vec![at("/a/0/b~1c"), at("/a")]);
    }

    #[test]
    fn text_that_is_no_json_names_line_and_column() {
        let mut sink = Sink::default();
        assert!(parse(b"{\n  \"a\": 1 \"b\"\n}", &mut sink).is_none());
        let text = sink.finish().0.remove(0).text;
        assert!(text.contains("line 2 column 10"), "{text}");
        assert_eq!(problems(b"")[0].0, "LAT-D001");
        assert_eq!(problems(b"{} {}")[0].0, "LAT-D001");
        assert_eq!(problems(b"1e999")[0].0, "LAT-D001");
        assert_eq!(problems(b"{\"a\xff\": 1}")[0].0, "LAT-D002");
        assert_eq!(problems(b"\xef\xbb\xbf{}"), vec![]);
    }
}
