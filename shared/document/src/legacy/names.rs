//! What `{{name}}` and `$vars.name` meant in an older document, in the names of today: `in.*`,
//! `vars.*`, `nodes.<id>.output` and `secret.*`.

use crate::document::variable_name_is_legal;
use crate::legacy::ids::Ids;
use crate::legacy::old::{OldDocument, OldNode};
use crate::legacy::variables::Variables;
use crate::problem::{Change, Sink};
use serde_json::Value;
use std::collections::BTreeMap;

/// Roots that mean today what they meant then.
const ROOTS: &[&str] = &["in", "vars", "nodes", "item", "index", "run", "secret"];

/// Every name of the document: variables that a prompt brought with it, by node, and the ids.
pub(crate) struct Names<'a> {
    pub ids: &'a Ids,
    /// Names that mean the same everywhere: variables, and fields of the trigger's input.
    declared: BTreeMap<String, String>,
    /// Names that one node brought, with the path they stand for now.
    own: Vec<BTreeMap<String, String>>,
}

impl<'a> Names<'a> {
    /// Collects the names, and declares the variables that nodes brought with them.
    pub fn collect(
        old: &OldDocument,
        ids: &'a Ids,
        variables: &mut Variables,
        sink: &mut Sink,
    ) -> Self {
        let mut names = Self {
            ids,
            declared: BTreeMap::new(),
            own: Vec::new(),
        };
        for node in old.nodes.iter().filter(|node| node.kind == "start") {
            let schema = node.data.get("inputSchema").or(node.data.get("schema"));
            let fields = schema.and_then(|schema| schema.get("properties")?.as_object());
            let fields = fields.into_iter().flatten().map(|(name, _)| name);
            names
                .declared
                .extend(fields.map(|name| (name.clone(), path("in", &[name]))));
        }
        let stored = variables.stored.iter();
        names
            .declared
            .extend(stored.map(|(old, new)| (old.clone(), path("vars", &[new]))));
        for (place, node) in old.nodes.iter().enumerate() {
            let mut own = bindings(node, ids);
            let declared = node.data.get("variables").and_then(Value::as_object);
            for (name, value) in declared.into_iter().flatten() {
                let path = path("vars", &[&variables.declare(name, value)]);
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
            ("vars", Some((name, rest))) if sign => Some(self.plain(name, rest)),
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

    /// A name that nothing declares must come from outside: from the trigger's input.
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
        let entry = self.ids.gives(node);
        let (given, node, rest) = match rest.split_first() {
            Some((&"input", rest)) => (None, self.ids.only_previous(node), rest),
            Some((&("result" | "output"), rest)) => (entry, self.ids.node(node), rest),
            _ => (entry, self.ids.node(node), rest),
        };
        match (given, node) {
            // A webhook's parts may have been named already.
            (Some(["body"]), _) if names_a_part(rest) => extend("in", rest),
            (Some(given), _) => extend(&path("in", given), rest),
            (None, Some(node)) => extend(&path("nodes", &[node.as_str(), "output"]), rest),
            (None, None) => extend("in", rest),
        }
    }
}

fn names_a_part(rest: &[&str]) -> bool {
    matches!(rest.first(), Some(&("body" | "headers" | "query")))
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
