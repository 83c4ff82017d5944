//! The entry: bytes or a document in, a Program and every problem out.

use crate::advice;
use crate::flows::Flows;
use crate::passes;
use crate::pointers::Pointers;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::{Change, Code, Document, Problem, Shape, read};
use lattice_ir::Program;
use lattice_nodes::codes as nodes;

/// What came of compiling bytes.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The document in our own format, if one could be read.
    pub document: Option<Document>,
    /// What the upgrade of an older document changed.
    pub changes: Vec<Change>,
    /// The Program; only there if no problem is an error.
    pub program: Option<Program>,
    /// What is wrong: errors first, each kind in the order of the document.
    pub problems: Vec<Problem>,
}

/// As `compile_with`, with no other workflow that could be called.
pub fn compile(bytes: &[u8]) -> Compiled {
    compile_with(bytes, &Flows::new())
}

/// Reads a document of any known shape and compiles it. It never fails: what is wrong stands in
/// `problems`, which point into the document as it was given. `flows` are the stored workflows that
/// it calls (`calls_of`), as far as they are there.
pub fn compile_with(bytes: &[u8], flows: &Flows) -> Compiled {
    let reading = read(bytes);
    let mut problems = Problems::new(Pointers::new(reading.shape));
    problems.add_read(reading.problems);
    let program = reading
        .document
        .as_ref()
        .and_then(|document| run(document, flows, &mut problems));
    let mut changes = reading.changes;
    for change in &mut changes {
        change.text = problems.without_secrets(std::mem::take(&mut change.text));
    }
    Compiled {
        program,
        document: reading.document,
        changes,
        problems: problems.finish(),
    }
}

/// What is wrong with a document that `lattice_document::read` gave without an error and that is not to
/// be run. Problems of these codes do not count, not even towards the limit.
pub fn check_document(document: &Document, but: &[Code]) -> Vec<Problem> {
    let mut problems = Problems::new(Pointers::new(Shape::Current)).but(but);
    checked(document, &Flows::new(), &mut problems);
    problems.finish()
}

fn checked<'d>(document: &'d Document, flows: &'d Flows, problems: &mut Problems) -> Unit<'d> {
    let unit = Unit::open(document, flows, problems);
    for check in passes::CHECKS {
        check(&unit, problems);
    }
    // Where a node cannot be run yet, the rest is worth a look all the same.
    if !problems.has_errors_but(nodes::NOT_YET) {
        for check in advice::CHECKS {
            check(&unit, problems);
        }
    }
    unit
}

fn run(document: &Document, flows: &Flows, problems: &mut Problems) -> Option<Program> {
    let unit = checked(document, flows, problems);
    if problems.has_errors() {
        return None;
    }
    let program = passes::lower::lower(&unit);
    passes::verify::check(&program, problems);
    (!problems.has_errors()).then_some(program)
}
