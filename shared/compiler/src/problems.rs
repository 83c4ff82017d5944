//! Collects problems: without repeats, without secrets, up to a limit, in the document's order.

use crate::pointers::Pointers;
use lattice_document::{Code, Problem, Severity, codes};
use lattice_model::limits::PROBLEMS_MAX;
use lattice_policy::{Redactor, find_secrets};
use std::collections::BTreeSet;

/// The problems found so far.
pub(crate) struct Problems {
    pub pointers: Pointers,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    seen: BTreeSet<(Code, String, String)>,
    left_out: usize,
    redactor: Redactor,
    /// What does not count.
    but: Vec<Code>,
}

impl Problems {
    pub fn new(pointers: Pointers) -> Self {
        Self {
            pointers,
            errors: Vec::new(),
            warnings: Vec::new(),
            seen: BTreeSet::new(),
            left_out: 0,
            redactor: Redactor::new(),
            but: Vec::new(),
        }
    }

    /// Takes no problem of these codes.
    pub fn but(mut self, codes: &[Code]) -> Self {
        self.but.extend_from_slice(codes);
        self
    }

    /// Takes over what the reader found; it has kept to the limit already.
    pub fn add_read(&mut self, problems: Vec<Problem>) {
        for problem in problems {
            self.keep(problem);
        }
    }

    /// Adds a problem. Its patch is dropped where it would not fit the document as it was given.
    pub fn add(&mut self, mut problem: Problem) {
        if self.but.contains(&problem.code) {
            return;
        }
        if !self.has_room(problem.severity) {
            self.left_out += 1;
            return;
        }
        if !self.pointers.are_exact() {
            problem.fix = None;
        }
        self.keep(problem);
    }

    /// Adds several.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            self.add(problem);
        }
    }

    /// The text with every secret that stands in it redacted.
    pub fn without_secrets(&self, text: String) -> String {
        match find_secrets(&text).is_empty() {
            true => text,
            false => self.redactor.redact_text(&text).into_owned(),
        }
    }

    /// Whether an error would still be shown. A costly explanation is worth making only then.
    pub fn has_room_for_errors(&self) -> bool {
        self.has_room(Severity::Error)
    }

    /// Whether an error was found.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Whether an error of another kind was found.
    pub fn has_errors_but(&self, code: Code) -> bool {
        self.errors.iter().any(|error| error.code != code)
    }

    /// All of them: errors first, each kind in the order of the document.
    pub fn finish(mut self) -> Vec<Problem> {
        self.errors.sort_by_cached_key(place);
        self.warnings.sort_by_cached_key(place);
        let mut problems = self.errors;
        problems.append(&mut self.warnings);
        self.left_out += problems.len().saturating_sub(PROBLEMS_MAX);
        problems.truncate(PROBLEMS_MAX);
        if self.left_out > 0 {
            let text = format!(
                "{} more problems are not shown: at most {PROBLEMS_MAX} are",
                self.left_out
            );
            // Warnings that are not shown keep no workflow from running.
            let more = match problems.first().is_some_and(Problem::is_error) {
                true => Problem::error(codes::MORE_PROBLEMS, "", text),
                false => Problem::warning(codes::MORE_PROBLEMS, "", text),
            };
            problems.push(more.help("mend the ones above first"));
        }
        problems
    }

    fn has_room(&self, severity: Severity) -> bool {
        match severity {
            Severity::Error => self.errors.len() < PROBLEMS_MAX,
            Severity::Warning => self.warnings.len() < PROBLEMS_MAX,
        }
    }

    fn keep(&mut self, problem: Problem) {
        let problem = self.hide_secrets(problem);
        let key = (problem.code, problem.pointer.clone(), problem.text.clone());
        if !self.seen.insert(key) {
            return;
        }
        match problem.severity {
            Severity::Error => self.errors.push(problem),
            Severity::Warning => self.warnings.push(problem),
        }
    }

    /// Problems quote what a person wrote, and that may hold a secret.
    fn hide_secrets(&self, mut problem: Problem) -> Problem {
        for text in [&mut problem.text, &mut problem.help, &mut problem.pointer] {
            *text = self.without_secrets(std::mem::take(text));
        }
        let has_secret = |fix: &mut Vec<_>| {
            let text = serde_json::to_string(fix).unwrap_or_default();
            !find_secrets(&text).is_empty()
        };
        problem.fix = problem.fix.take_if(|fix| !has_secret(fix));
        problem
    }
}

/// Where a problem stands: the top first, then nodes, then edges, each by its index.
fn place(problem: &Problem) -> (u8, usize) {
    let mut parts = problem.pointer.split('/').skip(1);
    let section = match parts.next() {
        Some("nodes") => 1,
        Some("edges" | "connections") => 2,
        _ => 0,
    };
    (
        section,
        parts
            .next()
            .and_then(|index| index.parse().ok())
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use lattice_document::{PatchOp, Shape};
    use serde_json::json;

    fn collected(given: impl IntoIterator<Item = Problem>) -> Vec<Problem> {
        let mut problems = Problems::new(Pointers::new(Shape::Current));
        problems.extend(given);
        problems.finish()
    }

    #[test]
    fn errors_come_first_and_each_kind_in_the_documents_order() {
        let error = |pointer: &str| Problem::error(codes::NOT_JSON, pointer, "x");
        let given = [
            Problem::warning(codes::NOT_JSON, "/nodes/2", "x"),
            error("/edges/0"),
            error("/nodes/10"),
            error("/nodes/9"),
            error(""),
            error("/nodes/9"),
        ];
        let found = collected(given);
        let pointers: Vec<_> = found.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["", "/nodes/9", "/nodes/10", "/edges/0", "/nodes/2"]
        );
    }

    #[test]
    fn warnings_never_crowd_out_an_error_and_the_rest_is_counted() {
        let warnings = (0..PROBLEMS_MAX + 5)
            .map(|index| Problem::warning(codes::NOT_JSON, format!("/nodes/{index}"), "x"));
        let error = Problem::error(codes::NOT_JSON, "/edges/0", "x");
        let found = collected(warnings.chain([error]));
        assert_eq!(found.len(), PROBLEMS_MAX + 1);
        assert_eq!(found[0].pointer, "/edges/0");
        let last = found.last().unwrap();
        assert!(last.text.starts_with("6 more"), "{}", last.text);
    }

    #[test]
    fn a_problem_never_shows_a_secret() {
        let secret = format!("gh{}_{}", "p", "aB3dE6gH9".repeat(4));
        let value = json!(secret);
        let path = "/nodes/0".to_owned();
        let problem = Problem::error(codes::NOT_JSON, "/nodes/0", format!("`{secret}` is wrong"))
            .help(format!("not {secret}"))
            .fix(vec![PatchOp::Replace { path, value }]);
        let found = collected([problem]);
        let shown = serde_json::to_string(&found).unwrap();
        assert!(
            !shown.contains(&secret) && shown.contains("[redacted"),
            "{shown}"
        );
        assert_eq!(found[0].fix, None);
    }
}
