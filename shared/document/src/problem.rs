//! What a reader or a compiler pass says about a document: problems with their one-click fixes,
//! and the changes that an upgrade made.

use crate::codes::{self, Code};
use lattice_model::NodeId;
use lattice_model::limits::PROBLEMS_MAX;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// Whether a problem stops the workflow from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document cannot be run until this is mended.
    Error,
    /// The document runs; somebody should look.
    Warning,
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The kind of problem; `docs/problems/<code>.md` explains it.
    #[schemars(with = "String")]
    pub code: Code,
    /// Whether it stops the workflow.
    pub severity: Severity,
    /// The node it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// Where it is: a JSON pointer (RFC 6901) into the document as the user wrote it.
    pub pointer: String,
    /// One sentence that says what is wrong: lowercase, no full stop.
    pub text: String,
    /// One sentence that says what to do; empty if there is nothing to add.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// A JSON patch (RFC 6902) of the document as the user wrote it, that mends the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Vec<PatchOp>>,
}

impl Problem {
    /// A problem that stops the workflow.
    pub fn error(code: Code, pointer: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            node: None,
            pointer: pointer.into(),
            text: text.into(),
            help: String::new(),
            fix: None,
        }
    }

    /// A problem with which the workflow still runs.
    pub fn warning(code: Code, pointer: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, pointer, text)
        }
    }

    /// Names the node that the problem is about.
    #[must_use]
    pub fn at_node(mut self, node: &NodeId) -> Self {
        self.node = Some(node.clone());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Offers a patch that mends it.
    #[must_use]
    pub fn fix(mut self, patch: Vec<PatchOp>) -> Self {
        self.fix = Some(patch);
        self
    }

    /// Whether it stops the workflow.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}]", self.code)?;
        if !self.pointer.is_empty() {
            write!(f, " {}", self.pointer)?;
        }
        if let Some(node) = &self.node {
            write!(f, " (node `{node}`)")?;
        }
        write!(f, ": {}", self.text)?;
        if self.help.is_empty() {
            return Ok(());
        }
        write!(f, "; {}", self.help)
    }
}

/// One operation of a JSON patch (RFC 6902).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum PatchOp {
    /// Puts a value where none is.
    Add {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
    /// Takes a value away.
    Remove {
        /// Where.
        path: String,
    },
    /// Puts a value in the place of another.
    Replace {
        /// Where.
        path: String,
        /// What.
        value: Value,
    },
}

/// One thing that the upgrade of an older document changed, in a sentence for its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The node it is about (its id in the upgraded document), if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// Where in the older document: a JSON pointer.
    pub pointer: String,
    /// The sentence: lowercase, no full stop.
    pub text: String,
}

/// The pointer to `segment` inside `parent`, escaped as RFC 6901 asks.
pub fn pointer_to(parent: &str, segment: &str) -> String {
    format!("{parent}/{}", segment.replace('~', "~0").replace('/', "~1"))
}

/// Collects problems and changes, up to `PROBLEMS_MAX` of each, and remembers whether a document
/// can be made at all.
#[derive(Default)]
pub(crate) struct Sink {
    problems: Vec<Problem>,
    left_out: usize,
    changes: Vec<Change>,
    changes_left_out: usize,
    unreadable: bool,
}

impl Sink {
    /// Adds a problem; from `PROBLEMS_MAX` on it is only counted.
    pub fn push(&mut self, problem: Problem) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds a problem that leaves nothing to make a document of.
    pub fn push_fatal(&mut self, problem: Problem) {
        self.unreadable = true;
        self.push(problem);
    }

    /// Whether a document can be made.
    pub fn is_readable(&self) -> bool {
        !self.unreadable
    }

    /// Adds a change; from `PROBLEMS_MAX` on it is only counted.
    pub fn change(&mut self, change: Change) {
        if self.changes.len() < PROBLEMS_MAX {
            self.changes.push(change);
        } else {
            self.changes_left_out += 1;
        }
    }

    /// The problems and the changes, and how many more there were.
    pub fn finish(mut self) -> (Vec<Problem>, Vec<Change>) {
        if self.changes_left_out > 0 {
            let text = format!("{} more changes are not shown", self.changes_left_out);
            self.changes.push(Change {
                node: None,
                pointer: String::new(),
                text,
            });
        }
        if self.left_out > 0 {
            let text = format!(
                "{} more problems are not shown: at most {PROBLEMS_MAX} are",
                self.left_out
            );
            let more = Problem::error(codes::MORE_PROBLEMS, "", text);
            self.problems.push(more.help("mend the ones above first"));
        }
        (self.problems, self.changes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_problem_serialises_as_the_web_and_the_command_line_expect() {
        let problem = Problem::error(
            codes::UNKNOWN_FIELD,
            "/nodes/0/lable",
            "`lable` is not known",
        )
        .at_node(&NodeId::new("a"))
        .help("remove it")
        .fix(vec![
            PatchOp::Remove {
                path: "/nodes/0/lable".into(),
            },
            PatchOp::Add {
                path: "/nodes/0/label".into(),
                value: json!("A"),
            },
        ]);
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            json!({
                "code": "LAT-D011", "severity": "error", "node": "a", "pointer": "/nodes/0/lable",
                "text": "`lable` is not known", "help": "remove it",
                "fix": [
                    {"op": "remove", "path": "/nodes/0/lable"},
                    {"op": "add", "path": "/nodes/0/label", "value": "A"},
                ],
            })
        );
        let line = "error[LAT-D011] /nodes/0/lable (node `a`): `lable` is not known; remove it";
        assert_eq!(problem.to_string(), line);
    }

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(pointer_to("/a", "b/c~d"), "/a/b~1c~0d");
    }

    #[test]
    fn problems_stop_at_the_limit_and_say_so() {
        for (given, shown) in [
            (PROBLEMS_MAX, PROBLEMS_MAX),
            (PROBLEMS_MAX + 1, PROBLEMS_MAX + 1),
        ] {
            let mut sink = Sink::default();
            for _ in 0..given {
                sink.push(Problem::error(codes::NOT_JSON, "", "x"));
            }
            let (problems, _) = sink.finish();
            assert_eq!(problems.len(), shown);
            let said = problems
                .last()
                .is_some_and(|last| last.code == codes::MORE_PROBLEMS);
            assert_eq!(said, given > PROBLEMS_MAX);
        }
    }
}
