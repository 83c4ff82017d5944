//! Walks the parsed tree of a condition: its depth, what it may not hold, and what it reads.

use super::scan::INPUT;
use crate::error::{ExprError, Language};
use crate::reference::{Reference, Root, Segment};
use cel::common::ast::{EntryExpr, Expr, LiteralValue, SourceInfo, operators};
use cel::parser::Expression;
use lattice_model::limits::EXPRESSION_DEPTH_MAX;

/// What may be called. `matches` is absent: the crate is built without its `regex` feature.
const FUNCTIONS: &[&str] = &[
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "hasValue",
    "int",
    "none",
    "of",
    "ofNonZeroValue",
    "or",
    "orValue",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
    "value",
];

/// Names of types, which are values in CEL: `type(in.x) == string`.
const TYPES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
];

/// The namespace of `optional.of(x)` and `optional.none()`.
pub(super) const OPTIONAL: &str = "optional";

/// Refuses a tree deeper than `EXPRESSION_DEPTH_MAX`, which bounds every later recursion.
/// A macro such as `exists` counts for the few levels it expands to.
pub(super) fn check_depth(expression: &Expression) -> Result<(), ExprError> {
    let mut open = vec![(expression, 1)];
    while let Some((expression, depth)) = open.pop() {
        if depth > EXPRESSION_DEPTH_MAX {
            return Err(ExprError::TooDeep {
                what: Language::Condition,
                max: EXPRESSION_DEPTH_MAX,
                at: 0,
            });
        }
        open.extend(
            children(expression)
                .into_iter()
                .map(|child| (child, depth + 1)),
        );
    }
    Ok(())
}

/// Refuses what parses but can never be a condition here: a literal that is not true or false, a
/// message of a protocol buffer, and a function that does not exist.
pub(super) fn check_shape(expression: &Expression) -> Result<(), ExprError> {
    let found = match &expression.expr {
        Expr::Literal(LiteralValue::Boolean(_)) => None,
        Expr::Literal(LiteralValue::String(_)) => Some("a text"),
        Expr::Literal(LiteralValue::Null) => Some("null"),
        Expr::Literal(LiteralValue::Bytes(_)) => Some("bytes"),
        Expr::Literal(_) => Some("a number"),
        Expr::List(_) => Some("a list"),
        Expr::Map(_) => Some("an object"),
        _ => None,
    };
    if let Some(found) = found {
        return Err(ExprError::NotBool {
            found: found.to_owned(),
        });
    }
    let mut open = vec![expression];
    while let Some(expression) = open.pop() {
        match &expression.expr {
            Expr::Call(call) => check_function(&call.func_name)?,
            Expr::Struct(message) => {
                return Err(ExprError::UnknownFunction {
                    what: Language::Condition,
                    name: message.type_name.clone(),
                });
            }
            _ => {}
        }
        open.extend(children(expression));
    }
    Ok(())
}

fn check_function(name: &str) -> Result<(), ExprError> {
    let is_operator = !name.starts_with(|first: char| first.is_ascii_alphabetic());
    if is_operator || FUNCTIONS.contains(&name) {
        return Ok(());
    }
    Err(ExprError::UnknownFunction {
        what: Language::Condition,
        name: name.to_owned(),
    })
}

/// The parts of a tree node.
fn children(expression: &Expression) -> Vec<&Expression> {
    match &expression.expr {
        Expr::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        Expr::Comprehension(fold) => vec![
            &fold.iter_range,
            &fold.accu_init,
            &fold.loop_cond,
            &fold.loop_step,
            &fold.result,
        ],
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map
            .entries
            .iter()
            .flat_map(|entry| entry_parts(&entry.expr))
            .collect(),
        Expr::Struct(message) => message
            .entries
            .iter()
            .flat_map(|entry| entry_parts(&entry.expr))
            .collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Vec::new(),
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&Expression> {
    match entry {
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
        EntryExpr::StructField(field) => vec![&field.value],
    }
}

/// Everything the condition reads. Fails on a name that is neither a root nor bound by a macro.
pub(super) fn references(
    source: &str,
    expression: &Expression,
    places: &SourceInfo,
) -> Result<Vec<Reference>, ExprError> {
    let mut walker = Walker {
        source,
        places,
        bound: Vec::new(),
        found: Vec::new(),
    };
    walker.visit(expression)?;
    Ok(walker.found)
}

struct Walker<'t> {
    source: &'t str,
    places: &'t SourceInfo,
    /// Names that the macros around this point have bound, innermost last.
    bound: Vec<&'t str>,
    found: Vec<Reference>,
}

/// A chain of selections down to a name: `in.a["b"][0]`.
struct Chain<'t> {
    name: &'t str,
    id: u64,
    path: Vec<Segment>,
    /// False once an index was met that only the run knows.
    known: bool,
    /// Whether it stands in `has(...)`, which asks only whether something is there.
    asked: bool,
}

impl<'t> Chain<'t> {
    fn of(name: &'t str, id: u64) -> Self {
        Self {
            name,
            id,
            path: Vec::new(),
            known: true,
            asked: false,
        }
    }
}

