//! What multiplies the work of a JSONPath query. The crate that reads the query keeps its tree to
//! itself, so this is read from the text.

use crate::error::{ExprError, Language};
use crate::weight::Weight;
use lattice_model::limits::{EXPRESSION_DEPTH_MAX, JSONPATH_FILTER_DEPTH_MAX};

const WHAT: Language = Language::JsonPath;

/// What reading a regular expression for one element costs, in units of work.
const REGEX_UNITS: u64 = 1_000;

/// What multiplies the work of a query, read from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// Selectors beside each other in one bracket, multiplied over the brackets.
    selectors: u64,
    /// `..`, and queries inside filters that can match more than once below their element: each
    /// can meet a value once for each of its ancestors.
    descents: u32,
    /// Queries from `$` inside filters that can match more than once: each reads the whole value
    /// for each element.
    whole_reads: u32,
    /// Calls of `match` and `search`.
    patterns: u64,
}

impl Cost {
    pub(super) fn of(source: &str) -> Result<Self, ExprError> {
        let mut reader = Reader::new(source);
        while reader.pos < source.len() {
            reader.step()?;
        }
        Ok(reader.cost)
    }

    /// An upper bound of the values a query meets.
    pub(super) fn units(self, weight: Weight) -> u64 {
        let per_value = if self.patterns == 0 {
            1
        } else {
            self.patterns * REGEX_UNITS
        };
        weight
            .nodes
            .saturating_mul(self.selectors)
            .saturating_mul((weight.depth as u64).saturating_pow(self.descents))
            .saturating_mul(weight.nodes.saturating_pow(self.whole_reads))
            .saturating_mul(per_value)
    }
}

/// One open bracket.
struct Level {
    close: u8,
    /// Selectors seen in it.
    selectors: u64,
    /// Whether a `?` was met in it.
    filter: bool,
}

struct Reader<'t> {
    source: &'t str,
    pos: usize,
    levels: Vec<Level>,
    cost: Cost,
}

impl<'t> Reader<'t> {
    fn new(source: &'t str) -> Self {
        let cost = Cost {
            selectors: 1,
            descents: 0,
            whole_reads: 0,
            patterns: 0,
        };
        Self {
            source,
            pos: 0,
            levels: Vec::new(),
            cost,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied()
    }

    fn step(&mut self) -> Result<(), ExprError> {
        let Some(byte) = self.byte(self.pos) else {
            return Ok(());
        };
        match byte {
            b'"' | b'\'' => {
                self.pos = quote_end(self.source.as_bytes(), self.pos);
                return Ok(());
            }
            b'[' | b'(' => {
                if byte == b'(' {
                    self.function()?;
                }
                let close = if byte == b'[' { b']' } else { b')' };
                self.levels.push(Level {
                    close,
                    selectors: 1,
                    filter: false,
                });
            }
            b']' | b')' => self.close(byte),
            b',' => {
                if let Some(level) = self.levels.last_mut() {
                    level.selectors += 1;
                }
            }
            b'?' => {
                if let Some(level) = self.levels.last_mut() {
                    level.filter = true;
                }
            }
            b'.' if self.byte(self.pos + 1) == Some(b'.') => {
                self.cost.descents = self.cost.descents.saturating_add(1);
                self.pos += 1;
            }
            b'$' | b'@' if self.pos > 0 && self.is_wide() => {
                let counter = match byte {
                    b'$' => &mut self.cost.whole_reads,
                    _ => &mut self.cost.descents,
                };
                *counter = counter.saturating_add(1);
            }
            _ => {}
        }
        self.pos += 1;
        self.check_depth()
    }

    /// Notes a call of `match` or `search` and refuses a pattern that comes from the data, since
    /// whoever writes the data would choose what it costs.
    fn function(&mut self) -> Result<(), ExprError> {
        let before = self.source.get(..self.pos).unwrap_or_default();
        if !before.ends_with("match") && !before.ends_with("search") {
            return Ok(());
        }
        self.cost.patterns += 1;
        let mut depth = 0_usize;
        let mut at = self.pos;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' | b'\'' => {
                    at = quote_end(self.source.as_bytes(), at);
                    continue;
                }
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth = depth.saturating_sub(1),
                b',' if depth == 1 => break,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            at += 1;
        }
        let pattern = self.source.get(at + 1..).unwrap_or_default().trim_start();
        if self.byte(at) == Some(b',') && !pattern.starts_with(['"', '\'']) {
            return Err(ExprError::Syntax {
                what: WHAT,
                at: at + 1,
                reason: "the pattern of `match` and `search` must be a quoted text".to_owned(),
            });
        }
        Ok(())
    }

