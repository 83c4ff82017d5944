//! Reads a workflow file and compiles it.

use crate::error::CliError;
use crate::screen::{Screen, Tone};
use lattice_compiler::{Compiled, compile};
use lattice_document::{Document, Problem};
use lattice_ir::{Plan, Program};
use lattice_model::Hash;
use lattice_model::limits::DOCUMENT_BYTES_MAX;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// A workflow that can be run.
#[derive(Debug)]
pub struct Source {
    /// The document, in our own format.
    pub document: Document,
    /// The text to store: the document in our own format, whatever shape the file has.
    pub text: String,
    /// The hash of the text: the version.
    pub version: Hash,
    /// What it compiles to.
    pub program: Arc<Program>,
    /// The same, parsed.
    pub plan: Arc<Plan>,
}

/// Reads the bytes of a workflow file, one more than may be at most.
pub fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let shown = file.display();
    let cannot = |error: std::io::Error| {
        let text = format!("cannot read `{shown}`: {error}");
        CliError::said(text, "check its owner and permissions")
    };
    let opened = std::fs::File::open(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => CliError::said(
            format!("there is no file `{shown}`"),
            "check the path; it is read from the current directory",
        ),
        _ => cannot(error),
    })?;
    if opened.metadata().map_err(cannot)?.is_dir() {
        let text = format!("`{shown}` is a directory");
        return Err(CliError::said(text, "name a workflow file in it"));
    }
    // One byte too many is enough for the compiler to say that the document is too large.
    let mut bytes = Vec::new();
    let most = DOCUMENT_BYTES_MAX as u64 + 1;
    opened.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

/// Reads and compiles a file that is to be run. Shows its problems and what an upgrade changed.
pub fn open(file: &Path, screen: &Screen) -> Result<Source, CliError> {
    let compiled = compile(&read(file)?);
    let shown = file.display().to_string();
    if !screen.is_json() {
        show_problems(&compiled.problems, |line| screen.note(line), screen);
    }
    let Compiled {
        document: Some(document),
        program: Some(program),
        problems,
        changes,
    } = compiled
    else {
        return Err(CliError::Problems {
            file: shown,
            problems: compiled.problems,
        });
    };
    if screen.is_json() && !problems.is_empty() {
        screen.note(serde_json::json!({ "warnings": problems }).to_string());
    }
    if !changes.is_empty() && !screen.is_json() {
        let many = changes.len();
        screen.note(format!(
            "`{shown}` is an older document: {many} things were upgraded for this run; \
             `lattice compile` lists them"
        ));
    }
    let program = Arc::new(program);
    let plan = Plan::new(Arc::clone(&program)).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        CliError::Task(format!(
            "the compiled program does not verify: {}",
            errors.join(", ")
        ))
    })?;
    let text = lattice_document::write(&document);
    let version = Hash::of(text.as_bytes());
    Ok(Source {
        document,
        version,
        text,
        program,
        plan: Arc::new(plan),
    })
}

/// Shows problems, each with its place, its remedy and its page.
pub fn show_problems(problems: &[Problem], say: impl Fn(String), screen: &Screen) {
    for problem in problems {
        let (word, tone) = match problem.is_error() {
            true => ("error", Tone::Bad),
            false => ("warning", Tone::Look),
        };
        let word = screen.paint(tone, word);
        let node = problem.node.as_ref().map(|node| format!(" node `{node}`"));
        let pointer = match problem.pointer.as_str() {
            "" => "the document",
            pointer => pointer,
        };
        let node = node.unwrap_or_default();
        let text = crate::text::clean(&problem.text);
        say(format!(
            "{word} {}{node} at {pointer}: {text}",
            problem.code
        ));
        if !problem.help.is_empty() {
            say(format!("  help: {}", crate::text::clean(&problem.help)));
        }
        say(format!("  page: docs/problems/{}.md", problem.code));
    }
}