impl<'t> Walker<'t> {
    fn visit(&mut self, expression: &'t Expression) -> Result<(), ExprError> {
        if let Some(chain) = self.chain(expression)? {
            return self.record(chain);
        }
        match &expression.expr {
            Expr::Comprehension(fold) => {
                self.visit(&fold.iter_range)?;
                self.visit(&fold.accu_init)?;
                let outside = self.bound.len();
                self.bound
                    .extend([fold.iter_var.as_str(), fold.accu_var.as_str()]);
                self.bound.extend(fold.iter_var2.as_deref());
                for part in [&fold.loop_cond, &fold.loop_step, &fold.result] {
                    self.visit(part)?;
                }
                self.bound.truncate(outside);
                Ok(())
            }
            Expr::Call(call) if call.target.as_deref().is_some_and(is_optional_namespace) => call
                .args
                .iter()
                .try_for_each(|argument| self.visit(argument)),
            _ => children(expression)
                .into_iter()
                .try_for_each(|part| self.visit(part)),
        }
    }

    /// The chain that this expression is, if it is one. Indices known only at run time are visited
    /// for what they read themselves.
    fn chain(&mut self, expression: &'t Expression) -> Result<Option<Chain<'t>>, ExprError> {
        let (operand, segment) = match &expression.expr {
            Expr::Ident(name) => {
                return Ok(Some(Chain::of(name, expression.id)));
            }
            Expr::Select(select) => (&*select.operand, Some(Segment::Key(select.field.clone()))),
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (
                    operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT,
                    [operand, index],
                ) => (operand, literal_segment(index)),
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let Some(mut chain) = self.chain(operand)? else {
            return Ok(None);
        };
        chain.asked = matches!(&expression.expr, Expr::Select(select) if select.test);
        match (segment, &expression.expr) {
            (Some(segment), _) if chain.known => chain.path.push(segment),
            (Some(_), _) => {}
            (None, Expr::Call(call)) => {
                chain.known = false;
                call.args.get(1).map_or(Ok(()), |index| self.visit(index))?;
            }
            (None, _) => chain.known = false,
        }
        Ok(Some(chain))
    }

    fn record(&mut self, chain: Chain<'t>) -> Result<(), ExprError> {
        if self.bound.contains(&chain.name) {
            return Ok(());
        }
        let at = self
            .places
            .offset_for(chain.id)
            .map_or(0, |(start, _)| start as usize);
        let name = if chain.name == INPUT {
            "in"
        } else {
            chain.name
        };
        let root = match Root::from_name(name) {
            Some(Root::Secret) => {
                let name = chain
                    .path
                    .first()
                    .and_then(Segment::key)
                    .unwrap_or("NAME")
                    .to_owned();
                return Err(ExprError::SecretNotAllowed { name });
            }
            Some(root) => root,
            None if TYPES.contains(&name) && chain.path.is_empty() => return Ok(()),
            None => {
                return Err(ExprError::UnknownRoot {
                    name: name.to_owned(),
                    at,
                    allowed: Root::NAMES_WITHOUT_SECRET,
                });
            }
        };
        if root == Root::Nodes {
            check_node_path(&chain, at)?;
        }
        let span = at..at + self.length_from(at, name, chain.path.len());
        self.found.push(Reference {
            root,
            path: chain.path,
            span,
        });
        Ok(())
    }

    /// How many bytes the name and its segments take in the source.
    fn length_from(&self, at: usize, name: &str, segments: usize) -> usize {
        let rest = self.source.get(at..).unwrap_or_default();
        let mut end = name.len();
        for _ in 0..segments {
            let tail = rest.get(end..).unwrap_or_default();
            let spaces = tail.len() - tail.trim_start().len();
            end += spaces + segment_length(tail.trim_start());
        }
        end.min(rest.len())
    }
}

/// `.name`, `.?name` or `[...]` at the start of a text, in bytes.
fn segment_length(text: &str) -> usize {
    if text.starts_with('[') {
        return text.find(']').map_or(text.len(), |end| end + 1);
    }
    let name = text.trim_start_matches(['.', '?', ' ', '\n', '\t', '\r']);
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    text.len() - name.len() + end.unwrap_or(name.len())
}

fn literal_segment(index: &Expression) -> Option<Segment> {
    match &index.expr {
        Expr::Literal(LiteralValue::String(key)) => Some(Segment::Key(key.inner().to_owned())),
        Expr::Literal(LiteralValue::Int(place)) => {
            usize::try_from(*place.inner()).ok().map(Segment::Index)
        }
        Expr::Literal(LiteralValue::UInt(place)) => {
            usize::try_from(*place.inner()).ok().map(Segment::Index)
        }
        _ => None,
    }
}

fn is_optional_namespace(expression: &Expression) -> bool {
    matches!(&expression.expr, Expr::Ident(name) if name == OPTIONAL)
}

/// A node has `output` and nothing else, so another word is a slip that is worth telling at once.
/// So is an id with a hyphen after a dot, which CEL reads as a subtraction.
fn check_node_path(chain: &Chain<'_>, at: usize) -> Result<(), ExprError> {
    let (text, fits) = match chain.path.as_slice() {
        [id, second, ..] => (
            format!("nodes.{id}.{second}"),
            second.key() == Some("output"),
        ),
        [id] => (format!("nodes.{id}"), chain.asked || !chain.known),
        [] => return Ok(()),
    };
    if fits {
        return Ok(());
    }
    let reason = "write `nodes.<id>.output`, or `nodes[\"<id>\"].output` for an id that is not a \
                  plain name";
    Err(ExprError::BadReference {
        text,
        at,
        reason: reason.to_owned(),
    })
}