    fn close(&mut self, byte: u8) {
        if self.levels.last().is_some_and(|level| level.close == byte)
            && let Some(level) = self.levels.pop()
            && byte == b']'
        {
            self.cost.selectors = self.cost.selectors.saturating_mul(level.selectors);
        }
    }

    /// Whether the query that starts here can match more than one value.
    fn is_wide(&self) -> bool {
        let mut depth = 0_usize;
        let mut at = self.pos + 1;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'"' | b'\'' => {
                    at = quote_end(self.source.as_bytes(), at);
                    continue;
                }
                b'*' | b'?' | b':' => return true,
                b',' if depth > 0 => return true,
                b'.' if self.byte(at + 1) == Some(b'.') => return true,
                b'[' => depth += 1,
                b']' if depth > 0 => depth -= 1,
                b']' | b')' | b',' | b'=' | b'!' | b'<' | b'>' | b'&' | b'|' if depth == 0 => {
                    return false;
                }
                _ => {}
            }
            at += 1;
        }
        false
    }

    fn check_depth(&self) -> Result<(), ExprError> {
        // The parser tries a filter, and the arguments of a function, in several ways, each time
        // with all that is inside: what nests there costs a power of its depth.
        let tried_again = self
            .levels
            .iter()
            .filter(|level| level.filter || level.close == b')');
        let (depth, max) = if tried_again.count() > JSONPATH_FILTER_DEPTH_MAX {
            (usize::MAX, JSONPATH_FILTER_DEPTH_MAX)
        } else {
            (self.levels.len(), EXPRESSION_DEPTH_MAX)
        };
        if depth > max {
            return Err(ExprError::TooDeep {
                what: WHAT,
                max,
                at: self.pos,
            });
        }
        Ok(())
    }
}

/// The place behind a quoted text that starts at `at`.
fn quote_end(bytes: &[u8], at: usize) -> usize {
    let quote = bytes.get(at).copied();
    let mut end = at + 1;
    while let Some(byte) = bytes.get(end).copied() {
        end += 1;
        if byte == b'\\' {
            end += 1;
        } else if Some(byte) == quote {
            break;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn cost(source: &str) -> (u64, u32, u32, u64) {
        let cost = Cost::of(source).unwrap();
        (
            cost.selectors,
            cost.descents,
            cost.whole_reads,
            cost.patterns,
        )
    }

    #[test]
    fn the_cost_is_read_from_the_text() {
        assert_eq!(cost("$.a.b[0]['c']"), (1, 0, 0, 0));
        assert_eq!(cost("$[0,1,2][*,*]"), (6, 0, 0, 0));
        assert_eq!(cost("$..a..b"), (1, 2, 0, 0));
        assert_eq!(cost("$[?@.a > $.b.c]"), (1, 0, 0, 0));
        assert_eq!(cost("$[?@.a > $.b['x:y'].c]"), (1, 0, 0, 0));
        assert_eq!(cost("$[?count(@.a[*]) > count($.b[*])]"), (1, 1, 1, 0));
        assert_eq!(cost("$[?match(@.a, 'x,[?*')]"), (1, 0, 0, 1));
    }
}
