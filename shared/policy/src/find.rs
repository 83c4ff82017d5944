//! Finds secrets in a text: keywords first, in one pass, and only then the shapes they belong to.

use crate::fields::{is_mixed, is_secret_value, name_kind};
use crate::rules::{Check, RULES, Rule};
use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Regex, RegexBuilder};
use std::ops::Range;
use std::sync::LazyLock;

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The shape that it has.
    pub rule: &'static str,
    /// Where it stands, in bytes.
    pub span: Range<usize>,
}

/// The secrets of a text, in order and without overlap. What is already a marker of the redactor is
/// left alone.
pub fn find_secrets(text: &str) -> Vec<Finding> {
    find_from(text, 0, &mut |_| {})
}

/// The secrets that begin at `from` or later; what stands before is looked back at only. `matched`
/// is told where each match of a shape stands, also of one that turns out to be no secret.
pub(crate) fn find_from(
    text: &str,
    from: usize,
    matched: &mut dyn FnMut(Range<usize>),
) -> Vec<Finding> {
    let found = COMPILED.find(text, from, matched);
    if found.is_empty() {
        found
    } else {
        settle(text, found)
    }
}

/// Puts findings in order, drops those inside markers, and makes one of those that overlap.
pub(crate) fn settle(text: &str, found: Vec<Finding>) -> Vec<Finding> {
    let markers = markers(text);
    let outside = |finding: Finding| {
        let span = beyond_markers(&markers, &finding.span)?;
        Some(Finding { span, ..finding })
    };
    let mut found: Vec<_> = found.into_iter().filter_map(outside).collect();
    // The sort is stable: rules that come first keep the name.
    found.sort_by_key(|finding| (finding.span.start, usize::MAX - finding.span.end));
    let mut settled: Vec<Finding> = Vec::with_capacity(found.len());
    for finding in found {
        match settled.last_mut() {
            Some(last) if finding.span.start < last.span.end => {
                last.span.end = last.span.end.max(finding.span.end);
            }
            _ => settled.push(finding),
        }
    }
    settled
}

/// The span with all of each marker that it meets; nothing if it stands inside one.
fn beyond_markers(markers: &[Range<usize>], span: &Range<usize>) -> Option<Range<usize>> {
    // INVARIANT: markers stand in order and apart, so those that the span meets are neighbours. A
    // text may hold very many markers and findings, so they are not all compared.
    let first = markers.partition_point(|marker| marker.end <= span.start);
    let behind = markers.partition_point(|marker| marker.start < span.end);
    let met = markers.get(first..behind).unwrap_or_default();
    let (Some(first), Some(last)) = (met.first(), met.last()) else {
        return Some(span.clone());
    };
    let is_inside = first.start <= span.start && span.end <= first.end;
    (!is_inside).then(|| span.start.min(first.start)..span.end.max(last.end))
}

pub(crate) const MARKER_HEAD: &str = "[redacted:";

/// Where markers stand: the head, a rule's name, and `]`.
pub(crate) fn markers(text: &str) -> Vec<Range<usize>> {
    text.match_indices(MARKER_HEAD)
        .filter_map(|(start, _)| {
            let name_at = start + MARKER_HEAD.len();
            let name = text.get(name_at..)?;
            let length = name.bytes().take(40).position(|byte| byte == b']')?;
            let named = name
                .bytes()
                .take(length)
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            named.then_some(start..name_at + length + 1)
        })
        .collect()
}

