//! References: the paths by which an expression reads a value, such as `in.title`,
//! `nodes.triage.output.items[0]` or `secret.NAME`.

use crate::error::{ExprError, shorten};
use lattice_model::limits::EXPRESSION_DEPTH_MAX;
use std::fmt;
use std::ops::Range;

/// The first name of a reference: where its value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// `in`: the input of the run.
    Input,
    /// `vars`: the workflow's variables.
    Vars,
    /// `nodes.<id>.output`: what a node gave.
    Nodes,
    /// `item`: the element a map is at.
    Item,
    /// `index`: the place of that element.
    Index,
    /// `run`: facts of the run.
    Run,
    /// `secret.NAME`: a secret, never seen as text.
    Secret,
}

impl Root {
    /// The names a template may start a reference with, as said in messages.
    pub const NAMES: &'static str = "`in`, `vars`, `nodes`, `item`, `index`, `run`, `secret`";
    /// The names a condition may start a reference with, as said in messages.
    pub const NAMES_WITHOUT_SECRET: &'static str = "`in`, `vars`, `nodes`, `item`, `index`, `run`";

    /// The root with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "in" => Self::Input,
            "vars" => Self::Vars,
            "nodes" => Self::Nodes,
            "item" => Self::Item,
            "index" => Self::Index,
            "run" => Self::Run,
            "secret" => Self::Secret,
            _ => return None,
        })
    }

    /// The name of this root.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "in",
            Self::Vars => "vars",
            Self::Nodes => "nodes",
            Self::Item => "item",
            Self::Index => "index",
            Self::Run => "run",
            Self::Secret => "secret",
        }
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A field of an object.
    Key(String),
    /// An element of a list, from 0.
    Index(usize),
}

impl Segment {
    /// The field's name, if it is one.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Index(_) => None,
        }
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// A path that an expression reads. `Display` prints it so that it can be read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Where the value comes from.
    pub root: Root,
    /// The way from there to the value.
    pub path: Vec<Segment>,
    /// Where the reference stands in the text it was found in, in bytes.
    pub span: Range<usize>,
}

impl Reference {
    /// Reads one reference that fills the whole text.
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        Self::parse_at(text, 0)
    }

    /// Reads one reference that fills `text`, which stands at byte `at` of a larger text.
    pub(crate) fn parse_at(text: &str, at: usize) -> Result<Self, ExprError> {
        let mut reader = Reader { text, pos: 0, at };
        let name = reader.word();
        if name.is_empty() {
            return Err(reader.bad("it must start with a name"));
        }
        let mut path = Vec::new();
        while reader.pos < text.len() {
            path.push(reader.segment()?);
            if path.len() > EXPRESSION_DEPTH_MAX {
                return Err(reader.bad(&format!("it has more than {EXPRESSION_DEPTH_MAX} parts")));
            }
        }
        let root = Root::from_name(name).ok_or_else(|| ExprError::UnknownRoot {
            name: shorten(name, 64),
            at,
            allowed: Root::NAMES,
        })?;
        let reference = Self {
            root,
            path,
            span: at..at + text.len(),
        };
        reference
            .check_shape()
            .map_err(|reason| reader.bad(reason))?;
        Ok(reference)
    }

    /// Whether the path has the shape that its root demands in a template.
    fn check_shape(&self) -> Result<(), &'static str> {
        match (self.root, self.path.as_slice()) {
            (Root::Nodes, [Segment::Key(_), Segment::Key(word), ..]) if word == "output" => Ok(()),
            (Root::Nodes, _) => Err("write `nodes.<id>.output`, or `nodes[\"<id>\"].output`"),
            (Root::Secret, [Segment::Key(_)]) => Ok(()),
            (Root::Secret, _) => Err("write `secret.NAME`"),
            (Root::Index, [_, ..]) => Err("`index` is a number and has no parts"),
            (Root::Vars, [Segment::Index(_), ..]) => Err("a variable has a name, not a number"),
            _ => Ok(()),
        }
    }

    /// The name of the secret, or nothing for another root.
    pub(crate) fn secret_name(&self) -> String {
        self.path
            .first()
            .and_then(Segment::key)
            .unwrap_or_default()
            .to_owned()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.root.name())?;
        for segment in &self.path {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if is_plain(key) => write!(f, ".{key}")?,
                Segment::Key(key) => write!(f, "[{}]", serde_json::Value::from(key.as_str()))?,
            }
        }
        Ok(())
    }
}

