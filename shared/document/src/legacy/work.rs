//! One node on its way from an older type to ours: what it had, what it gets, and what is said
//! about it.

use crate::codes;
use crate::fields::Place;
use crate::legacy::names::{Names, path, rewrite};
use crate::legacy::old::{Layout, OldNode};
use crate::legacy::ports::Ports;
use crate::legacy::variables::Variables;
use crate::problem::{Change, Sink};
use lattice_model::NodeId;
use serde_json::{Map, Value};

/// Fields that said again what follows from the settings.
pub(crate) const DERIVED: &[&str] = &["outputPorts", "validationStatus"];

/// See the head of the file.
pub(crate) struct Work<'a> {
    pub id: NodeId,
    /// The type, at first the old one.
    pub kind: String,
    pub parent: Option<NodeId>,
    pub old: &'a OldNode,
    /// The old settings that nothing has taken yet.
    pub data: Map<String, Value>,
    /// The new settings.
    pub settings: Map<String, Value>,
    /// The ports that edges leave from.
    pub ports: Ports,
    /// A schema of the trigger's input, if this is the node that had one.
    pub input: Option<Value>,
    place: usize,
    names: &'a Names<'a>,
    variables: &'a Variables,
    data_key: &'static str,
    sink: &'a mut Sink,
}

impl<'a> Work<'a> {
    /// Starts with what the node had.
    pub fn new(
        old: &'a OldNode,
        place: usize,
        names: &'a Names<'a>,
        variables: &'a Variables,
        layout: &Layout,
        sink: &'a mut Sink,
    ) -> Self {
        let ids = names.ids;
        let mut data = old.data.clone();
        for key in DERIVED.iter().chain(&["label"]) {
            data.remove(*key);
        }
        if data.get("variables").is_some_and(Value::is_object) {
            // They are variables of the workflow now: see `Names::collect`.
            data.remove("variables");
        }
        Self {
            id: ids
                .nodes
                .get(place)
                .cloned()
                .unwrap_or_else(|| NodeId::new(old.id.as_str())),
            kind: old.kind.clone(),
            parent: old
                .parent
                .as_ref()
                .and_then(|parent| ids.node(parent))
                .cloned(),
            old,
            data,
            settings: Map::new(),
            ports: Ports::One,
            input: None,
            place,
            names,
            variables,
            data_key: layout.data,
            sink,
        }
    }

    /// The first of these old settings that is there and not null, taken out.
    pub fn take(&mut self, keys: &[&str]) -> Option<Value> {
        let key = keys
            .iter()
            .find(|key| self.data.get(**key).is_some_and(|value| !value.is_null()));
        self.data.remove(*key?)
    }

    /// The same, if it is a text that is not empty.
    pub fn take_text(&mut self, keys: &[&str]) -> Option<String> {
        let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.trim().is_empty());
        let key = keys
            .iter()
            .find(|key| self.data.get(**key).is_some_and(is_text))?;
        match self.data.remove(*key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Gives the node a setting.
    pub fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.settings.insert(key.to_owned(), value.into());
    }

    /// Carries an old setting over, its templates in the names of today.
    pub fn carry(&mut self, from: &[&str], to: &str) {
        if let Some(value) = self.take(from) {
            let value = self.rewritten(value);
            self.put(to, value);
        }
    }

    /// Carries everything over that is left, under the same names.
    pub fn carry_rest(&mut self) {
        for (key, value) in std::mem::take(&mut self.data) {
            let value = self.rewritten(value);
            self.put(&key, value);
        }
    }

    /// A text with its templates in the names of today.
    pub fn template(&mut self, text: &str) -> String {
        let mut found = Vec::new();
        let (names, place) = (self.names, self.place);
        let new = rewrite(text, &|old| names.path(place, old), &mut found);
        found.sort();
        found.dedup();
        for (old, new) in found {
            self.change(format!("`{old}` is now `{new}`"));
        }
        new
    }

    /// A value, all of whose texts are templates.
    pub fn rewritten(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.template(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.rewritten(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.into_iter();
                Value::Object(
                    fields
                        .map(|(key, item)| (key, self.rewritten(item)))
                        .collect(),
                )
            }
            plain => plain,
        }
    }

    /// A condition as an expression of today, if it was an expression.
    pub fn expression(&mut self, text: &str) -> Option<String> {
        let (names, place) = (self.names, self.place);
        let new = super::conditions::as_expression(text, &|old| names.path(place, old), &|word| {
            names.is_declared(place, word)
        })?;
        if new != text {
            self.change(format!("the condition `{text}` is now `{new}`"));
        }
        Some(new)
    }

    /// The path of what the only node before this one gave.
    pub fn previous(&self) -> Option<String> {
        let previous = self.names.ids.only_previous(&self.old.id)?;
        Some(path("nodes", &[previous.as_str(), "output"]))
    }

    /// The name that a stored variable has now.
    pub fn variable(&self, old: &str) -> Option<&str> {
        self.variables.stored.get(old).map(String::as_str)
    }

    /// Whether an edge says where to go on when the time is up.
    pub fn has_timeout_edge(&self) -> bool {
        self.names.ids.has_timeout_edge(&self.old.id)
    }

    /// The path that a name of the `in` block stands for.
    pub fn bound(&self, name: &str) -> Option<String> {
        self.old.binding(name)?;
        self.names.path(self.place, name)
    }

    /// Gives the node another type.
    pub fn become_type(&mut self, kind: &str) {
        let old = std::mem::replace(&mut self.kind, kind.to_owned());
        self.change(format!("the type `{old}` is now `{kind}`"));
    }

    /// Says what was changed.
    pub fn change(&mut self, text: impl Into<String>) {
        self.sink.change(Change {
            node: Some(self.id.clone()),
            pointer: format!("/nodes/{}", self.place),
            text: text.into(),
        });
    }

    /// Asks a person to look, and says what to do.
    pub fn look(&mut self, code: crate::Code, text: &str, help: &str) {
        let place = Place::default()
            .inside("nodes")
            .inside(&self.place.to_string());
        let place = Place {
            node: Some(self.id.clone()),
            ..place.inside(self.data_key)
        };
        self.sink.push(place.warning(code, text).help(help));
    }

    /// Asks a person to look at a step that works differently now.
    pub fn look_at_upgrade(&mut self, text: &str, help: &str) {
        self.look(codes::LOOK_AT_UPGRADE, text, help);
    }

    /// Names what nothing took: settings, and fields beside them.
    pub fn note_left_over(&mut self) {
        let beside = self.old.keep.keys().filter(|key| *key != "id");
        if let Some(text) = left_over(self.data.keys().chain(beside), &format!("`{}`", self.kind)) {
            self.change(text);
        }
    }
}

/// The sentence that names what has no place in something. `None` if everything has.
pub(crate) fn left_over<'k>(keys: impl Iterator<Item = &'k String>, place: &str) -> Option<String> {
    let keys: Vec<_> = keys
        .map(|key| format!("`{}`", key.escape_debug()))
        .collect();
    let (has, is) = match keys.len() {
        0 => return None,
        1 => ("has", "is"),
        _ => ("have", "are"),
    };
    Some(format!(
        "{} {has} no place in {place} and {is} kept under `legacy`",
        keys.join(", ")
    ))
}
