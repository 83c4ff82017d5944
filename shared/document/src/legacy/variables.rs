//! The variables of an older document under names that are legal today, each name given once.

use crate::document::variable_name_is_legal;
use crate::legacy::old::{OldDocument, OldNode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a made-up name, so that a number fits behind it.
const BASE_CHARS_MAX: usize = 64;

/// See the head of the file.
pub(crate) struct Variables {
    /// What the variables of today start with.
    pub defaults: BTreeMap<String, Value>,
    /// Variables that a node stores: the name of then, the name of today.
    pub stored: BTreeMap<String, String>,
    /// Names that a made-up one must not take away.
    taken: BTreeSet<String>,
    /// Only rises, so that many equal names take no longer than many different ones.
    number: usize,
}

impl Variables {
    /// Collects the names of the document and gives those that nodes store.
    pub fn collect(old: &OldDocument) -> Self {
        let declared = old
            .nodes
            .iter()
            .filter_map(|node| node.data.get("variables")?.as_object());
        let declared = declared.flatten().map(|(name, _)| name.as_str());
        let stored: BTreeSet<&str> = old.nodes.iter().filter_map(stored_name).collect();
        let all = declared.chain(stored.iter().copied());
        let taken = all
            .filter(|name| variable_name_is_legal(name))
            .map(str::to_owned)
            .collect();
        let mut names = Self {
            defaults: BTreeMap::new(),
            stored: BTreeMap::new(),
            taken,
            number: 1,
        };
        for name in stored {
            let new = match variable_name_is_legal(name) {
                true => name.to_owned(),
                false => names.made_up(name),
            };
            names.stored.insert(name.to_owned(), new);
        }
        names
    }

    /// Declares a variable under its name, or under one like it if that has another value already
    /// or is not legal.
    pub fn declare(&mut self, name: &str, value: &Value) -> String {
        let known = self.stored.get(name).cloned();
        let own = known.or_else(|| variable_name_is_legal(name).then(|| name.to_owned()));
        let is_free = |own: &String| self.defaults.get(own).is_none_or(|other| other == value);
        let free = match own.filter(is_free) {
            Some(own) => own,
            None => self.made_up(name),
        };
        self.defaults.insert(free.clone(), value.clone());
        free
    }

    fn made_up(&mut self, name: &str) -> String {
        let word = |sign: char| {
            if sign.is_ascii_alphanumeric() {
                sign
            } else {
                '_'
            }
        };
        let mut base: String = name.chars().map(word).take(BASE_CHARS_MAX).collect();
        if !variable_name_is_legal(&base) {
            base = format!("_{base}");
        }
        let mut free = base.clone();
        while !self.taken.insert(free.clone()) {
            self.number += 1;
            free = format!("{base}_{}", self.number);
        }
        free
    }
}

/// The name under which a node stores a variable.
fn stored_name(node: &OldNode) -> Option<&str> {
    if node.kind != "variableStore" {
        return None;
    }
    let text = |key: &&str| {
        node.data
            .get(*key)?
            .as_str()
            .filter(|name| !name.trim().is_empty())
    };
    ["variableName", "key", "name"].iter().find_map(text)
}
