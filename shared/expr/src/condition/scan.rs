//! Reads the words of a condition before CEL does: bounds its nesting, and gives the root `in` a
//! name that CEL takes. Strings and comments are passed over. What is malformed is left to CEL,
//! which refuses it.

use crate::error::{ExprError, Language};
use crate::reference::Root;
use lattice_model::limits::EXPRESSION_DEPTH_MAX;

/// What stands for the root `in` inside CEL. As long as `in`, so offsets stay true; refused as a
/// name of the author's own.
pub(super) const INPUT: &str = "I_";

/// Operators, dots and calls in a row, over all open brackets. Generous: the tree is measured
/// exactly once it is parsed; this only protects the parser's stack.
const LINKS_MAX: usize = 4 * EXPRESSION_DEPTH_MAX;

/// Checks the nesting and gives the text that CEL parses, which has the same length.
pub(super) fn scan(source: &str) -> Result<String, ExprError> {
    let mut scanner = Scanner {
        source,
        pos: 0,
        out: String::with_capacity(source.len()),
        levels: vec![Level::default()],
        after: After::Operator,
    };
    while scanner.pos < source.len() {
        scanner.token()?;
    }
    Ok(scanner.out)
}

/// Our word in place of the internal name, in a message of the parser.
pub(super) fn undo(message: &str) -> String {
    message.replace(&format!("'{INPUT}'"), "'in'")
}

/// What the last token leaves open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    /// A value ended: an operator may follow.
    Value,
    /// A value is expected.
    Operator,
    /// A field name is expected.
    Dot,
}

/// One open bracket, or the whole text.
#[derive(Default)]
struct Level {
    links: usize,
    /// `?` nest to the right and last until the bracket closes.
    choices: usize,
}

struct Scanner<'t> {
    source: &'t str,
    pos: usize,
    out: String,
    levels: Vec<Level>,
    after: After,
}

impl Scanner<'_> {
    fn token(&mut self) -> Result<(), ExprError> {
        let rest = self.source.get(self.pos..).unwrap_or_default();
        let Some(first) = rest.chars().next() else {
            return Ok(());
        };
        if let Some(length) = string_length(rest) {
            self.after = After::Value;
            self.copy(length);
        } else if first.is_ascii_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            self.word(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default())?;
        } else if rest.starts_with("//") {
            self.copy(rest.find('\n').unwrap_or(rest.len()));
        } else if first.is_whitespace() {
            self.copy(first.len_utf8());
        } else {
            self.sign(rest, first)?;
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), ExprError> {
        let at = self.pos;
        match (word, self.after) {
            ("in", After::Value) => {
                self.after = After::Operator;
                self.copy(word.len());
                return self.link();
            }
            ("in", After::Operator) => {
                self.out.push_str(INPUT);
                self.pos += word.len();
            }
            ("in", After::Dot) => {
                return Err(ExprError::Syntax {
                    what: Language::Condition,
                    at,
                    reason: "`in` cannot follow a dot; write `[\"in\"]`".to_owned(),
                });
            }
            (INPUT, After::Operator) => {
                return Err(ExprError::UnknownRoot {
                    name: word.to_owned(),
                    at,
                    allowed: Root::NAMES_WITHOUT_SECRET,
                });
            }
            _ => self.copy(word.len()),
        }
        self.after = After::Value;
        Ok(())
    }

    fn sign(&mut self, rest: &str, first: char) -> Result<(), ExprError> {
        let width = match rest.get(..2) {
            Some("&&" | "||" | "==" | "!=" | "<=" | ">=") => 2,
            _ => first.len_utf8(),
        };
        let before = self.after;
        self.after = if first == '.' {
            After::Dot
        } else {
            After::Operator
        };
        match first {
            '(' | '[' | '{' => {
                self.link()?;
                self.levels.push(Level::default());
            }
            ')' | ']' | '}' => {
                if self.levels.len() > 1 {
                    self.levels.pop();
                }
                self.after = After::Value;
            }
            // `&&` and `||` chains become balanced trees, and a comma starts afresh.
            ',' | '&' | '|' => self.reset(first == ','),
            '?' => {
                self.link()?;
                self.choice();
            }
            '.' if before == After::Operator => {
                return Err(ExprError::Syntax {
                    what: Language::Condition,
                    at: self.pos,
                    reason: "a dot must follow a value".to_owned(),
                });
            }
            _ => self.link()?,
        }
        self.check_depth()?;
        self.copy(width);
        Ok(())
    }

    fn link(&mut self) -> Result<(), ExprError> {
        if let Some(level) = self.levels.last_mut() {
            level.links += 1;
        }
        self.check_depth()
    }

    fn choice(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.choices += 1;
        }
    }

    fn reset(&mut self, choices_too: bool) {
        if let Some(level) = self.levels.last_mut() {
            level.links = 0;
            if choices_too {
                level.choices = 0;
            }
        }
    }

    fn check_depth(&self) -> Result<(), ExprError> {
        let links: usize = self.levels.iter().map(|level| level.links).sum();
        let choices: usize = self.levels.iter().map(|level| level.choices).sum();
        if links > LINKS_MAX || self.levels.len() + choices > EXPRESSION_DEPTH_MAX + 1 {
            return Err(ExprError::TooDeep {
                what: Language::Condition,
                max: EXPRESSION_DEPTH_MAX,
                at: self.pos,
            });
        }
        Ok(())
    }

    fn copy(&mut self, length: usize) {
        let end = self.pos + length;
        self.out
            .push_str(self.source.get(self.pos..end).unwrap_or_default());
        self.pos = end;
    }
}

