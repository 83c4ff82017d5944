//! Reads a workflow file and compiles it.

use crate::error::CliError;
use crate::screen::{Screen, Tone};
use lattice_compiler::{Compiled, Flow, Flows, calls_of, compile_with};
use lattice_document::{Document, Problem};
use lattice_ir::{Plan, Program};
use lattice_model::limits::DOCUMENT_BYTES_MAX;
use lattice_model::{Hash, WorkflowId};
use std::collections::BTreeSet;
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
    /// The workflows beside the file that it calls, those first that call nothing.
    pub called: Vec<Self>,
}

impl Source {
    /// Its Program, and those of the files that it calls.
    pub fn programs(&self) -> impl Iterator<Item = &Program> {
        let called = self.called.iter().map(|source| &*source.program);
        [&*self.program].into_iter().chain(called)
    }
}

/// The workflows that files call, as far as they stand beside them: `<id>.json` for the workflow `id`.
#[derive(Debug, Default)]
struct Beside {
    flows: Flows,
    sources: Vec<Source>,
    /// The files that are being read, the one that was named first.
    path: Vec<WorkflowId>,
}

impl Beside {
    /// Takes in what a file calls.
    fn take(&mut self, file: &Path, bytes: &[u8]) -> Result<(), CliError> {
        for id in calls_of(bytes) {
            let called = file.with_file_name(format!("{id}.json"));
            if self.flows.contains_key(&id) || self.path.contains(&id) || !called.is_file() {
                continue;
            }
            let bytes = read(&called)?;
            self.path.push(id.clone());
            self.take(&called, &bytes)?;
            let compiled = compile_with(&bytes, &self.flows_in_circle());
            self.path.pop();
            if let Some(problem) = compiled.problems.iter().find(|problem| problem.is_error()) {
                let shown = called.display();
                let (code, text) = (problem.code, crate::text::clean(&problem.text));
                let text = format!("`{shown}`, which is called, cannot be run: {code}: {text}");
                let help = format!("mend it first: lattice compile {shown}");
                return Err(CliError::said(text, help));
            }
            let source = ready(compiled, &called, Vec::new())?;
            // A file of that name may hold another workflow.
            if source.document.id == id {
                let below = self.flows.values().map(|flow| (flow.program, flow.clone()));
                let flow = Flow::of(source.plan.hash(), &source.program, &below.collect());
                self.flows.insert(id, flow);
                self.sources.push(source);
            }
        }
        Ok(())
    }

    /// What is known, and of those that are being read that they call each other.
    fn flows_in_circle(&self) -> Flows {
        let calls: BTreeSet<WorkflowId> = self.path.iter().cloned().collect();
        let open = self.path.iter().map(|id| {
            let flow = Flow {
                program: Hash::ZERO,
                budget: None,
                depth: 0,
                calls: calls.clone(),
            };
            (id.clone(), flow)
        });
        open.chain(self.flows.clone()).collect()
    }
}

/// Compiles the bytes of a file with the workflows beside it that it calls, and with `stored` ones.
pub fn compile_file(
    file: &Path,
    bytes: &[u8],
    stored: Flows,
) -> Result<(Compiled, Vec<Source>), CliError> {
    let own = lattice_document::read(bytes).document;
    let mut beside = Beside {
        flows: stored,
        path: own.into_iter().map(|document| document.id).collect(),
        ..Beside::default()
    };
    beside.take(file, bytes)?;
    Ok((compile_with(bytes, &beside.flows), beside.sources))
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

/// Reads and compiles a file that is to be run; `stored` are workflows that it may call. Shows its
/// problems and what an upgrade changed.
pub fn open(file: &Path, bytes: &[u8], stored: Flows, screen: &Screen) -> Result<Source, CliError> {
    let (compiled, called) = compile_file(file, bytes, stored)?;
    let shown = file.display().to_string();
    if !screen.is_json() {
        show_problems(&compiled.problems, |line| screen.note(line), screen);
    }
    if screen.is_json() && compiled.program.is_some() && !compiled.problems.is_empty() {
        screen.note(serde_json::json!({ "warnings": compiled.problems }).to_string());
    }
    if !compiled.changes.is_empty() && compiled.program.is_some() && !screen.is_json() {
        let many = compiled.changes.len();
        screen.note(format!(
            "`{shown}` is an older document: {many} things were upgraded for this run; \
             `lattice compile` lists them"
        ));
    }
    ready(compiled, file, called)
}

/// What was compiled, as something to run.
fn ready(compiled: Compiled, file: &Path, called: Vec<Source>) -> Result<Source, CliError> {
    let Compiled {
        document: Some(document),
        program: Some(program),
        ..
    } = compiled
    else {
        return Err(CliError::Problems {
            file: file.display().to_string(),
            problems: compiled.problems,
        });
    };
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
        called,
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
