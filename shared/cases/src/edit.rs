//! Writes new expectations into a page and leaves every other line as it is.

use crate::compare::normal;
use crate::page::Opener;

/// A change to a page; lines count from 1.
#[derive(Debug)]
pub(crate) enum Edit {
    /// New text for the fence from `line` to `line_end`.
    Replace {
        line: usize,
        line_end: usize,
        text: String,
    },
    /// A new fence behind `after_line`.
    Insert {
        after_line: usize,
        info: String,
        text: String,
    },
}

impl Edit {
    fn line(&self) -> usize {
        match self {
            Self::Replace { line, .. } => *line,
            Self::Insert { after_line, .. } => *after_line,
        }
    }
}

/// Applies the edits, which do not overlap.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    // From the bottom up, so that the line numbers of the others stay right. The sort is stable
    // and turned around, so that insertions at one line keep their order.
    edits.reverse();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.line()));
    for edit in edits {
        match edit {
            Edit::Replace {
                line,
                line_end,
                text,
            } => {
                let opener = lines.get(line - 1).cloned().unwrap_or_default();
                lines.splice(line - 1..line_end, fence(&opener, &text));
            }
            Edit::Insert {
                after_line,
                info,
                text,
            } => {
                let block =
                    std::iter::once(String::new()).chain(fence(&format!("```{info}"), &text));
                lines.splice(after_line..after_line, block.collect::<Vec<_>>());
            }
        }
    }
    lines.join("\n")
}

/// A fence with this opening line, made longer where the text holds such a run itself.
fn fence(opener: &str, text: &str) -> Vec<String> {
    let marker = if opener.trim_start().starts_with('~') {
        '~'
    } else {
        '`'
    };
    let length = Opener::read(opener).map_or(3, |opener| opener.marker_len);
    let longest = normal(text)
        .lines()
        .map(|line| {
            let body = line.trim_start();
            body.len() - body.trim_start_matches(marker).len()
        })
        .max()
        .unwrap_or(0);
    let length = if longest >= length {
        longest + 1
    } else {
        length
    };
    let run = marker.to_string().repeat(length);
    let info = opener.trim_start().trim_start_matches(marker);
    let mut lines = vec![format!("{run}{info}")];
    if !normal(text).is_empty() {
        lines.extend(normal(text).lines().map(str::to_owned));
    }
    lines.push(run);
    lines
}

#[cfg(test)]
mod tests {
    use super::{Edit, apply};

    fn replace(line: usize, line_end: usize, text: &str) -> Edit {
        Edit::Replace {
            line,
            line_end,
            text: text.to_owned(),
        }
    }

    #[test]
    fn only_the_fence_changes() {
        let page = "# A\n```text x\nold\nold\n```\nprose\n```text y\n```\nend";
        let edits = vec![replace(2, 5, "new\n"), replace(7, 8, "1\n\n2")];
        let expected = "# A\n```text x\nnew\n```\nprose\n```text y\n1\n\n2\n```\nend";
        assert_eq!(apply(page, edits), expected);
    }

    #[test]
    fn a_fence_grows_around_fences() {
        let page = "```text x\n```\n";
        let expected = "`````text x\n  ````\n`````\n";
        assert_eq!(apply(page, vec![replace(1, 2, "  ````")]), expected);
    }

    #[test]
    fn insertions_at_one_line_keep_their_order() {
        let insert = |name: &str| Edit::Insert {
            after_line: 1,
            info: format!("text {name}"),
            text: name.to_owned(),
        };
        let expected = "top\n\n```text a\na\n```\n\n```text b\nb\n```\nend";
        assert_eq!(apply("top\nend", vec![insert("a"), insert("b")]), expected);
    }
}
