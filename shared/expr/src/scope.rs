//! What an expression sees: the six names that have values, and how a reference finds one.

use crate::error::ExprError;
use crate::reference::{Reference, Root, Segment};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The values an expression sees. Nothing is copied until an expression mentions it.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// `in`: the input of the run.
    pub input: &'a Value,
    /// `vars`: the workflow's variables.
    pub vars: &'a BTreeMap<String, Value>,
    /// `nodes.<id>.output`: what each finished node gave, by node id.
    pub nodes: &'a BTreeMap<String, Value>,
    /// `item`: the element a map is at; there is none outside a map.
    pub item: Option<&'a Value>,
    /// `index`: the place of that element, from 0.
    pub index: Option<u64>,
    /// `run`: read-only facts of the run, such as `run.id`.
    pub run: &'a Value,
}

static NOTHING: Value = Value::Null;
static EMPTY: LazyLock<BTreeMap<String, Value>> = LazyLock::new(BTreeMap::new);

impl<'a> Scope<'a> {
    /// A scope outside any map.
    pub fn new(
        input: &'a Value,
        vars: &'a BTreeMap<String, Value>,
        nodes: &'a BTreeMap<String, Value>,
        run: &'a Value,
    ) -> Self {
        Self {
            input,
            vars,
            nodes,
            item: None,
            index: None,
            run,
        }
    }

    /// A scope in which only `in` has a value; what checks and previews need.
    pub fn of_input(input: &'a Value) -> Self {
        Self::new(input, &EMPTY, &EMPTY, &NOTHING)
    }

    /// The same scope at one element of a map.
    #[must_use]
    pub fn with_item(self, item: &'a Value, index: u64) -> Self {
        Self {
            item: Some(item),
            index: Some(index),
            ..self
        }
    }

    /// The value of a reference. Fails with the part of it that is not there.
    pub fn get(&self, reference: &Reference) -> Result<Cow<'a, Value>, ExprError> {
        let path = reference.path.as_slice();
        match reference.root {
            Root::Input => follow(reference, self.input, path).map(Cow::Borrowed),
            Root::Run => follow(reference, self.run, path).map(Cow::Borrowed),
            Root::Item => {
                let item = self.item.ok_or_else(|| outside_map(reference))?;
                follow(reference, item, path).map(Cow::Borrowed)
            }
            Root::Index => {
                let index = self.index.ok_or_else(|| outside_map(reference))?;
                Ok(Cow::Owned(Value::from(index)))
            }
            Root::Vars => self.get_variable(reference, path),
            Root::Nodes => self.get_node(reference, path),
            Root::Secret => Err(ExprError::SecretNotAllowed {
                name: reference.secret_name(),
            }),
        }
    }

    fn get_variable(&self, reference: &Reference, path: &[Segment]) -> Found<'a> {
        let Some((first, rest)) = path.split_first() else {
            let all = self
                .vars
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()));
            return Ok(Cow::Owned(Value::Object(all.collect::<Map<_, _>>())));
        };
        let value = first
            .key()
            .and_then(|name| self.vars.get(name))
            .ok_or_else(|| missing(reference, format!("the variable `{first}` is not set")))?;
        follow(reference, value, rest).map(Cow::Borrowed)
    }

    fn get_node(&self, reference: &Reference, path: &[Segment]) -> Found<'a> {
        let Some((first, rest)) = path.split_first() else {
            let all = self
                .nodes
                .iter()
                .map(|(id, value)| (id.clone(), with_output(value)));
            return Ok(Cow::Owned(Value::Object(all.collect::<Map<_, _>>())));
        };
        let output = first
            .key()
            .and_then(|id| self.nodes.get(id))
            .ok_or_else(|| missing(reference, format!("the node `{first}` has no output yet")))?;
        match rest.split_first() {
            None => Ok(Cow::Owned(with_output(output))),
            Some((Segment::Key(word), rest)) if word == "output" => {
                follow(reference, output, rest).map(Cow::Borrowed)
            }
            Some(_) => Err(missing(
                reference,
                "a node has `output` and nothing else".to_owned(),
            )),
        }
    }
}

