//! Conditions: CEL expressions over `in`, `vars`, `nodes`, `item`, `index` and `run` that give true
//! or false. In this order: `scan` reads the words and bounds the nesting, the `cel` crate parses,
//! `walk` finds the references, `meter` puts in the counting of work, `bind` gives the values.
//!
//! CEL uses `in` as an operator only. Where a value is expected, `in` is rewritten to an internal
//! name of the same length before parsing, so every offset stays true.

mod bind;
mod meter;
mod scan;
mod walk;

use crate::error::{ExprError, Language, check_length};
use crate::reference::Reference;
use crate::scope::Scope;
use bind::Mentions;
use cel::common::types::CelBool;
use cel::parser::{Expression, ParseErrors};
use cel::{Context, Env, ExecutionError, Value};
use lattice_model::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_WORK_MAX};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// The functions and macros of CEL's standard library; no clock is among them, since the crate is
/// built without its `chrono` feature.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// A parsed condition. Cheap to clone.
#[derive(Clone)]
pub struct Condition(Arc<Parsed>);

struct Parsed {
    source: String,
    expression: Expression,
    references: Vec<Reference>,
    mentions: Mentions,
}

impl Condition {
    /// Reads a condition. Fails on what is not CEL, on names and functions that do not exist, and on
    /// what can never be true or false, such as a text alone.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        check_length(Language::Condition, source, EXPRESSION_BYTES_MAX)?;
        let rewritten = scan::scan(source)?;
        let (expression, places) = ENV
            .parser()
            .parse_with_source_info(&rewritten)
            .map_err(|errors| syntax_error(source, &errors))?;
        walk::check_depth(&expression)?;
        walk::check_shape(&expression)?;
        let references = walk::references(source, &expression, &places)?;
        Ok(Self(Arc::new(Parsed {
            source: source.to_owned(),
            mentions: Mentions::of(&references),
            expression: meter::put_in(expression),
            references,
        })))
    }

    /// What the condition reads, in the order it is met, repeated ones included. Where an index is
    /// known only at run time, the path ends before it.
    pub fn references(&self) -> &[Reference] {
        &self.0.references
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Evaluates. Only what the condition mentions is looked at. Fails where a value is missing
    /// (guard it with `has(...)`), where types do not fit, on a result that is neither true nor
    /// false, and over `EXPRESSION_WORK_MAX`.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<bool, ExprError> {
        let meter = meter::Meter::new(EXPRESSION_WORK_MAX);
        let mut context = Context::with_env(Arc::clone(&ENV));
        meter.register(&mut context)?;
        self.0.mentions.bind(scope, &mut context)?;
        let result = Value::resolve_val(&self.0.expression, &context);
        match result {
            Ok(value) => match value.downcast_ref::<CelBool>() {
                Some(truth) => Ok(*truth.inner()),
                None => Err(ExprError::NotBool {
                    found: kind_name(value.get_type().name()),
                }),
            },
            Err(_) if meter.is_spent() => Err(ExprError::TooMuchWork {
                what: Language::Condition,
                max: EXPRESSION_WORK_MAX,
            }),
            Err(error) => Err(self.explain(scope, &error)),
        }
    }

    /// Names the reference behind a missing key; otherwise says in our words what CEL says.
    fn explain(&self, scope: &Scope<'_>, error: &ExecutionError) -> ExprError {
        if matches!(
            error,
            ExecutionError::NoSuchKey(_) | ExecutionError::UndeclaredReference(_)
        ) {
            let mut lookups = self
                .0
                .references
                .iter()
                .map(|reference| scope.get(reference));
            if let Some(Err(missing)) = lookups.find(Result::is_err) {
                return missing;
            }
        }
        ExprError::Failed {
            what: Language::Condition,
            reason: describe(error),
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.0.source).finish()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.0.source == other.0.source
    }
}

impl Eq for Condition {}

/// The first syntax error, with its line and column turned into an offset.
fn syntax_error(source: &str, errors: &ParseErrors) -> ExprError {
    let (position, reason) = match errors.errors.first() {
        Some(first) => (first.pos, first.msg.as_str()),
        None => ((1, 1), "it is not a CEL expression"),
    };
    let line = usize::try_from(position.0).unwrap_or(1).max(1) - 1;
    let column = usize::try_from(position.1).unwrap_or(1).max(1) - 1;
    let line_start: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = source.get(line_start..).unwrap_or_default();
    let in_line = rest
        .char_indices()
        .nth(column)
        .map_or(rest.len(), |(at, _)| at);
    let reason = reason.strip_prefix("Syntax error: ").unwrap_or(reason);
    ExprError::Syntax {
        what: Language::Condition,
        at: line_start + in_line,
        reason: crate::error::shorten(&scan::undo(reason), 200),
    }
}

fn describe(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no `{key}`"),
        ExecutionError::NoSuchOverload(overload) => {
            let types: Vec<_> = overload
                .argument_types()
                .iter()
                .map(|name| kind_name(name))
                .collect();
            format!(
                "`{}` does not work on {}",
                operator(overload.function()),
                types.join(" and ")
            )
        }
        ExecutionError::UnexpectedType { got, want } => {
            format!(
                "{} stands where {} is expected",
                kind_name(got),
                kind_name(want)
            )
        }
        ExecutionError::UnsupportedBinaryOperator(name, left, right) => format!(
            "`{name}` does not work on {} and {}",
            kind_name(&left.type_of().to_string()),
            kind_name(&right.type_of().to_string())
        ),
        ExecutionError::ValuesNotComparable(left, right) => format!(
            "{} and {} cannot be compared",
            kind_name(&left.type_of().to_string()),
            kind_name(&right.type_of().to_string())
        ),
        ExecutionError::DivisionByZero(_) => "it divides by zero".to_owned(),
        ExecutionError::RemainderByZero(_) => "it takes the remainder by zero".to_owned(),
        ExecutionError::Overflow(..) => "a number grows too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "a list has no element at that index".to_owned(),
        ExecutionError::FunctionError { function, message } => format!("`{function}`: {message}"),
        ExecutionError::UnsupportedKeyType(value) => {
            format!(
                "{} cannot be a key",
                kind_name(&value.type_of().to_string())
            )
        }
        ExecutionError::DuplicateKey(_) => "an object has the same key twice".to_owned(),
        ExecutionError::UnsupportedIndex(index, value) => format!(
            "{} cannot be looked up in {}",
            kind_name(&index.type_of().to_string()),
            kind_name(&value.type_of().to_string())
        ),
        ExecutionError::InvalidArgumentCount { expected, actual } => {
            format!("a function takes {expected} arguments, not {actual}")
        }
        ExecutionError::UndeclaredReference(name) => format!("there is no `{name}`"),
        // The crate's own words would print values, whose fields come in any order.
        _ => "its parts do not fit each other".to_owned(),
    }
}

/// `_>_` as `>`, `@in` as `in`.
fn operator(function: &str) -> String {
    let bare = function.trim_matches('_').trim_start_matches('@');
    if bare.is_empty() {
        function.to_owned()
    } else {
        bare.to_owned()
    }
}

/// CEL's type names as said to people.
fn kind_name(cel: &str) -> String {
    match cel {
        "bool" => "a boolean".to_owned(),
        "int" | "uint" | "double" | "float" => "a number".to_owned(),
        "string" => "a text".to_owned(),
        "list" => "a list".to_owned(),
        "map" => "an object".to_owned(),
        "null_type" | "null" => "null".to_owned(),
        other => format!("a value of type `{other}`"),
    }
}

#[cfg(test)]
mod generated;
#[cfg(test)]
mod tests;
