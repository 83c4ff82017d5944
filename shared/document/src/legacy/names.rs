//! What `{{name}}` and `$vars.name` meant in an older document, in the names of today: `in.*`,
//! `vars.*`, `nodes.<id>.output` and `secret.*`.

use crate::document::variable_name_is_legal;
use crate::legacy::ids::Ids;
use crate::legacy::old::{OldDocument, OldNode};
use crate::problem::{Change, Sink};
use serde_json::Value;
use std::collections::BTreeMap;

/// Roots that mean today what they meant then.
const ROOTS: &[&str] = &["in", "vars", "nodes", "item", "index", "run", "secret"];

/// Every name of the document: variables that a prompt brought with it, by node, and the ids.
pub(crate) struct Names<'a> {
    ids: &'a Ids,
    /// Names that mean the same everywhere: variables, and fields of the trigger's input.
    declared: BTreeMap<String, String>,
    /// Names that one node brought, with the path they stand for now.
    own: Vec<BTreeMap<String, String>>,
}

impl<'a> Names<'a> {
    /// Collects the names; the values of prompt variables become the workflow's variables.
    pub fn collect(
        old: &OldDocument,
        ids: &'a Ids,
        variables: &mut BTreeMap<String, Value>,
        sink: &mut Sink,
    ) -> Self {
        let mut number = 1;
        let mut names = Self {
            ids,
            declared: BTreeMap::new(),
            own: Vec::new(),
        };
        for node in &old.nodes {
            names.declare_from(node);
        }
        for (place, node) in old.nodes.iter().enumerate() {
            let mut own = bindings(node, ids);
            let declared = node.data.get("variables").and_then(Value::as_object);
            for (name, value) in declared.into_iter().flatten() {
                let free = declare(variables, name, value, &mut number);
                let path = path("vars", &[&free]);
                sink.change(Change {
                    node: ids.nodes.get(place).cloned(),
                    pointer: format!("/nodes/{place}"),
                    text: format!(
                        "the variable `{name}` is now `{path}`, a variable of the workflow"
                    ),
                });
                names
                    .declared
                    .entry(name.clone())
                    .or_insert_with(|| path.clone());
                own.insert(name.clone(), path);
            }
            names.own.push(own);
        }
        names
    }

    fn declare_from(&mut self, node: &OldNode) {
        let text = |key: &str| node.data.get(key).and_then(Value::as_str);
        match node.kind.as_str() {
            "variableStore" => {
                let name = text("variableName").or(text("key")).or(text("name"));
                let name = name.filter(|name| !name.is_empty());
                self.declared
                    .extend(name.map(|name| (name.to_owned(), path("vars", &[name]))));
            }
            "start" => {
                let schema = node.data.get("inputSchema").or(node.data.get("schema"));
                let fields = schema.and_then(|schema| schema.get("properties")?.as_object());
                let names = fields.into_iter().flatten().map(|(name, _)| name);
                self.declared
                    .extend(names.map(|name| (name.clone(), path("in", &[name]))));
            }
            _ => {}
        }
    }

    /// The path of today for a path of then, as seen by the node at `place`. `None` if it is one
    /// of today's already, or no path at all.
    pub fn path(&self, place: usize, old: &str) -> Option<String> {
        let old = old.trim();
        let (sign, old) = match old.strip_prefix('$') {
            Some(rest) => (true, rest),
            None => (false, old),
        };
        let segments = segments(old)?;
        let (root, rest) = segments.split_first()?;
        let own = self.own.get(place)?;
        let whole = old.strip_prefix("vars.").filter(|_| sign).unwrap_or(old);
        if let Some(path) = self
            .declared
            .get(whole)
            .filter(|_| !own.contains_key(*root))
        {
            return Some(path.clone());
        }
        if let Some(path) = own.get(*root).filter(|_| !sign) {
            return Some(extend(path, rest));
        }
        match (*root, rest.split_first()) {
            ("env", Some((name, []))) => Some(format!("secret.{name}")),
            ("vars", Some((name, rest))) if sign => Some(self.variable(name, rest)),
            ("input" | "in", _) if sign => Some(extend("in", rest)),
            _ if sign || ROOTS.contains(root) => None,
            _ => Some(self.plain(root, rest)),
        }
    }

    /// Whether a bare word names something that the document declares.
    pub fn is_declared(&self, place: usize, word: &str) -> bool {
        let root = word.split(['.', '[']).next().unwrap_or_default();
        let own = self
            .own
            .get(place)
            .is_some_and(|own| own.contains_key(root));
        let is_path = word.len() > root.len();
        own || self.declared.contains_key(root)
            || self.ids.node(root).is_some()
            || (is_path && ROOTS.contains(&root))
    }

