//! Where, in a text that is still coming, a secret may have begun.
//!
//! The answer is not a guess at lengths: from each shape a pattern is derived that matches whatever
//! some match of the shape begins with. A text of which no end matches it can go on as it likes,
//! and no shape will reach back.

use crate::find::MARKER_HEAD;
use crate::rules::{RULES, Rule};
use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::noncontiguous::NFA;
use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, Look, Repetition};
use std::sync::LazyLock;

/// The place of the first character that a shape or a marker, in whole or in part, may begin with
/// and then reach the end of the text; the text's length if there is none. Looks at what begins at
/// `from` or later.
pub(crate) fn begun_at(text: &str, from: usize) -> usize {
    // INVARIANT: the pattern compiles; a test keeps it so. Without it nothing would be shown.
    BEGUN.as_ref().map_or(from, |begun| {
        begun
            .find_at(text, from)
            .map_or(text.len(), |hit| hit.start())
    })
}

/// The beginnings of declared values.
#[derive(Debug, Default)]
pub(crate) struct BegunForms(Option<NFA>);

impl BegunForms {
    /// Knows these texts. If they cannot be held in one automaton, the error says why.
    pub(crate) fn new(forms: &[String]) -> Result<Self, aho_corasick::BuildError> {
        match forms.is_empty() {
            true => Ok(Self(None)),
            false => NFA::new(forms).map(|automaton| Self(Some(automaton))),
        }
    }

    /// A place such that no form begins before it, at `from` or later, and reaches the end of the
    /// text in whole or in part.
    pub(crate) fn begun_at(&self, text: &str, from: usize) -> usize {
        let Some(automaton) = &self.0 else {
            return text.len();
        };
        let Ok(start) = automaton.start_state(Anchored::No) else {
            return from;
        };
        let (mut state, mut since) = (start, from);
        for (place, byte) in text.bytes().enumerate().skip(from) {
            state = automaton.next_state(Anchored::No, state, byte);
            // The automaton is at its start when no form may have begun.
            if state == start {
                since = place + 1;
            }
        }
        text.floor_char_boundary(since)
    }
}

/// More repetitions than this are taken for any number, which keeps the pattern small.
const COUNT_MAX: u32 = 64;
const MARKER_NAME: &str = r"[a-z0-9\-]{0,39}\]";
const PATTERN_BYTES_MAX: usize = 64 * 1024 * 1024;

static BEGUN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let marker = format!("{}{MARKER_NAME}", regex_syntax::escape(MARKER_HEAD));
    let shapes = RULES.iter().map(shape_of).chain([marker.as_str()]);
    let begun: Option<Vec<Hir>> = shapes.map(beginnings_of).collect();
    let pattern = Hir::concat(vec![Hir::alternation(begun?), Hir::look(Look::End)]);
    RegexBuilder::new(&pattern.to_string())
        .size_limit(PATTERN_BYTES_MAX)
        .build()
        .ok()
});

/// What has to come before the shape's matches are known from `find`: all of it, or its head.
fn shape_of(rule: &Rule) -> &str {
    rule.head.unwrap_or(rule.pattern)
}

fn beginnings_of(pattern: &str) -> Option<Hir> {
    let mut parser = ParserBuilder::new().unicode(false).build();
    let whole = parser.parse(pattern).ok()?;
    Some(beginnings(&relaxed(&whole)))
}

