//! Runs Markdown case files: prose for people, fences for the machine.
//!
//! A case is a heading and the named fences below it. The first word behind the backticks is the
//! language, the second the name: `json document`, `text ir`. A fence without a name is prose. The
//! caller turns the fences it reads into outputs; each output is compared with the fence of its
//! name. With `UPDATE_EXPECT=1` the page is rewritten instead, and its diff is what to read.
//!
//! Reading order: `page` (text to cases), `compare` (case and outputs to mismatches and edits),
//! `edit` (edits to text).

mod compare;
mod edit;
mod page;

use compare::{Mismatch, compare};
pub use page::{Case, PageError};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What the code under test made of a case: the text of each output by the name of its fence.
///
/// An output that is not empty needs a fence, so that nothing goes unseen; a costly one can be
/// left out when [`Case::shows`] says that the page does not show it.
pub type Outputs = BTreeMap<String, String>;

/// The variable that asks for a rewrite when it is `1`.
pub const UPDATE_VARIABLE: &str = "UPDATE_EXPECT";

/// Runs every case of the page at `path` (relative to the package, as tests run there).
///
/// # Panics
/// When a case does not match, checks nothing, or the page cannot be read: this is the assertion
/// of a test. The message shows every mismatch with its file, line and a diff.
pub fn check(path: impl AsRef<Path>, run: impl Fn(&Case) -> Outputs) {
    let update = std::env::var_os(UPDATE_VARIABLE).is_some_and(|value| value == "1");
    if let Err(failure) = check_page(path.as_ref(), update, run) {
        fail(&failure);
    }
}

#[allow(clippy::panic, reason = "a test fails by a panic")]
fn fail(failure: &Failure) -> ! {
    panic!("{failure}")
}

/// Why a page does not pass.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot {verb} `{}`: {source}", path.display())]
    File {
        verb: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}:{}: {source}", path.display(), source.line())]
    Page { path: PathBuf, source: PageError },
    #[error("{}: no heading has a named fence below it, so the page checks nothing", .0.display())]
    NoCase(PathBuf),
    #[error("{0}")]
    Mismatches(Report),
}

/// The mismatches of one page.
#[derive(Debug)]
struct Report {
    path: PathBuf,
    mismatches: Vec<Mismatch>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        for mismatch in &self.mismatches {
            writeln!(f, "{path}:{mismatch}")?;
        }
        let count = self.mismatches.len();
        write!(f, "{count} mismatch(es) in {path}")?;
        if self.mismatches.iter().any(Mismatch::can_be_updated) {
            write!(
                f,
                "; if the new text is right, run again with {UPDATE_VARIABLE}=1 and read the diff"
            )?;
        }
        Ok(())
    }
}

fn check_page(path: &Path, update: bool, run: impl Fn(&Case) -> Outputs) -> Result<(), Failure> {
    let file_error = |verb, source| Failure::File {
        verb,
        path: path.to_owned(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(|source| file_error("read", source))?;
    let cases = page::parse(&text).map_err(|source| Failure::Page {
        path: path.to_owned(),
        source,
    })?;
    if cases.is_empty() {
        return Err(Failure::NoCase(path.to_owned()));
    }
    let mut mismatches: Vec<Mismatch> = cases
        .iter()
        .flat_map(|case| compare(case, &run_case(path, case, &run)))
        .collect();
    if update {
        let edits = mismatches.iter().filter_map(Mismatch::edit).collect();
        let updated = edit::apply(&text, edits);
        if updated != text {
            std::fs::write(path, updated).map_err(|source| file_error("write", source))?;
        }
        mismatches.retain(|mismatch| !mismatch.can_be_updated());
    }
    if mismatches.is_empty() {
        return Ok(());
    }
    Err(Failure::Mismatches(Report {
        path: path.to_owned(),
        mismatches,
    }))
}

/// Runs one case, and names it if the code under test panics.
fn run_case(path: &Path, case: &Case, run: impl Fn(&Case) -> Outputs) -> Outputs {
    struct NameOnPanic<'a>(&'a Path, &'a Case);
    impl Drop for NameOnPanic<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let (path, line) = (self.0.display(), self.1.line());
                eprintln!("{path}:{line}: the case `{}` panicked", self.1.name());
            }
        }
    }
    let _guard = NameOnPanic(path, case);
    run(case)
}

#[cfg(test)]
mod tests;
