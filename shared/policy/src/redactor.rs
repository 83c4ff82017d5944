//! Takes secrets out of texts and values before anything is stored, logged or shown.

use crate::fields::{NameKind, is_secret_value, name_kind};
use crate::find::{Finding, MARKER_HEAD, find_from, settle};
use crate::forms::forms;
use crate::live::LiveRedaction;
use aho_corasick::{AhoCorasick, Input, MatchKind};
use lattice_model::Secret;
use lattice_model::limits::SECRET_CHARS_MIN;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

/// The marker's name of a secret that was declared, and of one that its field's name gave away.
const DECLARED: &str = "declared-secret";
const FIELD_MARKER: &str = "[redacted:field]";
/// A marker never makes a new secret of what stands beside it in practice; this bounds the search.
pub(crate) const PASSES_MAX: usize = 4;

/// The one redaction policy: known shapes, field names, and declared secrets by value.
#[derive(Clone, Default)]
pub struct Redactor {
    declared: Vec<Secret<String>>,
    matcher: Option<AhoCorasick>,
}

impl Redactor {
    /// Knows shapes and field names only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Knows these values too, plain, in base64, in a URL and inside JSON. A value of fewer than
    /// `SECRET_CHARS_MIN` characters is ignored: it would take ordinary words out of texts.
    pub fn with_values(values: impl IntoIterator<Item = Secret<String>>) -> Self {
        Self::new().and_values(values)
    }

    /// The same redactor, with more declared values.
    #[must_use]
    pub fn and_values(&self, values: impl IntoIterator<Item = Secret<String>>) -> Self {
        let mut declared = self.declared.clone();
        for value in values {
            if value.expose().chars().count() >= SECRET_CHARS_MIN && !declared.contains(&value) {
                declared.push(value);
            }
        }
        let mut redactor = Self {
            declared,
            matcher: None,
        };
        let texts = redactor.declared_forms();
        if !texts.is_empty() {
            redactor.matcher = AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&texts)
                .ok();
        }
        redactor
    }

    /// Every text that stands for a declared value.
    pub(crate) fn declared_forms(&self) -> Vec<String> {
        let values = self.declared.iter();
        values.flat_map(|value| forms(value.expose())).collect()
    }

    /// Redacts a text that comes in pieces.
    pub fn live(&self) -> LiveRedaction {
        LiveRedaction::new(self.clone())
    }

    /// The text with `[redacted:<rule>]` for each secret. Redacting twice changes nothing more.
    pub fn redact_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut current = Cow::Borrowed(text);
        for _ in 0..PASSES_MAX {
            let found = self.find_from(&current, 0, &mut |_| {});
            if found.is_empty() {
                break;
            }
            current = Cow::Owned(replace(&current, 0..current.len(), &found));
        }
        current
    }

    /// The value with every text redacted, names of fields included. The text of a field whose name
    /// says secret goes whole, unless it is a reference such as `{{secret.NAME}}`.
    pub fn redact_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.owned(text)),
            Value::Array(items) => Value::Array(
                items
                    .into_iter()
                    .map(|item| self.redact_value(item))
                    .collect(),
            ),
            Value::Object(fields) => self.redact_fields(fields),
            plain => plain,
        }
    }

    fn redact_fields(&self, fields: Map<String, Value>) -> Value {
        let mut redacted = Map::new();
        let mut numbers = BTreeMap::new();
        for (name, item) in fields {
            let item = self.redact_field(name_kind(&name), item);
            let name = free_name(&redacted, &mut numbers, self.owned(name));
            redacted.insert(name, item);
        }
        Value::Object(redacted)
    }

    fn redact_field(&self, kind: NameKind, item: Value) -> Value {
        match item {
            Value::String(text) if is_field_secret(kind, &text) => FIELD_MARKER.into(),
            Value::Array(items) => Value::Array(
                items
                    .into_iter()
                    .map(|item| self.redact_field(kind, item))
                    .collect(),
            ),
            other => self.redact_value(other),
        }
    }

    fn owned(&self, text: String) -> String {
        match self.redact_text(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(redacted) => redacted,
        }
    }

    /// What one pass takes out; see `find::find_from`.
    pub(crate) fn find_from(
        &self,
        text: &str,
        from: usize,
        matched: &mut dyn FnMut(Range<usize>),
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        if let Some(matcher) = &self.matcher {
            for hit in matcher.find_iter(Input::new(text).range(from..)) {
                matched(hit.range());
                found.push(declared(hit.range()));
            }
        }
        if found.is_empty() {
            return find_from(text, from, matched);
        }
        found.extend(find_from(text, from, matched));
        settle(text, found)
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} declared)", self.declared.len())
    }
}

fn declared(span: Range<usize>) -> Finding {
    Finding {
        rule: DECLARED,
        span,
    }
}

/// The part of the text with a marker for each finding in it.
pub(crate) fn replace(text: &str, part: Range<usize>, found: &[Finding]) -> String {
    let mut redacted = String::with_capacity(part.len());
    let mut from = part.start;
    for finding in found {
        redacted.push_str(text.get(from..finding.span.start).unwrap_or_default());
        redacted.push_str(MARKER_HEAD);
        redacted.push_str(finding.rule);
        redacted.push(']');
        from = finding.span.end;
    }
    redacted.push_str(text.get(from..part.end).unwrap_or_default());
    redacted
}

fn is_field_secret(kind: NameKind, text: &str) -> bool {
    match kind {
        NameKind::Plain => false,
        NameKind::Token => is_secret_value(kind, text),
        NameKind::Password | NameKind::Secret => {
            !text.is_empty() && !is_whole_reference(text) && !is_whole_marker(text)
        }
    }
}

/// Exactly `{{secret.NAME}}` or another single template reference.
fn is_whole_reference(text: &str) -> bool {
    let inner = text
        .trim()
        .strip_prefix("{{")
        .and_then(|rest| rest.strip_suffix("}}"));
    let in_path = |letter: char| letter.is_alphanumeric() || "_-.[]\"".contains(letter);
    inner
        .map(str::trim)
        .is_some_and(|path| !path.is_empty() && path.chars().all(in_path))
}

fn is_whole_marker(text: &str) -> bool {
    let name = text
        .strip_prefix(MARKER_HEAD)
        .and_then(|rest| rest.strip_suffix(']'));
    name.is_some_and(|name| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
    })
}

/// Two names that were redacted to the same text both stay: the later one gets the first number
/// from 2 on that is free. `numbers` holds where each text goes on counting, because names that are
/// taken stay taken: to count from 2 each time would cost the square of the number of fields.
fn free_name(
    taken: &Map<String, Value>,
    numbers: &mut BTreeMap<String, u64>,
    name: String,
) -> String {
    if !taken.contains_key(&name) {
        return name;
    }
    let number = numbers.entry(name.clone()).or_insert(1);
    loop {
        *number += 1;
        let numbered = format!("{name} {number}");
        if !taken.contains_key(&numbered) {
            return numbered;
        }
    }
}
