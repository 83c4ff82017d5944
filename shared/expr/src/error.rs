//! What can be wrong with an expression, worded for the person who wrote it.

use std::fmt;

/// The language a text is written in, as named in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Text with `{{references}}`.
    Template,
    /// A CEL expression that gives true or false.
    Condition,
    /// A JMESPath expression.
    JmesPath,
    /// A JSONPath query (RFC 9535).
    JsonPath,
    /// A JSON Schema (draft 2020-12).
    Schema,
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Template => "template",
            Self::Condition => "condition",
            Self::JmesPath => "JMESPath expression",
            Self::JsonPath => "JSONPath query",
            Self::Schema => "JSON Schema",
        })
    }
}

/// Why a text cannot be used, or why it gave no value. Offsets are bytes from the start of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// The text is longer than its limit.
    #[error("the {what} is {actual} bytes long, more than the limit of {max}")]
    TooLong {
        /// What was too long.
        what: Language,
        /// Its length in bytes.
        actual: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The text nests, or chains operators, deeper than its limit.
    #[error("the {what} is nested deeper than the limit of {max} levels at byte {at}")]
    TooDeep {
        /// What was too deep.
        what: Language,
        /// The limit in levels.
        max: usize,
        /// Where the limit was passed.
        at: usize,
    },
    /// The text is not written in its language.
    #[error("the {what} cannot be read at byte {at}: {reason}")]
    Syntax {
        /// What could not be read.
        what: Language,
        /// Where.
        at: usize,
        /// What the parser says.
        reason: String,
    },
    /// A `{{` has no `}}`.
    #[error(
        "the `{{{{` at byte {at} has no `}}}}`; close it, or write `\\{{{{` for the characters themselves"
    )]
    Unclosed {
        /// Where it opens.
        at: usize,
    },
    /// A `{{...}}` does not hold a reference.
    #[error("`{text}` at byte {at} is not a reference: {reason}")]
    BadReference {
        /// What stands there.
        text: String,
        /// Where.
        at: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A reference starts with a name that nothing has.
    #[error("`{name}` at byte {at} is not known; a reference starts with one of {allowed}")]
    UnknownRoot {
        /// The name.
        name: String,
        /// Where.
        at: usize,
        /// The names that are known here.
        allowed: &'static str,
    },
    /// A call of a function that does not exist.
    #[error("there is no function `{name}` in a {what}")]
    UnknownFunction {
        /// Where it was called.
        what: Language,
        /// Its name.
        name: String,
    },
    /// A secret where no secret may stand.
    #[error("`secret.{name}` cannot be read here; secrets are for the settings of effects only")]
    SecretNotAllowed {
        /// The name of the secret.
        name: String,
    },
    /// A reference has no value.
    #[error("`{reference}` has no value: {reason}")]
    Missing {
        /// The reference as written.
        reference: String,
        /// Which part of it is not there.
        reason: String,
    },
    /// A condition gave something else than true or false.
    #[error("a condition must give true or false, this one gives {found}")]
    NotBool {
        /// The type of what it gave.
        found: String,
    },
    /// An evaluation went wrong.
    #[error("the {what} cannot be evaluated: {reason}")]
    Failed {
        /// What was evaluated.
        what: Language,
        /// What went wrong.
        reason: String,
    },
    /// An evaluation would take, or took, too much work.
    #[error("the {what} is too much work for this value: the limit is {max} steps")]
    TooMuchWork {
        /// What was evaluated.
        what: Language,
        /// The limit.
        max: u64,
    },
    /// A result is larger than a value may be.
    #[error("the {what} gives more than the limit of {max} bytes")]
    TooLarge {
        /// What was evaluated.
        what: Language,
        /// The limit in bytes.
        max: usize,
    },
    /// A value nests deeper than a value may.
    #[error("the value is nested deeper than the limit of {max} levels")]
    ValueTooDeep {
        /// The limit in levels.
        max: usize,
    },
    /// A schema is not a valid JSON Schema, or points outside itself.
    #[error("the JSON Schema is not valid at `{pointer}`: {reason}")]
    BadSchema {
        /// Where in the schema, as a JSON pointer.
        pointer: String,
        /// What is wrong.
        reason: String,
    },
}

impl ExprError {
    /// Where in the text the problem is, in bytes, if it is about one place.
    pub fn offset(&self) -> Option<usize> {
        match self {
            Self::TooDeep { at, .. }
            | Self::Syntax { at, .. }
            | Self::Unclosed { at }
            | Self::BadReference { at, .. }
            | Self::UnknownRoot { at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// Refuses a text over its limit before any parser sees it.
pub(crate) fn check_length(what: Language, text: &str, max: usize) -> Result<(), ExprError> {
    if text.len() > max {
        return Err(ExprError::TooLong {
            what,
            actual: text.len(),
            max,
        });
    }
    Ok(())
}

/// The first `max` characters of a text, with `...` for the rest.
pub(crate) fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
