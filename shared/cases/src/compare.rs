//! Compares what a case shows with what the code made of it.

use crate::Outputs;
use crate::edit::Edit;
use crate::page::{Case, Fence};
use similar::TextDiff;
use std::fmt;

/// One way in which a case does not hold.
#[derive(Debug)]
pub(crate) struct Mismatch {
    case: String,
    line: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The output is not the text of its fence.
    Differs { fence: Fence, actual: String },
    /// The output is not empty and has no fence; it would go unseen.
    NotShown {
        name: String,
        actual: String,
        line_end: usize,
    },
    /// A fence was read by the code and given as its output: it would always match.
    ReadAndGiven { name: String },
    /// No one read the fence and no output has its name.
    Unused { name: String },
    /// The case has inputs and nothing to compare.
    ChecksNothing,
}

impl Mismatch {
    /// The edit that makes the page right, if the page is what is wrong.
    pub(crate) fn edit(&self) -> Option<Edit> {
        match &self.kind {
            Kind::Differs { fence, actual } => Some(Edit::Replace {
                line: fence.line,
                line_end: fence.line_end,
                text: actual.clone(),
            }),
            Kind::NotShown {
                name,
                actual,
                line_end,
            } => Some(Edit::Insert {
                after_line: *line_end,
                info: format!("text {name}"),
                text: actual.clone(),
            }),
            Kind::ReadAndGiven { .. } | Kind::Unused { .. } | Kind::ChecksNothing => None,
        }
    }

    /// Whether a rewrite of the page settles it.
    pub(crate) fn can_be_updated(&self) -> bool {
        matches!(self.kind, Kind::Differs { .. } | Kind::NotShown { .. })
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, case) = (self.line, &self.case);
        match &self.kind {
            Kind::Differs { fence, actual } => {
                writeln!(f, "{line}: `{}` of the case `{case}` differs", fence.name)?;
                write!(f, "{}", diff(&fence.text, actual))
            }
            Kind::NotShown { name, actual, .. } => {
                writeln!(f, "{line}: the case `{case}` has no fence for its `{name}`")?;
                write!(f, "{}", diff("", actual))
            }
            Kind::ReadAndGiven { name } => write!(
                f,
                "{line}: `{name}` of the case `{case}` is both read and given, so it proves nothing"
            ),
            Kind::Unused { name } => write!(
                f,
                "{line}: `{name}` of the case `{case}` is neither an input nor an output; \
                 correct its name or remove it"
            ),
            Kind::ChecksNothing => write!(
                f,
                "{line}: the case `{case}` has no output to compare; add the fence it should fill"
            ),
        }
    }
}

/// Compares every named fence and every output of one case.
pub(crate) fn compare(case: &Case, outputs: &Outputs) -> Vec<Mismatch> {
    let mismatch = |line, kind| Mismatch {
        case: case.name().to_owned(),
        line,
        kind,
    };
    let mut found: Vec<Mismatch> = case
        .fences()
        .iter()
        .filter_map(|fence| Some(mismatch(fence.line, judge(case, fence, outputs)?)))
        .collect();
    let line_end = case
        .fences()
        .last()
        .map_or(case.line(), |fence| fence.line_end);
    for (name, actual) in outputs {
        if !case.shows(name) && !normal(actual).is_empty() {
            let kind = Kind::NotShown {
                name: name.clone(),
                actual: actual.clone(),
                line_end,
            };
            found.push(mismatch(case.line(), kind));
        }
    }
    let compared = outputs.keys().any(|name| case.shows(name));
    if found.is_empty() && !compared {
        found.push(mismatch(case.line(), Kind::ChecksNothing));
    }
    found
}

fn judge(case: &Case, fence: &Fence, outputs: &Outputs) -> Option<Kind> {
    let name = fence.name.clone();
    match (outputs.get(&name), case.was_read(&name)) {
        (Some(_), true) => Some(Kind::ReadAndGiven { name }),
        (None, false) => Some(Kind::Unused { name }),
        (None, true) => None,
        (Some(actual), false) => (normal(actual) != normal(&fence.text)).then(|| Kind::Differs {
            fence: fence.clone(),
            actual: actual.clone(),
        }),
    }
}

/// Line feeds at the end do not count: a fence cannot show whether the last one is there.
pub(crate) fn normal(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

fn diff(expected: &str, actual: &str) -> String {
    let ended = |text: &str| match normal(text) {
        "" => String::new(),
        text => format!("{text}\n"),
    };
    TextDiff::from_lines(ended(expected), ended(actual))
        .unified_diff()
        .header("the page", "the code")
        .to_string()
}