struct Compiled {
    shapes: Vec<(&'static Rule, Regex)>,
    keywords: Option<AhoCorasick>,
    /// The shape that each keyword belongs to.
    owners: Vec<usize>,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(Compiled::new);

impl Compiled {
    fn new() -> Self {
        // INVARIANT: every pattern is a constant that compiles; `every_rule_compiles` keeps it so.
        let shapes: Vec<_> = RULES
            .iter()
            .filter_map(|rule| {
                let shape = RegexBuilder::new(rule.pattern).unicode(false).build();
                shape.ok().map(|shape| (rule, shape))
            })
            .collect();
        let words = || {
            let owned = |(owner, (rule, _)): (usize, &(&'static Rule, Regex))| {
                let words: &'static [&'static str] = rule.keywords;
                words.iter().map(move |word| (owner, *word))
            };
            shapes.iter().enumerate().flat_map(owned)
        };
        let keywords = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(words().map(|(_, word)| word))
            .ok();
        let owners = words().map(|(owner, _)| owner).collect();
        Self {
            shapes,
            keywords,
            owners,
        }
    }

    fn find(&self, text: &str, from: usize, matched: &mut dyn FnMut(Range<usize>)) -> Vec<Finding> {
        let mut found = Vec::new();
        let wanted = self.wanted(text.get(from..).unwrap_or_default());
        for (wanted, (rule, shape)) in wanted.into_iter().zip(&self.shapes) {
            if wanted {
                each_match(shape, text, from, |whole, span| {
                    if accepts(rule, text, &whole, &span) {
                        found.push(Finding {
                            rule: rule.id,
                            span,
                        });
                    }
                    matched(whole);
                });
            }
        }
        found
    }

    /// Which shapes are worth trying: those with a keyword in the text, and those without any.
    fn wanted(&self, text: &str) -> Vec<bool> {
        let Some(keywords) = &self.keywords else {
            return vec![true; self.shapes.len()];
        };
        let mut wanted: Vec<bool> = self
            .shapes
            .iter()
            .map(|(rule, _)| rule.keywords.is_empty())
            .collect();
        for hit in keywords.find_overlapping_iter(text) {
            let owner = self.owners.get(hit.pattern().as_usize());
            if let Some(flag) = owner.and_then(|owner| wanted.get_mut(*owner)) {
                *flag = true;
            }
        }
        wanted
    }
}

/// Each match as a whole, and the part of it that is the secret. No shape matches nothing at all, so
/// each search goes on behind where it began.
fn each_match(
    shape: &Regex,
    text: &str,
    from: usize,
    mut take: impl FnMut(Range<usize>, Range<usize>),
) {
    let mut at = from;
    if shape.captures_len() == 1 {
        while let Some(hit) = shape.find_at(text, at) {
            at = hit.end();
            take(hit.range(), hit.range());
        }
        return;
    }
    while let Some(groups) = shape.captures_at(text, at) {
        let (Some(whole), Some(value)) = (groups.get(0), groups.get(1)) else {
            break;
        };
        at = whole.end();
        take(whole.range(), value.range());
    }
}

fn accepts(rule: &Rule, text: &str, whole: &Range<usize>, span: &Range<usize>) -> bool {
    let value = text.get(span.clone()).unwrap_or_default();
    match rule.check {
        Check::Shape => true,
        Check::Mixed => is_mixed(value),
        Check::Named => {
            let head = text.get(..span.start).unwrap_or_default();
            let called = text
                .get(span.end..)
                .is_some_and(|rest| rest.starts_with('('));
            !called && is_secret_value(name_kind(name_before(head, whole.start)), value)
        }
    }
}

/// How far back a name is read.
pub(crate) const NAME_BYTES_MAX: usize = 48;

/// The name before a value: the matched word, with the name's letters that stand before it.
fn name_before(head: &str, word_at: usize) -> &str {
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(byte);
    let bytes = head.as_bytes();
    let before = bytes.get(..word_at).unwrap_or_default();
    let more = before
        .iter()
        .rev()
        .take(NAME_BYTES_MAX)
        .take_while(|byte| in_name(byte))
        .count();
    let rest = bytes.get(word_at..).unwrap_or_default();
    let length = rest.iter().take_while(|byte| in_name(byte)).count();
    head.get(word_at - more..word_at + length)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_has_lower_case_keywords() {
        assert_eq!(COMPILED.shapes.len(), RULES.len());
        assert!(COMPILED.keywords.is_some());
        for rule in RULES {
            for keyword in rule.keywords {
                assert_eq!(*keyword, keyword.to_lowercase(), "{}", rule.id);
            }
        }
    }

    #[test]
    fn findings_that_overlap_become_one() {
        let finding = |rule, span| Finding { rule, span };
        let found = vec![finding("b", 4..9), finding("a", 0..5), finding("c", 9..10)];
        assert_eq!(
            settle("0123456789", found),
            vec![finding("a", 0..9), finding("c", 9..10)]
        );
    }

    #[test]
    fn a_marker_is_left_alone_and_never_cut() {
        let text = "x [redacted:jwt] y";
        let finding = |span| Finding { rule: "a", span };
        assert_eq!(settle(text, vec![finding(3..11)]), vec![]);
        assert_eq!(settle(text, vec![finding(0..5)]), vec![finding(0..16)]);
        assert!(markers("[redacted:Not A Rule] [redacted:").is_empty());
    }

    #[test]
    fn a_span_takes_in_each_marker_that_it_meets() {
        let markers = [2..6, 6..9, 12..15, 20..25];
        for (span, grown) in [
            (0..2, Some(0..2)),
            (0..3, Some(0..6)),
            (9..12, Some(9..12)),
            (25..30, Some(25..30)),
            (5..7, Some(2..9)),
            (8..14, Some(6..15)),
            (0..30, Some(0..30)),
            (24..30, Some(20..30)),
            (2..6, None),
            (13..14, None),
            (20..25, None),
        ] {
            assert_eq!(beyond_markers(&markers, &span), grown, "{span:?}");
        }
        assert_eq!(beyond_markers(&[], &(3..4)), Some(3..4));
    }
}
