//! Goes through files and fields, and remembers what was left.

use crate::text::{self, Page};
use crate::tree::{Map, Tree};
use crate::{Files, Left};
use lattice_export::Target;
use lattice_policy::Redactor;
use serde_json::Value;
use std::collections::BTreeSet;

/// Why a field is left if nothing more can be said.
const NO_PLACE: &str = "a document has no place for it";
const BY_HAND: &str = "write it into the exported files again if it matters";

/// The files, what was found in them, and what was left.
pub struct Reading<'f> {
    files: &'f Files,
    seen: BTreeSet<&'f str>,
    pub pieces: Vec<Piece>,
    pub left: Vec<Left>,
    redactor: Redactor,
}

/// Something that becomes a node.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub file: String,
    pub kind: &'static str,
    /// What the node's id is made of.
    pub name: String,
    pub settings: serde_json::Map<String, Value>,
}

impl<'f> Reading<'f> {
    pub fn new(files: &'f Files) -> Self {
        Self {
            files,
            seen: BTreeSet::new(),
            pieces: Vec::new(),
            left: Vec::new(),
            redactor: Redactor::new(),
        }
    }

    /// The files below a folder whose names end so, with what stands between the two.
    pub fn below(&self, folder: &str, end: &str) -> Vec<(&'f str, &'f str)> {
        let files = self.files.keys();
        let inside = |path: &'f String| {
            let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((path.as_str(), rest.strip_suffix(end)?))
        };
        files.filter_map(inside).collect()
    }

    /// Whether a file is there.
    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// The text of a file, if it is there and can be read.
    pub fn text(&mut self, path: &str) -> Option<String> {
        let (path, bytes) = self.files.get_key_value(path)?;
        self.seen.insert(path);
        match text::text(bytes) {
            Ok(text) => Some(text),
            Err(why) => {
                self.leave(path, None, why, "save it as UTF-8");
                None
            }
        }
    }

    /// A page of Markdown.
    pub fn page(&mut self, path: &str) -> Option<Page> {
        let text = self.text(path)?;
        let page = self.parsed(path, text::page(&text))?;
        for field in &page.mended {
            let why = "the value is no YAML, for `: ` or ` #` stands in it without quotes, and was read as it looks";
            self.leave(path, Some(field), why, "put it into double quotes");
        }
        Some(page)
    }

    /// A file of JSON.
    pub fn json(&mut self, path: &str) -> Option<Map> {
        let text = self.text(path)?;
        self.parsed(path, text::json(&text))
    }

    /// A file of TOML.
    pub fn toml(&mut self, path: &str) -> Option<Map> {
        let text = self.text(path)?;
        self.parsed(path, text::toml(&text))
    }

    fn parsed<T>(&mut self, path: &str, parsed: Result<T, String>) -> Option<T> {
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                self.leave(path, None, why, "mend the file and import again");
                None
            }
        }
    }

    /// A table that stands there under a name that people chose, such as that of a server.
    pub fn table(&mut self, path: &str, at: &str, value: Tree) -> Option<Map> {
        match value {
            Tree::Map(map) => Some(map),
            other => {
                let why = format!("it is {} and must be a table", other.kind());
                self.leave(path, Some(at), why, "mend the file and import again");
                None
            }
        }
    }

    /// Says that something is not taken over, or not as it stands. Secrets are taken out.
    pub fn leave(
        &mut self,
        file: &str,
        key: Option<&str>,
        why: impl AsRef<str>,
        help: impl AsRef<str>,
    ) {
        let hidden = |text: &str| self.redactor.redact_text(text).into_owned();
        let left = Left {
            file: hidden(file),
            key: key.map(hidden),
            why: hidden(why.as_ref()),
            help: hidden(help.as_ref()),
        };
        self.left.push(left);
    }

    /// Whether a field of this name and text holds a secret.
    pub fn is_secret(&self, key: &str, text: &str) -> bool {
        let given = Value::Object([(key.to_owned(), text.into())].into_iter().collect());
        self.redactor.redact_value(given.clone()) != given
    }

    /// Something that becomes a node.
    pub fn take(
        &mut self,
        file: &str,
        kind: &'static str,
        name: &str,
        settings: serde_json::Map<String, Value>,
    ) {
        self.pieces.push(Piece {
            file: file.to_owned(),
            kind,
            name: name.to_owned(),
            settings,
        });
    }

    /// Marks files as looked at.
    pub fn mark(&mut self, path: &str) {
        if let Some((path, _)) = self.files.get_key_value(path) {
            self.seen.insert(path);
        }
    }

    /// Leaves every file that nobody has looked at.
    pub fn unread(&mut self, from: Target) {
        let unread: Vec<&str> = self.files.keys().map(String::as_str).collect();
        for path in unread {
            if !self.seen.contains(path) {
                let why = format!("it is no sub-agent, skill, MCP server or permission of {from}");
                self.leave(path, None, why, "keep it beside the exported files");
            }
        }
    }
}

