//! Redacts a text while it comes, piece by piece.
//!
//! `Redactor::redact_text` is a chain of passes, each of which takes secrets out of the text of the
//! one before. Here each pass is a `Pass` that reads its text once, in order, and hands on all that
//! no later piece can change.

use crate::begun::{BegunForms, begun_at};
use crate::find::{NAME_BYTES_MAX, markers};
use crate::redactor::{PASSES_MAX, Redactor, replace};
use std::cmp::Reverse;
use std::fmt;
use std::ops::Range;

/// The redaction of a text that comes in pieces. `Debug` shows nothing of the text.
pub struct LiveRedaction {
    redactor: Redactor,
    forms: BegunForms,
    passes: [Pass; PASSES_MAX],
    shown: String,
    /// A declared value cannot be looked for, so nothing is shown.
    is_blind: bool,
}

impl LiveRedaction {
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self::with_pace(redactor, FIRST_PACE, PACE)
    }

    /// With its own pace for the first pass, and for the others.
    pub(crate) fn with_pace(redactor: Redactor, first: Pace, later: Pace) -> Self {
        let forms = BegunForms::new(&redactor.declared_forms());
        let is_blind = forms.is_err();
        let mut passes: [Pass; PASSES_MAX] = std::array::from_fn(|_| Pass::new(later));
        if let Some(pass) = passes.first_mut() {
            *pass = Pass::new(first);
        }
        Self {
            redactor,
            forms: forms.unwrap_or_default(),
            passes,
            shown: String::new(),
            is_blind,
        }
    }

    /// Takes the next piece of the text.
    pub fn push(&mut self, piece: &str) {
        if self.is_blind {
            return;
        }
        let mut piece = piece.to_owned();
        for pass in &mut self.passes {
            piece = pass.push(&piece, &self.redactor, &self.forms);
            if piece.is_empty() {
                return;
            }
        }
        self.shown.push_str(&piece);
    }

    /// What may be shown by now.
    ///
    /// INVARIANT: it begins with what it was before, and whatever comes, the redacted whole text
    /// begins with it.
    pub fn stable(&self) -> &str {
        &self.shown
    }
}

impl fmt::Debug for LiveRedaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveRedaction({} bytes)", self.shown.len())
    }
}

/// How much must come before a pass looks again: these many bytes, and this part of what it already
/// holds back. The part bounds the whole cost: what is held back for long is read again and again,
/// but each time it is a quarter longer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub bytes: usize,
    pub part: usize,
}

/// About three words.
const FIRST_PACE: Pace = Pace { bytes: 16, part: 4 };
/// Later passes are given something only when the first one has looked.
const PACE: Pace = Pace { bytes: 1, part: 4 };

/// What stands before the text in hand and may still be looked back at: a name, and the character
/// before a border of words.
const LOOK_BACK_BYTES: usize = NAME_BYTES_MAX + 4;

/// One pass over the text, as far as it has come.
#[derive(Debug)]
struct Pass {
    /// The end of what was handed on, and all that was not.
    text: String,
    /// Where what was not handed on begins.
    from: usize,
    /// The length of `text` from which on it is worth looking.
    look_at: usize,
    pace: Pace,
}

impl Pass {
    fn new(pace: Pace) -> Self {
        Self {
            text: String::new(),
            from: 0,
            look_at: pace.bytes,
            pace,
        }
    }

    /// Takes more of the text, and gives the redacted text that goes behind what was given before.
    fn push(&mut self, piece: &str, redactor: &Redactor, forms: &BegunForms) -> String {
        self.text.push_str(piece);
        if self.text.len() < self.look_at {
            return String::new();
        }
        let redacted = self.hand_on(redactor, forms);
        self.forget();
        let held = self.text.len() - self.from;
        self.look_at = self.text.len() + self.pace.bytes.max(held / self.pace.part);
        redacted
    }

    // INVARIANT: what begins before the cut has ended and does not reach over it. So for each shape
    // the search that goes on at the cut finds what a search over the whole text finds there, and
    // what is redacted before the cut stays as it is, whatever comes.
    fn hand_on(&mut self, redactor: &Redactor, forms: &BegunForms) -> String {
        let mut spans = markers(&self.text);
        let mut found = redactor.find_from(&self.text, self.from, &mut |span| spans.push(span));
        let begun = begun_at(&self.text, self.from).min(forms.begun_at(&self.text, self.from));
        let cut = cut_before(begun, spans, self.text.len());
        if cut <= self.from {
            return String::new();
        }
        found.retain(|finding| finding.span.start < cut);
        let redacted = replace(&self.text, self.from..cut, &found);
        self.from = cut;
        redacted
    }

    fn forget(&mut self) {
        let from = self.from.saturating_sub(LOOK_BACK_BYTES);
        let from = self.text.floor_char_boundary(from);
        self.text.drain(..from);
        self.from -= from;
    }
}

/// The last place up to `begun` that no span reaches over. A span up to the end of the text may
/// grow, so it counts as begun.
fn cut_before(begun: usize, mut spans: Vec<Range<usize>>, end: usize) -> usize {
    let growing = spans.iter().filter(|span| span.end == end);
    let mut cut = growing
        .map(|span| span.start)
        .fold(begun, |first, start| first.min(start));
    // From the last to the first: a cut that moves to a start falls into none that begins later.
    spans.sort_by_key(|span| Reverse(span.start));
    for span in spans {
        if span.start < cut && cut < span.end {
            cut = span.start;
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_reaches_over_the_cut() {
        for (begun, spans, end, cut) in [
            (9, &[][..], 9, 9),
            (9, &[0..1, 2..5], 9, 9),
            (4, &[0..1, 2..5], 9, 2),
            (5, &[0..1, 2..5], 9, 5),
            (9, &[2..5, 4..9], 9, 2),
            (8, &[0..3, 2..6, 5..9], 20, 0),
            (8, &[0..3, 3..6, 5..9], 20, 3),
        ] {
            assert_eq!(
                cut_before(begun, spans.to_vec(), end),
                cut,
                "{begun} {spans:?}"
            );
        }
    }
}
