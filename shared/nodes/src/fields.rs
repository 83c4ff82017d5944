//! Takes the settings of a node apart, field by field, without stopping at the first problem.

use crate::codes;
use crate::nearest::nearest;
use crate::opening::Opening;
use lattice_document::{PatchOp, Problem, pointer_to};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// One object of the settings. Every field has to be asked for by name; `done` reports the others.
#[derive(Debug)]
pub struct Fields<'a> {
    opening: &'a Opening<'a>,
    map: &'a Map<String, Value>,
    pointer: String,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(
        opening: &'a Opening<'a>,
        map: &'a Map<String, Value>,
        pointer: String,
    ) -> Self {
        Self {
            opening,
            map,
            pointer,
            asked: Vec::new(),
        }
    }

    /// The pointer of a field.
    pub fn at(&self, name: &str) -> String {
        pointer_to(&self.pointer, name)
    }

    /// The field as it is.
    pub fn raw(&mut self, name: &'static str) -> Option<&'a Value> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.map.get(name)
    }

    /// A field that may be left out.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let value = self.raw(name)?;
        T::deserialize(value)
            .map_err(|error| {
                let text = format!("`{name}` cannot be used: {error}");
                let help = "the manual page of the node type lists what it may be";
                self.opening
                    .error(codes::WRONG_TYPE, &self.at(name), text, help);
            })
            .ok()
    }

    /// A field that must be there.
    pub fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        if !self.map.contains_key(name) {
            self.asked.push(name);
            self.missing(name);
            return None;
        }
        self.optional(name)
    }

    /// A text that must be there and not be blank.
    pub fn required_text(&mut self, name: &'static str) -> Option<String> {
        self.required(name)
            .and_then(|text| self.not_blank(name, text))
    }

    /// A text that may be left out but not be blank.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name)
            .and_then(|text| self.not_blank(name, text))
    }

    /// A whole number within limits, that may be left out.
    pub fn whole(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let number = self.optional(name)?;
        if range.contains(&number) {
            return Some(number);
        }
        let (from, to) = (range.start(), range.end());
        let text = format!("`{name}` is {number}, and must be from {from} to {to}");
        self.out_of_range(name, text);
        None
    }

    /// An object that must be there, to be opened field by field.
    pub fn object(&mut self, name: &'static str) -> Option<Fields<'a>> {
        match self.raw(name) {
            Some(Value::Object(map)) => Some(Fields::new(self.opening, map, self.at(name))),
            Some(_) => {
                let text = format!("`{name}` must be an object");
                let help = "the manual page of the node type shows one";
                self.opening
                    .error(codes::WRONG_TYPE, &self.at(name), text, help);
                None
            }
            None => {
                self.missing(name);
                None
            }
        }
    }

    /// A list of objects within limits. Each is opened by `read`, with its place in the list.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        range: RangeInclusive<usize>,
        mut read: impl FnMut(usize, Fields<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.raw(name)?;
        let Value::Array(items) = value else {
            let text = format!("`{name}` must be a list");
            let opening = self.opening;
            opening.error(
                codes::WRONG_TYPE,
                &self.at(name),
                text,
                "write it as `[..]`",
            );
            return None;
        };
        if !range.contains(&items.len()) {
            let (count, from, to) = (items.len(), range.start(), range.end());
            let text = match from == to {
                true => format!("`{name}` has {count} entries, and must have {from}"),
                false => format!("`{name}` has {count} entries, and must have {from} to {to}"),
            };
            self.out_of_range(name, text);
            return None;
        }
        let opened = items.iter().enumerate().map(|(index, item)| {
            let pointer = pointer_to(&self.at(name), &index.to_string());
            let Value::Object(map) = item else {
                let text = format!("entry {index} of `{name}` must be an object");
                let help = "write it as `{\"label\": ..}`";
                self.opening.error(codes::WRONG_TYPE, &pointer, text, help);
                return None;
            };
            read(index, Fields::new(self.opening, map, pointer))
        });
        let opened: Vec<_> = opened.collect();
        opened.into_iter().collect()
    }

    /// Reports a field that is missing.
    pub fn missing(&self, name: &str) {
        let text = format!("the setting `{name}` is missing");
        let help = format!("add `{name}`");
        let pointer = &self.pointer;
        self.opening
            .error(codes::MISSING_SETTING, pointer, text, &help);
    }

    /// Reports a field that is outside its limits.
    pub fn out_of_range(&self, name: &str, text: String) {
        let help = "the manual page of the node type lists the limits";
        self.opening
            .error(codes::OUT_OF_RANGE, &self.at(name), text, help);
    }

    /// Reports a field that has no effect beside the others.
    pub fn unused(&self, name: &str, why: &str) {
        let text = format!("`{name}` has no effect here: {why}");
        let at = self.at(name);
        let fix = vec![PatchOp::Remove { path: at.clone() }];
        self.opening
            .warning_with_fix(codes::CONTRADICTION, &at, text, "remove it", fix);
    }

    /// Reports every field that was not asked for.
    pub fn done(self) {
        let known: Vec<String> = self.asked.iter().map(|name| format!("`{name}`")).collect();
        for (name, value) in self.map {
            if self.asked.contains(&name.as_str()) {
                continue;
            }
            let free = self
                .asked
                .iter()
                .filter(|name| !self.map.contains_key(**name));
            let meant = nearest(name, free.copied());
            let shown = name.escape_debug();
            let (text, help, meant) = match meant {
                Some(meant) => (
                    format!("the setting `{shown}` is not known; did you mean `{meant}`"),
                    format!("rename it to `{meant}`"),
                    Some(meant),
                ),
                None if known.is_empty() => (
                    format!("the setting `{shown}` is not known"),
                    "remove it: this node type has no settings".to_owned(),
                    None,
                ),
                None => (
                    format!("the setting `{shown}` is not known"),
                    format!("remove it; known here: {}", known.join(", ")),
                    None,
                ),
            };
            let mut fix = vec![PatchOp::Remove {
                path: self.at(name),
            }];
            fix.extend(meant.map(|meant| PatchOp::Add {
                path: self.at(meant),
                value: value.clone(),
            }));
            let problem = Problem::error(codes::UNKNOWN_SETTING, self.at(name), text);
            self.opening.add(problem.help(help).fix(fix));
        }
    }

    fn not_blank(&self, name: &str, text: String) -> Option<String> {
        if !text.trim().is_empty() {
            return Some(text);
        }
        self.out_of_range(name, format!("`{name}` is blank"));
        None
    }
}
