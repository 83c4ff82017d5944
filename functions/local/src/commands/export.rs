//! `lattice export`: a workflow as the files of a coding agent, all of them or none.

use crate::app::App;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::source;
use crate::staged::{Fate, Plan};
use crate::text::clean;
use lattice_document::Problem;
use lattice_export::{Export, Target, export_all};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The words of `export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lattice export examples/support-triage.json --target claude-code --out . --dry-run"
)]
pub struct Args {
    /// The workflow: JSON in our own format, or what older tools saved.
    pub file: PathBuf,
    /// The coding agents, with commas between them: `claude-code`, `codex`, `opencode`, `copilot`; or `all`.
    #[arg(long, value_name = "NAMES", value_parser = targets)]
    pub target: Targets,
    /// The folder of the project that the files go to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write nothing; show what would be written, and how it differs from what is there.
    #[arg(long)]
    pub dry_run: bool,
    /// Overwrite files that are there and differ.
    #[arg(long)]
    pub force: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Several coding agents, each once, in their own order.
#[derive(Debug, Clone)]
pub struct Targets(Vec<Target>);

fn targets(words: &str) -> Result<Targets, String> {
    if words == "all" {
        return Ok(Targets(Target::ALL.to_vec()));
    }
    let mut found: Vec<_> = words.split(',').map(target).collect::<Result<_, _>>()?;
    found.sort();
    found.dedup();
    Ok(Targets(found))
}

/// The coding agent of this word.
pub fn target(word: &str) -> Result<Target, String> {
    Target::find(word).ok_or_else(|| {
        let words: Vec<_> = Target::ALL.iter().map(|target| target.word()).collect();
        format!("known are {}", words.join(", "))
    })
}

/// Exports a file, to all targets or to none.
pub fn perform(args: Args, app: &App) -> Result<Exit, CliError> {
    let bytes = source::read(&args.file)?;
    let reading = lattice_document::read(&bytes);
    let mut problems = reading.problems;
    let Some(document) = reading
        .document
        .filter(|_| !problems.iter().any(Problem::is_error))
    else {
        return refused(&args, problems, app);
    };
    let made = match export_all(&document, &args.target.0) {
        Ok(made) => made,
        Err(found) => {
            problems.extend(found);
            return refused(&args, problems, app);
        }
    };
    // INVARIANT: each target has folders of its own.
    let files = made.iter().flat_map(|(_, export)| export.files.clone());
    let files = files.collect();
    let plan = Plan::new(&args.out, &files)?;
    if !args.dry_run {
        plan.refuse_changes(args.force)?;
        plan.perform()?;
    }
    show(&args, &made, &plan, app);
    Ok(Exit::Completed)
}

fn refused(args: &Args, problems: Vec<Problem>, app: &App) -> Result<Exit, CliError> {
    let screen = &app.screen;
    screen.record(&json!({
        "ok": false, "targets": [], "written": false, "files": [], "warnings": [], "problems": problems,
    }));
    source::show_problems(&problems, |line| screen.line(line), screen);
    let count = crate::error::count(&problems);
    screen.line(format!(
        "`{}` cannot be exported: {count}; nothing was written",
        args.file.display()
    ));
    Ok(Exit::Failed)
}

fn show(args: &Args, made: &[(Target, Export)], plan: &Plan<'_>, app: &App) {
    let screen = &app.screen;
    let files: Vec<Value> = plan
        .files()
        .map(|(path, fate, bytes)| json!({"path": path, "fate": fate.word(), "bytes": bytes.len()}))
        .collect();
    let targets = made.iter();
    let targets: Vec<Value> = targets
        .map(|(target, export)| json!({"target": target, "launch": export.launch}))
        .collect();
    let warnings: Vec<_> = made
        .iter()
        .flat_map(|(_, export)| &export.warnings)
        .collect();
    screen.record(&json!({
        "ok": true, "targets": targets, "written": !args.dry_run, "files": files,
        "warnings": warnings, "problems": [],
    }));
    for (path, fate, bytes) in plan.files() {
        screen.line(format!("{:9} {path} ({} bytes)", fate.word(), bytes.len()));
        if let Fate::Changed { before } = fate
            && args.dry_run
        {
            let before = String::from_utf8_lossy(before);
            let after = String::from_utf8_lossy(bytes);
            difference(&before, &after)
                .iter()
                .for_each(|line| screen.line(clean(line)));
        }
    }
    for warning in warnings {
        screen.note(format!("warning: {}", clean(&warning.to_string())));
    }
    if args.dry_run {
        screen.line("nothing was written");
        return;
    }
    for (target, export) in made {
        let (folder, launch) = (args.out.display(), &export.launch);
        screen.line(format!("start it with {target} in `{folder}`: {launch}"));
    }
}

/// The lines that go and come: what is alike at both ends is left out.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let alike = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(alike).count();
    let (old, new) = (
        old.get(head..).unwrap_or_default(),
        new.get(head..).unwrap_or_default(),
    );
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(alike)
        .count();
    let gone = old
        .iter()
        .take(old.len() - tail)
        .map(|line| format!("  - {line}"));
    let come = new
        .iter()
        .take(new.len() - tail)
        .map(|line| format!("  + {line}"));
    let place = format!("  @ line {}", head + 1);
    [place].into_iter().chain(gone).chain(come).collect()
}
