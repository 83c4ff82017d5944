//! What the stages of one branch have made, or those of the run outside all branches.

use super::joins::Changes;
use lattice_model::{Millis, NodeId};
use serde_json::Value;
use std::collections::BTreeMap;

/// What was made, and what expressions see of it.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// What its own timers have come to.
    pub now: Millis,
    /// The moment beyond which it cannot wait, as it or something around it has to be over.
    pub horizon: Option<Millis>,
    /// Outputs that expressions see, by node: its own, and those around it.
    pub seen: BTreeMap<String, Value>,
    /// Variables that expressions see.
    pub variables: BTreeMap<String, Value>,
    /// Its own outputs.
    pub outputs: BTreeMap<NodeId, Value>,
    /// What it did to the variables.
    pub changes: Changes,
    /// The names of the ops it visited, in order.
    pub path: Vec<String>,
    /// What the last node in it gave.
    pub last: Value,
    /// The item that it belongs to, and its place in the whole list.
    pub item: Option<(Value, u32)>,
}

impl Frame {
    /// A run that begins.
    pub fn of_run(now: Millis, variables: BTreeMap<String, Value>) -> Self {
        Self {
            now,
            horizon: None,
            seen: BTreeMap::new(),
            variables,
            outputs: BTreeMap::new(),
            changes: Changes::new(),
            path: Vec::new(),
            last: Value::Null,
            item: None,
        }
    }

    /// A branch that begins in it, and has to be over by then.
    pub fn inside(&self, due: Option<Millis>) -> Self {
        Self {
            horizon: self.horizon.into_iter().chain(due).min(),
            outputs: BTreeMap::new(),
            changes: Changes::new(),
            path: Vec::new(),
            last: Value::Null,
            ..self.clone()
        }
    }

    /// An item of a map that begins in it: its own result, until a node gives another one.
    pub fn item(&self, item: Value, index: u32) -> Self {
        Self {
            last: item.clone(),
            item: Some((item, index)),
            ..self.inside(None)
        }
    }

    /// The place of the item that it belongs to.
    pub fn index(&self) -> Option<u32> {
        self.item.as_ref().map(|(_, index)| *index)
    }

    /// A node in it gives an output.
    pub fn give(&mut self, node: &NodeId, output: Value) {
        self.last = output.clone();
        self.seen.insert(node.to_string(), output.clone());
        self.outputs.insert(node.clone(), output);
    }

    /// A variable changes; `None` = it is deleted.
    pub fn set(&mut self, name: &str, value: Option<Value>) {
        match &value {
            Some(value) => self.variables.insert(name.to_owned(), value.clone()),
            None => self.variables.remove(name),
        };
        self.changes.insert(name.to_owned(), value);
    }
}