/// The fields of a table, taken one by one.
pub struct Fields<'r, 'f> {
    pub reading: &'r mut Reading<'f>,
    pub file: &'r str,
    /// Where the table stands in the file; empty at the top.
    at: String,
    fields: Map,
}

impl<'r, 'f> Fields<'r, 'f> {
    pub fn new(reading: &'r mut Reading<'f>, file: &'r str, at: &str, fields: Map) -> Self {
        Self {
            reading,
            file,
            at: at.to_owned(),
            fields,
        }
    }

    /// Where a field stands.
    pub fn key(&self, name: &str) -> String {
        match self.at.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.at),
        }
    }

    /// The field, whatever it is; `None` if it is not there or nothing.
    pub fn raw(&mut self, name: &str) -> Option<Tree> {
        let place = self.fields.iter().position(|(key, _)| key == name)?;
        let (_, value) = self.fields.remove(place);
        (value != Tree::Null).then_some(value)
    }

    /// Reads what says what may be done. If anything of it cannot be read, all of the table is left out.
    pub fn or_leave_out<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let before = self.reading.left.len();
        let found = read(self);
        if self.reading.left.len() == before {
            return Some(found);
        }
        let at = Some(self.at.as_str()).filter(|at| !at.is_empty());
        let why = "what it may do cannot be read, so it is left out";
        let help = "mend the file and import again";
        self.reading.leave(self.file, at, why, help);
        None
    }

    /// Whether a field is there and has not been taken.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(key, _)| key == name)
    }

    /// Says that a field is not taken over.
    pub fn leave(&mut self, name: &str, why: impl AsRef<str>, help: impl AsRef<str>) {
        let key = self.key(name);
        self.reading.leave(self.file, Some(&key), why, help);
    }

    fn wrong(&mut self, name: &str, found: &Tree, wanted: &str) {
        let why = format!("it is {} and must be {wanted}", found.kind());
        self.leave(name, why, "mend the file and import again");
    }

    /// A text that is not blank; a number or a truth value is taken for one.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.raw(name)? {
            Tree::Text(text) if text.trim().is_empty() => None,
            Tree::Text(text) => Some(text),
            Tree::Number(number) => Some(number.to_string()),
            Tree::Bool(value) => Some(value.to_string()),
            other => {
                self.wrong(name, &other, "a text");
                None
            }
        }
    }

    /// A text that the client asks for; says so if it is not there.
    pub fn required(&mut self, name: &str) -> Option<String> {
        let left = self.reading.left.len();
        let found = self.text(name);
        if found.is_none() && left == self.reading.left.len() {
            let why = "it is missing, and without it the client does not load the file";
            self.leave(name, why, "write it and import again");
        }
        found
    }

    /// A number.
    pub fn number(&mut self, name: &str) -> Option<Value> {
        match self.raw(name)? {
            Tree::Number(number) => Some(Value::Number(number)),
            other => {
                self.wrong(name, &other, "a number");
                None
            }
        }
    }

    /// A truth value.
    pub fn truth(&mut self, name: &str) -> Option<bool> {
        match self.raw(name)? {
            Tree::Bool(value) => Some(value),
            other => {
                self.wrong(name, &other, "true or false");
                None
            }
        }
    }

    /// A table.
    pub fn map(&mut self, name: &str) -> Option<Map> {
        match self.raw(name)? {
            Tree::Map(map) => Some(map),
            other => {
                self.wrong(name, &other, "a table");
                None
            }
        }
    }

    /// A list of texts. A text is cut at the given marks, but not in brackets.
    pub fn list(&mut self, name: &str, marks: &[char]) -> Option<Vec<String>> {
        match self.raw(name)? {
            Tree::Text(text) => Some(cut(&text, marks)),
            Tree::List(items) => Some(self.texts(name, items)),
            other => {
                self.wrong(name, &other, "a list of texts");
                None
            }
        }
    }

    fn texts(&mut self, name: &str, items: Vec<Tree>) -> Vec<String> {
        let mut texts = Vec::new();
        for item in items {
            match item {
                Tree::Text(text) if text.trim().is_empty() => {}
                Tree::Text(text) => texts.push(text.trim().to_owned()),
                other => self.wrong(name, &other, "a text"),
            }
        }
        texts
    }

    /// Leaves every field that nobody has taken.
    pub fn finish(self) {
        for (name, value) in &self.fields {
            if *value != Tree::Null {
                let key = self.key(name);
                self.reading.leave(self.file, Some(&key), NO_PLACE, BY_HAND);
            }
        }
    }
}

/// The parts of a text between marks; a mark in brackets cuts nothing.
pub fn cut(text: &str, marks: &[char]) -> Vec<String> {
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && marks.contains(&letter) {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    let parts = parts.iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}
