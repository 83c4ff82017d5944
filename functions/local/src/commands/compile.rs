//! `lattice compile`: everything that is wrong with a workflow file, and the Program it becomes.

use crate::app::App;
use crate::error::{CliError, count};
use crate::outcome::Exit;
use crate::source;
use lattice_compiler::estimate::estimate;
use lattice_compiler::{Compiled, Flows};
use lattice_ir::Program;
use lattice_model::limits::MAP_ITEMS_MAX;
use paths::Price;
use serde_json::json;
use std::path::PathBuf;

mod paths;

/// The words of `compile`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lattice compile examples/release-notes.json --emit ir")]
pub struct Args {
    /// The workflow: JSON in our own format, or what older tools saved.
    pub file: PathBuf,
    /// Print the Program too.
    #[arg(long, value_name = "WHAT")]
    pub emit: Option<Emit>,
    /// How long its lists are, for `--emit paths` [default: from no item to as many as there may be].
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(..=MAP_ITEMS_MAX as u64))]
    pub items: Option<u64>,
    /// What a million tokens cost, sent and answered, for `--emit paths`: `small=0.25/2` [repeatable].
    #[arg(long, value_name = "MODEL=IN/OUT")]
    pub price: Vec<Price>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What can be printed beside the problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Emit {
    /// The Program.
    Ir,
    /// What each path through it may cost, and how long it may take.
    Paths,
}

/// Compiles a file.
pub fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let bytes = source::read(&args.file)?;
    let (compiled, _) = source::compile_file(&args.file, &bytes, Flows::new())?;
    app.screen.record(&object(&compiled, &args));
    show(&compiled, &args, app);
    Ok(match compiled.program {
        Some(_) => Exit::Completed,
        None => Exit::Failed,
    })
}

fn object(compiled: &Compiled, args: &Args) -> serde_json::Value {
    let program = compiled.program.as_ref();
    let document = compiled.document.as_ref();
    let mut object = json!({
        "ok": program.is_some(),
        "workflow": document.map(|document| &document.id),
        "name": document.map(|document| &document.name),
        "program": program.and_then(|program| program.hash().ok()),
        "changes": compiled.changes,
        "problems": compiled.problems,
    });
    if let Some(fields) = object.as_object_mut() {
        match args.emit {
            Some(Emit::Ir) => fields.insert("ir".to_owned(), json!(program)),
            Some(Emit::Paths) => {
                let found = program.map(|program| estimate(program, args.items));
                fields.insert("estimate".to_owned(), json!(found))
            }
            None => None,
        };
    }
    object
}

fn show(compiled: &Compiled, args: &Args, app: &App) {
    let screen = &app.screen;
    source::show_problems(&compiled.problems, |line| screen.line(line), screen);
    for change in &compiled.changes {
        let node = change
            .node
            .as_ref()
            .map(|node| format!(" node `{node}`"))
            .unwrap_or_default();
        screen.line(format!(
            "upgraded{node} at {}: {}",
            change.pointer, change.text
        ));
    }
    let file = args.file.display();
    match &compiled.program {
        None => screen.line(format!(
            "`{file}` cannot be run: {}",
            count(&compiled.problems)
        )),
        Some(program) => {
            if args.emit == Some(Emit::Ir) {
                screen.line(lattice_ir::print::print(program).trim_end());
            }
            if args.emit == Some(Emit::Paths) {
                let found = estimate(program, args.items);
                paths::show(&found, &args.price, |line| screen.line(line));
            }
            screen.line(format!("`{file}` is ready to run: {}", size(program)));
        }
    }
}

fn size(program: &Program) -> String {
    let hash = program.hash().map(|hash| hash.to_hex()).unwrap_or_default();
    let short: String = hash.chars().take(12).collect();
    format!("{} ops, program {short}", program.ops.len())
}