/// Whether a key can stand after a dot in a template and in a condition alike.
fn is_plain(key: &str) -> bool {
    let mut chars = key.chars();
    chars
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Reads the parts of one reference from left to right.
struct Reader<'t> {
    text: &'t str,
    pos: usize,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    /// The letters, digits, `_` and `-` from here on. A hyphen is no minus here: templates do not
    /// calculate, and node ids often have one.
    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
        let word = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.pos += word.len();
        word
    }

    fn segment(&mut self) -> Result<Segment, ExprError> {
        if self.eat(".") {
            let key = self.word();
            if key.is_empty() {
                return Err(self.bad("a name must follow the dot"));
            }
            return Ok(Segment::Key(key.to_owned()));
        }
        if !self.eat("[") {
            return Err(self.bad("only `.name`, `[0]` and `[\"name\"]` may follow a name"));
        }
        let segment = self.bracket()?;
        if !self.eat("]") {
            return Err(self.bad("a `]` is missing"));
        }
        Ok(segment)
    }

    fn bracket(&mut self) -> Result<Segment, ExprError> {
        let rest = self.rest();
        if rest.starts_with('"') || rest.starts_with('\'') {
            return self.quoted().map(Segment::Key);
        }
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let index = rest.get(..digits).unwrap_or_default().parse();
        self.pos += digits;
        index
            .map(Segment::Index)
            .map_err(|_| self.bad("a number or a quoted name goes in `[ ]`"))
    }

    /// A name in double quotes with the escapes of JSON, or in single quotes without any.
    fn quoted(&mut self) -> Result<String, ExprError> {
        let rest = self.rest();
        if let Some(inner) = rest.strip_prefix('\'') {
            let end = inner
                .find('\'')
                .ok_or_else(|| self.bad("a `'` is missing"))?;
            self.pos += end + 2;
            return Ok(inner.get(..end).unwrap_or_default().to_owned());
        }
        let mut names = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        match names.next() {
            Some(Ok(name)) => {
                self.pos += names.byte_offset();
                Ok(name)
            }
            _ => Err(self.bad("the quoted name is not closed or has an unknown escape")),
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.pos += token.len();
        }
        found
    }

    fn bad(&self, reason: &str) -> ExprError {
        ExprError::BadReference {
            text: shorten(self.text, 64),
            at: self.at,
            reason: reason.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, printed: &str) {
        let reference = Reference::parse(text).unwrap();
        assert_eq!(reference.to_string(), printed);
        assert_eq!(reference.span, 0..text.len());
    }

    #[test]
    fn reads_and_prints_every_form() {
        check("in", "in");
        check("in.title", "in.title");
        check(
            "nodes.triage.output.items[0].name",
            "nodes.triage.output.items[0].name",
        );
        check("nodes[\"odd id\"].output", "nodes[\"odd id\"].output");
        check("nodes['odd id'].output", "nodes[\"odd id\"].output");
        check("nodes.node-1.output", "nodes[\"node-1\"].output");
        check("vars.grüße", "vars[\"grüße\"]");
        check("secret.API_KEY", "secret.API_KEY");
        check("in[\"a\\\"]b\"]", "in[\"a\\\"]b\"]");
    }

    #[test]
    fn says_what_is_wrong() {
        let said = |text: &str| Reference::parse(text).unwrap_err().to_string();
        assert_eq!(
            said("input.title"),
            "`input` at byte 0 is not known; a reference starts with one of \
             `in`, `vars`, `nodes`, `item`, `index`, `run`, `secret`"
        );
        assert!(said("nodes.a").contains("write `nodes.<id>.output`"));
        assert!(said("nodes.a.result").contains("write `nodes.<id>.output`"));
        assert!(said("secret").contains("write `secret.NAME`"));
        assert!(said("secret.A.b").contains("write `secret.NAME`"));
        assert!(said("in..a").contains("a name must follow the dot"));
        assert!(said("in[x]").contains("a number or a quoted name"));
        assert!(said("in[0").contains("a `]` is missing"));
        assert!(said("in[99999999999999999999999]").contains("a number"));
        assert!(said("in.a + 1").contains("may follow a name"));
        assert!(said("").contains("must start with a name"));
        assert!(said("#if x").contains("must start with a name"));
    }

    #[test]
    fn a_path_has_at_most_64_parts() {
        assert!(Reference::parse(&format!("in{}", ".a".repeat(64))).is_ok());
        assert!(Reference::parse(&format!("in{}", ".a".repeat(65))).is_err());
    }

    fn segment() -> impl Strategy<Value = Segment> {
        prop_oneof![
            any::<String>().prop_map(Segment::Key),
            any::<usize>().prop_map(Segment::Index)
        ]
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(path in prop::collection::vec(segment(), 0..6)) {
            let printed = Reference { root: Root::Input, path: path.clone(), span: 0..0 }.to_string();
            prop_assert_eq!(Reference::parse(&printed).unwrap().path, path);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(in|nodes|vars)?[.\\[\\]\"'a0\\\\ ]{0,12}") {
            let _ = Reference::parse(&text);
        }
    }
}