    fn variable(&self, name: &str, rest: &[&str]) -> String {
        match self.ids.node(name) {
            Some(_) => self.output(name, rest),
            None => extend(&path("vars", &[name]), rest),
        }
    }

    fn plain(&self, root: &str, rest: &[&str]) -> String {
        if let Some(path) = self.declared.get(root) {
            return extend(path, rest);
        }
        match self.ids.node(root) {
            Some(_) => self.output(root, rest),
            None => extend(&path("in", &[root]), rest),
        }
    }

    /// `<node>.result` was what a node gave, and `<node>.input` what it got.
    fn output(&self, node: &str, rest: &[&str]) -> String {
        let (node, rest) = match rest.split_first() {
            Some((&"input", rest)) => (self.ids.only_previous(node), rest),
            Some((&("result" | "output"), rest)) => (self.ids.node(node), rest),
            _ => (self.ids.node(node), rest),
        };
        match node {
            Some(node) => extend(&path("nodes", &[node.as_str(), "output"]), rest),
            None => extend("in", rest),
        }
    }
}

/// Declares a variable under its name, or under one like it if that has another value already.
/// `number` only rises, so that many equal names take no longer than many different ones.
fn declare(
    variables: &mut BTreeMap<String, Value>,
    name: &str,
    value: &Value,
    number: &mut usize,
) -> String {
    let word = |sign: char| {
        if sign.is_ascii_alphanumeric() {
            sign
        } else {
            '_'
        }
    };
    let mut base: String = name.chars().map(word).take(64).collect();
    if !variable_name_is_legal(&base) {
        base = format!("_{base}");
    }
    let mut free = base.clone();
    while variables.get(&free).is_some_and(|taken| taken != value) {
        *number += 1;
        free = format!("{base}_{number}");
    }
    variables.insert(free.clone(), value.clone());
    free
}

/// The names of an `in` block: `{"text": {"kind": "from", "ref": "<node>"}}`.
fn bindings(node: &OldNode, ids: &Ids) -> BTreeMap<String, String> {
    let block = node.keep.get("in").and_then(Value::as_object);
    let bound = block.into_iter().flatten().filter_map(|(name, bound)| {
        let text = |key: &str| bound.get(key).and_then(Value::as_str);
        let path = match text("kind")? {
            "from" => path("nodes", &[ids.node(text("ref")?)?.as_str(), "output"]),
            "var" => match text("key")?.strip_prefix("env.") {
                Some(secret) => format!("secret.{secret}"),
                None => path("vars", &[text("key")?]),
            },
            _ => return None,
        };
        Some((name.clone(), path))
    });
    bound.collect()
}

/// The segments of a path such as `a.b[0]`. `None` if it is none.
fn segments(path: &str) -> Option<Vec<&str>> {
    let legal = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '-');
    let mut segments = Vec::new();
    for dotted in path.split('.') {
        let mut parts = dotted.split('[');
        segments.push(
            parts
                .next()
                .filter(|part| !part.is_empty() && part.chars().all(legal))?,
        );
        for part in parts {
            let inner = part.strip_suffix(']')?.trim_matches(['"', '\'']);
            segments.push(Some(inner).filter(|part| !part.is_empty() && part.chars().all(legal))?);
        }
    }
    let starts_well = |sign: char| sign.is_alphabetic() || sign == '_';
    segments
        .first()
        .is_some_and(|root| root.starts_with(starts_well))
        .then_some(segments)
}

/// A path in today's notation: `root.name`, `root["odd name"]`, `root.list[0]`.
pub(crate) fn path(root: &str, segments: &[&str]) -> String {
    extend(root, segments)
}

fn extend(path: &str, segments: &[&str]) -> String {
    segments.iter().fold(path.to_owned(), |path, segment| {
        let is_index = segment.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = variable_name_is_legal(segment);
        match (is_name, is_index) {
            (true, _) => format!("{path}.{segment}"),
            (_, true) => format!("{path}[{segment}]"),
            _ => format!("{path}[\"{segment}\"]"),
        }
    })
}

/// Rewrites every `{{name}}` of a text. `found` gets each name that changed, old and new.
pub(crate) fn rewrite(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
    found: &mut Vec<(String, String)>,
) -> String {
    // A whole text of `$vars.name` was a value then, and is a template now.
    if let Some(path) = text.trim().strip_prefix('$').and_then(|_| lookup(text)) {
        let new = format!("{{{{{path}}}}}");
        found.push((text.to_owned(), new.clone()));
        return new;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((inner, behind)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            break;
        };
        let old = format!("{{{{{inner}}}}}");
        let new = lookup(inner).map(|path| format!("{{{{{path}}}}}"));
        if let Some(new) = &new {
            found.push((old.clone(), new.clone()));
        }
        out.push_str(new.as_ref().unwrap_or(&old));
        rest = behind;
    }
    out.push_str(rest);
    out
}
