//! Reads a Markdown page into cases. Knows headings and fences, and nothing else of Markdown.

use std::cell::RefCell;
use std::collections::BTreeSet;

/// A heading with the named fences below it, up to the next heading of any level.
#[derive(Debug)]
pub struct Case {
    name: String,
    line: usize,
    fences: Vec<Fence>,
    read: RefCell<BTreeSet<String>>,
}

impl Case {
    fn new(name: &str, line: usize) -> Self {
        Self {
            name: name.to_owned(),
            line,
            fences: Vec::new(),
            read: RefCell::default(),
        }
    }

    /// The text of the heading.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The line of the heading, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The text of the input fence called `name`. Reading a fence makes it an input: it cannot be
    /// an output of the same case.
    pub fn input(&self, name: &str) -> Option<&str> {
        let fence = self.fences.iter().find(|fence| fence.name == name)?;
        self.read.borrow_mut().insert(name.to_owned());
        Some(&fence.text)
    }

    /// Whether the page has a fence called `name` in this case. Its text stays unread.
    pub fn shows(&self, name: &str) -> bool {
        self.fences.iter().any(|fence| fence.name == name)
    }

    pub(crate) fn fences(&self) -> &[Fence] {
        &self.fences
    }

    pub(crate) fn was_read(&self, name: &str) -> bool {
        self.read.borrow().contains(name)
    }
}

/// A named fence: where it stands and what is in it.
#[derive(Debug, Clone)]
pub(crate) struct Fence {
    /// The line that opens it, from 1.
    pub(crate) line: usize,
    /// The line that closes it, from 1.
    pub(crate) line_end: usize,
    pub(crate) name: String,
    /// The lines between, joined by line feeds, without a last one.
    pub(crate) text: String,
}

/// Why a page is not a case file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The page ends inside a fence.
    #[error("the fence is never closed")]
    Unclosed {
        /// The line that opens the fence.
        line: usize,
    },
    /// A case has two fences of one name.
    #[error("a second fence called `{name}` in one case")]
    Duplicate {
        /// The line of the second one.
        line: usize,
        /// The name of both.
        name: String,
    },
    /// More than a language and a name stand behind the backticks.
    #[error("expected a language and a name, found `{info}`")]
    Info {
        /// The line of the fence.
        line: usize,
        /// What stands there.
        info: String,
    },
}

impl PageError {
    /// The line that the problem is at, from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Unclosed { line } | Self::Duplicate { line, .. } | Self::Info { line, .. } => {
                *line
            }
        }
    }
}

/// Reads the cases of a page; headings without a named fence are prose and are left out.
pub(crate) fn parse(text: &str) -> Result<Vec<Case>, PageError> {
    let mut cases = vec![Case::new("(top of the page)", 1)];
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    while let Some((line, content)) = lines.next() {
        if let Some(name) = heading(content) {
            cases.push(Case::new(name, line));
        } else if let Some(opener) = Opener::read(content) {
            let fence = read_fence(line, &opener, &mut lines)?;
            if let (Some(fence), Some(case)) = (fence, cases.last_mut()) {
                add_fence(case, fence)?;
            }
        }
    }
    cases.retain(|case| !case.fences.is_empty());
    Ok(cases)
}

fn add_fence(case: &mut Case, fence: Fence) -> Result<(), PageError> {
    if case.shows(&fence.name) {
        return Err(PageError::Duplicate {
            line: fence.line,
            name: fence.name,
        });
    }
    case.fences.push(fence);
    Ok(())
}

/// Reads up to the closing line. `None` for a fence without a name.
fn read_fence<'a>(
    line: usize,
    opener: &Opener<'_>,
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Result<Option<Fence>, PageError> {
    let mut words = opener.info.split_whitespace();
    let name = words.nth(1);
    if words.next().is_some() {
        return Err(PageError::Info {
            line,
            info: opener.info.to_owned(),
        });
    }
    let mut content = Vec::new();
    for (line_end, text) in lines {
        if opener.is_closed_by(text) {
            return Ok(name.map(|name| Fence {
                line,
                line_end,
                name: name.to_owned(),
                text: content.join("\n"),
            }));
        }
        content.push(text);
    }
    Err(PageError::Unclosed { line })
}

/// The text of an ATX heading.
fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    let is_heading = (1..=6).contains(&level) && (rest.is_empty() || rest.starts_with(' '));
    is_heading.then(|| rest.trim().trim_end_matches('#').trim_end())
}

/// The line that opens a fence.
pub(crate) struct Opener<'a> {
    marker: char,
    pub(crate) marker_len: usize,
    info: &'a str,
}

impl<'a> Opener<'a> {
    /// Reads a line of at least three backticks or tildes, indented by at most three spaces.
    pub(crate) fn read(line: &'a str) -> Option<Self> {
        let body = unindent(line)?;
        let marker = body.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = body.trim_start_matches(marker);
        let marker_len = body.len() - info.len();
        // A backtick behind the opening run makes the line inline code (CommonMark 4.5).
        let is_code = marker == '`' && info.contains('`');
        (marker_len >= 3 && !is_code).then(|| Self {
            marker,
            marker_len,
            info: info.trim(),
        })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        unindent(line).is_some_and(|body| {
            let rest = body.trim_start_matches(self.marker);
            rest.trim().is_empty() && body.len() - rest.len() >= self.marker_len
        })
    }
}

fn unindent(line: &str) -> Option<&str> {
    let body = line.trim_start_matches(' ');
    (line.len() - body.len() <= 3).then_some(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{PageError, parse};

    #[test]
    fn fences_belong_to_the_heading_above_them() {
        let text =
            "# Page\nprose\n## One\n```json document\n{}\n```\n### Two\n~~~text ir\na\n\n~~~\n";
        let cases = parse(text).unwrap();
        let found: Vec<_> = cases
            .iter()
            .map(|case| (case.name(), case.line(), case.fences()[0].line))
            .collect();
        assert_eq!(found, [("One", 3, 4), ("Two", 7, 8)]);
        assert_eq!(cases[1].input("ir"), Some("a\n"));
    }

    #[test]
    fn unnamed_fences_and_what_they_hold_are_prose() {
        let text = "# A\n```bash\n# not a heading\n```\n````text x\n```\n# nor this\n```\n````\n";
        let cases = parse(text).unwrap();
        assert_eq!(cases.len(), 1);
        assert_eq!(cases[0].input("x"), Some("```\n# nor this\n```"));
    }

    #[test]
    fn inline_code_and_deep_indents_open_nothing() {
        let cases = parse("# A\n```json x``` is code\n    ```json y\n#no heading\n").unwrap();
        assert!(cases.is_empty());
    }

    #[test]
    fn a_broken_page_names_its_line() {
        let unclosed = parse("# A\n\n```json x\n").unwrap_err();
        assert_eq!(unclosed, PageError::Unclosed { line: 3 });
        let twice = parse("# A\n```json x\n```\n```text x\n```\n").unwrap_err();
        assert_eq!((twice.line(), twice.to_string().contains("`x`")), (4, true));
        let words = parse("# A\n```json x y\n```\n").unwrap_err();
        assert_eq!(
            words.to_string(),
            "expected a language and a name, found `json x y`"
        );
    }
}
