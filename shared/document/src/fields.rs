//! Takes the fields of one JSON object and says what is wrong with them, without stopping.

use crate::codes;
use crate::document::id_is_legal;
use crate::problem::{PatchOp, Problem, Sink, pointer_to};
use lattice_model::NodeId;
use lattice_model::limits::{ID_CHARS_MAX, VISITS_MAX};
use serde_json::{Map, Value};

/// A place in the document: where problems are reported.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub node: Option<NodeId>,
    pub pointer: String,
}

impl Place {
    /// The place of a field or an item inside this one.
    pub fn inside(&self, segment: &str) -> Self {
        Self {
            node: self.node.clone(),
            pointer: pointer_to(&self.pointer, segment),
        }
    }

    /// An error at this place.
    pub fn error(&self, code: crate::Code, text: impl Into<String>) -> Problem {
        Problem {
            node: self.node.clone(),
            ..Problem::error(code, self.pointer.clone(), text)
        }
    }

    /// A warning at this place.
    pub fn warning(&self, code: crate::Code, text: impl Into<String>) -> Problem {
        Problem {
            node: self.node.clone(),
            ..Problem::warning(code, self.pointer.clone(), text)
        }
    }

    /// An error about a value of the wrong type, which leaves the document unreadable.
    pub fn wrong_type(&self, expected: &str, found: &Value) -> Problem {
        let name = self.pointer.rsplit('/').next().unwrap_or_default();
        let text = format!("`{name}` must be {expected} and is {}", type_of(found));
        self.error(codes::WRONG_TYPE, text)
            .help(format!("write {expected} here"))
    }
}

/// The type of a value, in words.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a Boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// One object of the document.
pub(crate) struct Fields<'v> {
    map: &'v Map<String, Value>,
    pub place: Place,
}

impl<'v> Fields<'v> {
    /// Opens an object; anything else is a problem.
    pub fn open(value: &'v Value, place: Place, sink: &mut Sink) -> Option<Self> {
        if let Value::Object(map) = value {
            return Some(Self { map, place });
        }
        sink.push_fatal(place.wrong_type("an object", value));
        None
    }

    /// Reports every field that is not in the list.
    pub fn only(&self, known: &[&str], sink: &mut Sink) {
        for key in self.map.keys().filter(|key| !known.contains(&key.as_str())) {
            let place = self.place.inside(key);
            let fix = vec![PatchOp::Remove {
                path: place.pointer.clone(),
            }];
            let known = known
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>();
            let help = format!("remove it; the fields here are {}", known.join(", "));
            let text = format!("the field `{key}` is not known here");
            sink.push(place.error(codes::UNKNOWN_FIELD, text).help(help).fix(fix));
        }
    }

    /// A field of one type. `None` if it is absent, or wrong and reported.
    pub fn get<T>(
        &self,
        key: &str,
        expected: &str,
        take: impl FnOnce(&'v Value) -> Option<T>,
        sink: &mut Sink,
    ) -> Option<T> {
        let value = self.map.get(key)?;
        let taken = take(value);
        if taken.is_none() {
            sink.push_fatal(self.place.inside(key).wrong_type(expected, value));
        }
        taken
    }

    /// A field that may be absent, of any type.
    pub fn value(&self, key: &str) -> Option<&'v Value> {
        self.map.get(key)
    }

    /// A text that may be absent.
    pub fn text(&self, key: &str, sink: &mut Sink) -> Option<String> {
        self.get(
            key,
            "a text",
            |value| value.as_str().map(str::to_owned),
            sink,
        )
    }

    /// An object that may be absent.
    pub fn object(&self, key: &str, sink: &mut Sink) -> Option<&'v Map<String, Value>> {
        self.get(key, "an object", Value::as_object, sink)
    }

    /// Reports a field that must be there and is not, with a value to put there if there is one.
    pub fn require(&self, key: &str, default: Option<Value>, sink: &mut Sink) {
        if self.map.contains_key(key) {
            return;
        }
        let problem = self.place.error(
            codes::MISSING_FIELD,
            format!("the field `{key}` is missing"),
        );
        let path = pointer_to(&self.place.pointer, key);
        let problem = problem.help(format!("add `{key}`"));
        sink.push_fatal(match default {
            Some(value) => problem.fix(vec![PatchOp::Add { path, value }]),
            None => problem,
        });
    }

    /// A text that must be there; empty if it is not, and reported.
    pub fn required_text(&self, key: &str, default: Option<Value>, sink: &mut Sink) -> String {
        self.require(key, default, sink);
        self.text(key, sink).unwrap_or_default()
    }

    /// A list that must be there; empty if it is not, and reported.
    pub fn required_list(&self, key: &str, sink: &mut Sink) -> &'v [Value] {
        self.require(key, Some(Value::Array(Vec::new())), sink);
        self.get(key, "a list", Value::as_array, sink)
            .map_or(&[], Vec::as_slice)
    }

    /// The type of a node: a text that must be there and is not empty.
    pub fn node_type(&self, sink: &mut Sink) -> String {
        let kind = self.required_text("type", None, sink);
        if kind.is_empty() && self.value("type").is_some_and(Value::is_string) {
            let problem = self
                .place
                .inside("type")
                .error(codes::OUT_OF_RANGE, "the node type is empty");
            sink.push(problem.help("write a node type, such as `prompt`"));
        }
        kind
    }

    /// How often a run may come to a node.
    pub fn visits(&self, sink: &mut Sink) -> Option<u32> {
        let name = "maxVisits";
        let visits = self.get(name, "a whole number", Value::as_u64, sink)?;
        let legal = u32::try_from(visits)
            .ok()
            .filter(|it| (1..=VISITS_MAX).contains(it));
        if legal.is_none() {
            let text = format!("`{name}` is {visits} and must be from 1 to {VISITS_MAX}");
            let problem = self.place.inside(name).error(codes::OUT_OF_RANGE, text);
            let help = "say how often a run may come to the node";
            sink.push(problem.help(help));
        }
        legal
    }

    /// An id: a text of the legal characters.
    pub fn id(&self, key: &str, sink: &mut Sink) -> Option<String> {
        let id = self.text(key, sink)?;
        if !id_is_legal(&id) {
            sink.push(illegal_id(&self.place.inside(key), &id));
        }
        Some(id)
    }
}

/// The problem of an id that is empty, too long or has other characters than allowed.
pub(crate) fn illegal_id(place: &Place, id: &str) -> Problem {
    let text = if id.is_empty() {
        "an id must not be empty".to_owned()
    } else if id.chars().count() > ID_CHARS_MAX {
        format!(
            "an id has at most {ID_CHARS_MAX} characters, this has {}",
            id.chars().count()
        )
    } else {
        format!(
            "the id `{}` has characters that an id must not have",
            id.escape_debug()
        )
    };
    place
        .error(codes::ILLEGAL_ID, text)
        .help("use letters, digits, `-`, `_` and `.`")
}