/// The length of the string literal that starts here, prefix and quotes included; an unclosed one
/// lasts to the end.
fn string_length(text: &str) -> Option<usize> {
    let prefix = text.len() - text.trim_start_matches(['r', 'R', 'b', 'B']).len();
    let raw = text.get(..prefix)?.contains(['r', 'R']);
    let body = text.get(prefix..)?;
    let quote = body
        .chars()
        .next()
        .filter(|first| prefix <= 2 && matches!(first, '"' | '\''))?;
    let triple: String = [quote; 3].iter().collect();
    let close = if body.starts_with(&triple) {
        triple
    } else {
        quote.to_string()
    };
    let mut at = close.len();
    while at < body.len() {
        let rest = body.get(at..)?;
        if rest.starts_with(&close) {
            return Some(prefix + at + close.len());
        }
        let mut chars = rest.chars();
        at += chars.next().map_or(1, char::len_utf8);
        if !raw && rest.starts_with('\\') {
            at += chars.next().map_or(0, char::len_utf8);
        }
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn check(source: &str, rewritten: &str) {
        assert_eq!(scan(source).unwrap(), rewritten);
        assert_eq!(source.len(), rewritten.len());
    }

    #[test]
    fn in_becomes_a_name_only_where_a_value_is_expected() {
        check("in.title", "I_.title");
        check("in", "I_");
        check("!in.a && -in.b > 0", "!I_.a && -I_.b > 0");
        check("\"a\" in in.tags", "\"a\" in I_.tags");
        check("in.x in in.y", "I_.x in I_.y");
        check("f(in) in [in, 1]", "f(I_) in [I_, 1]");
        check("vars.x in {1: in}", "vars.x in {1: I_}");
        check("index in in", "index in I_");
        check("inner.in_x", "inner.in_x");
    }

    #[test]
    fn strings_and_comments_are_passed_over() {
        check("'in' in in", "'in' in I_");
        check("\"a\\\" in \" == in.x", "\"a\\\" in \" == I_.x");
        check("r'\\' in in.x", "r'\\' in I_.x");
        check("'''a ' in''' == in.x", "'''a ' in''' == I_.x");
        check("br\"in\" == in", "br\"in\" == I_");
        check("in // in in\n > 1", "I_ // in in\n > 1");
        check("'ü' in in", "'ü' in I_");
        check("'open in", "'open in");
    }

    #[test]
    fn the_internal_name_and_a_field_in_are_refused() {
        assert!(scan("I_.x").is_err());
        assert!(scan("vars.I_").is_ok());
        assert!(
            scan("vars.in")
                .unwrap_err()
                .to_string()
                .contains("[\"in\"]")
        );
        assert!(scan(".in.x").is_err());
    }

    #[test]
    fn nesting_has_a_limit() {
        let nested = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
        assert!(scan(&nested(EXPRESSION_DEPTH_MAX)).is_ok());
        assert!(matches!(
            scan(&nested(EXPRESSION_DEPTH_MAX + 1)),
            Err(ExprError::TooDeep {
                max: EXPRESSION_DEPTH_MAX,
                at: EXPRESSION_DEPTH_MAX,
                ..
            })
        ));
        assert!(scan(&format!("1{}", "+1".repeat(LINKS_MAX))).is_ok());
        assert!(scan(&format!("1{}", "+1".repeat(LINKS_MAX + 1))).is_err());
        assert!(scan(&format!("1{}", " && 1 + 1".repeat(500))).is_ok());
        assert!(scan(&"a ? b : ".repeat(EXPRESSION_DEPTH_MAX + 1)).is_err());
        assert!(scan(&"true && a ? b : ".repeat(EXPRESSION_DEPTH_MAX + 1)).is_err());
    }
}