type Found<'a> = Result<Cow<'a, Value>, ExprError>;

fn with_output(value: &Value) -> Value {
    Value::Object(Map::from_iter([("output".to_owned(), value.clone())]))
}

fn missing(reference: &Reference, reason: String) -> ExprError {
    ExprError::Missing {
        reference: reference.to_string(),
        reason,
    }
}

fn outside_map(reference: &Reference) -> ExprError {
    missing(
        reference,
        "it is known only inside a map over a list".to_owned(),
    )
}

/// Walks a path down a value.
fn follow<'a>(
    reference: &Reference,
    start: &'a Value,
    path: &[Segment],
) -> Result<&'a Value, ExprError> {
    let mut value = start;
    for segment in path {
        let next = match segment {
            Segment::Key(key) => value.as_object().and_then(|fields| fields.get(key)),
            Segment::Index(index) => value.as_array().and_then(|items| items.get(*index)),
        };
        value = next.ok_or_else(|| missing(reference, why_not(value, segment)))?;
    }
    Ok(value)
}

fn why_not(value: &Value, segment: &Segment) -> String {
    match (value, segment) {
        (Value::Object(_), Segment::Key(key)) => format!("there is no `{key}`"),
        (Value::Array(items), Segment::Index(index)) => {
            format!(
                "the list has {} elements, so there is no `[{index}]`",
                items.len()
            )
        }
        (_, Segment::Key(key)) => format!("{} has no `{key}`", kind_of(value)),
        (_, Segment::Index(index)) => format!("{} has no `[{index}]`", kind_of(value)),
    }
}

/// A value's type, as named in messages.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::json;

    fn check(text: &str) -> Result<Value, String> {
        let input = json!({"title": "T", "tags": ["a", "b"], "n": null});
        let vars = BTreeMap::from([("x".to_owned(), json!({"y": 1}))]);
        let nodes = BTreeMap::from([("odd id".to_owned(), json!([10, 20]))]);
        let (run, item) = (json!({"id": "r1"}), json!({"k": true}));
        let scope = Scope::new(&input, &vars, &nodes, &run).with_item(&item, 3);
        let reference = Reference::parse(text).unwrap();
        scope
            .get(&reference)
            .map(Cow::into_owned)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_root_is_found() {
        assert_eq!(check("in.title"), Ok(json!("T")));
        assert_eq!(check("in.tags[1]"), Ok(json!("b")));
        assert_eq!(check("in.n"), Ok(Value::Null));
        assert_eq!(check("vars"), Ok(json!({"x": {"y": 1}})));
        assert_eq!(check("vars.x.y"), Ok(json!(1)));
        assert_eq!(check("nodes[\"odd id\"].output[0]"), Ok(json!(10)));
        assert_eq!(check("item.k"), Ok(json!(true)));
        assert_eq!(check("index"), Ok(json!(3)));
        assert_eq!(check("run.id"), Ok(json!("r1")));
    }

    #[test]
    fn what_is_missing_is_named() {
        let said = |text| check(text).unwrap_err();
        assert_eq!(
            said("in.titel"),
            "`in.titel` has no value: there is no `titel`"
        );
        assert_eq!(
            said("in.title.x"),
            "`in.title.x` has no value: a text has no `x`"
        );
        assert_eq!(
            said("in.tags[2]"),
            "`in.tags[2]` has no value: the list has 2 elements, so there is no `[2]`"
        );
        assert_eq!(
            said("vars.z"),
            "`vars.z` has no value: the variable `z` is not set"
        );
        assert_eq!(
            said("nodes.b.output"),
            "`nodes.b.output` has no value: the node `b` has no output yet"
        );
        assert!(said("secret.KEY").contains("secret.KEY"));
    }

    #[test]
    fn item_and_index_are_missing_outside_a_map() {
        let scope_input = json!({});
        let scope = Scope::of_input(&scope_input);
        for text in ["item", "item.k", "index"] {
            let error = scope.get(&Reference::parse(text).unwrap()).unwrap_err();
            assert!(error.to_string().contains("only inside a map"), "{error}");
        }
    }
}