/// Matches all that a match may begin with, the whole match and nothing at all included.
fn beginnings(whole: &Hir) -> Hir {
    match whole.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => {
            let parts = (0..=literal.0.len()).rev();
            let part = |length| Hir::literal(literal.0.get(..length).unwrap_or_default());
            Hir::alternation(parts.map(part).collect())
        }
        HirKind::Class(_) => Hir::alternation(vec![whole.clone(), Hir::empty()]),
        HirKind::Repetition(repetition) => {
            let before = Hir::repetition(Repetition {
                min: 0,
                max: repetition.max.map(|most| most.saturating_sub(1)),
                ..repetition.clone()
            });
            Hir::concat(vec![before, beginnings(&repetition.sub)])
        }
        HirKind::Capture(group) => beginnings(&group.sub),
        HirKind::Concat(parts) => {
            let mut parts = parts.iter().rev();
            let last = parts.next().map_or_else(Hir::empty, beginnings);
            parts.fold(last, |rest, part| {
                let reached = Hir::concat(vec![part.clone(), rest]);
                Hir::alternation(vec![reached, beginnings(part)])
            })
        }
        HirKind::Alternation(branches) => {
            Hir::alternation(branches.iter().map(beginnings).collect())
        }
    }
}

/// Matches at least as much, without groups and without high counts.
fn relaxed(whole: &Hir) -> Hir {
    match whole.kind() {
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            max: repetition.max.filter(|most| *most <= COUNT_MAX),
            sub: Box::new(relaxed(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(group) => relaxed(&group.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(relaxed).collect()),
        HirKind::Alternation(branches) => Hir::alternation(branches.iter().map(relaxed).collect()),
        _ => whole.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_pattern_is_made_of_every_rule() {
        assert!(BEGUN.is_some());
        for rule in RULES {
            assert!(rule.pattern.starts_with(shape_of(rule)), "{}", rule.id);
            let mut parser = ParserBuilder::new().unicode(false).build();
            let shape = parser.parse(rule.pattern).unwrap();
            let least = shape.properties().minimum_len();
            assert!(least > Some(0), "`{}` matches nothing at all", rule.id);
        }
    }

    #[test]
    fn beginnings_are_those_of_some_match_and_no_others() {
        for (pattern, begins, others) in [
            ("abc", &["a", "ab", "abc"][..], &["b", "ac", "abcd"][..]),
            ("a{2,3}b", &["a", "aa", "aaab", "aab"], &["aaaa", "b"]),
            (
                "(?:ab|c)+d?",
                &["a", "ab", "aba", "ca", "cd"],
                &["b", "aa", "dc"],
            ),
            (r"\bx(y|zz)\b", &["x", "xy", "xz", "xzz"], &["xyz", "z"]),
            (r"[0-9]{100,200}-", &["1", "123"], &["-", "1-"]),
        ] {
            let begun = beginnings_of(pattern).unwrap();
            let whole = Regex::new(&format!("^(?:{begun})$")).unwrap();
            for text in begins {
                assert!(whole.is_match(text), "{pattern} {text}");
            }
            for text in others {
                assert!(!whole.is_match(text), "{pattern} {text}");
            }
        }
    }

    #[test]
    fn the_place_is_that_of_the_first_beginning() {
        for (text, place) in [
            ("it is said, ", 12),
            ("the token ", 4),
            ("a key and a token ", 12),
            ("see ghp_abc", 4),
            ("x=[redacted:jw", 2),
            ("-----BEGIN RSA PRIV", 0),
            ("x-----BEGIN PRIVATE KEY-----", 1),
            ("-----BEGIN PRIVATE KEY-----\nabc, ", 33),
        ] {
            assert_eq!(begun_at(text, 0), place, "{text}");
        }
        assert_eq!(begun_at("token token ", 6), 6);
        // Looks back over a border, but not for a beginning.
        assert_eq!(begun_at("xghp_abc,ghp_", 5), 9);
    }

    #[test]
    fn a_declared_value_is_seen_from_its_first_character_on() {
        let forms = BegunForms::new(&["pässe ".to_owned(), "eee".to_owned()]).unwrap();
        for (text, place) in [
            ("ein pä", 4),
            ("ein pässe ", 4),
            ("ein pässe x", 12),
            ("ein pass", 8),
            ("see", 1),
        ] {
            assert_eq!(forms.begun_at(text, 0), place, "{text}");
        }
        assert_eq!(BegunForms::default().begun_at("abc", 0), 3);
    }
}
