//! `lattice export`: a workflow as the files of a coding agent, all of them or none.

use crate::app::App;
use crate::error::CliError;
use crate::outcome::Exit;
use crate::source;
use crate::staged::{Fate, Plan};
use crate::text::clean;
use lattice_document::Problem;
use lattice_export::{Export, Target, export};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The words of `export`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  lattice export claude-code examples/support-triage.json --to . --dry-run"
)]
pub struct Args {
    /// The coding agent: `claude-code`, `codex`, `opencode` or `copilot`.
    #[arg(value_parser = target)]
    pub target: Target,
    /// The workflow: JSON in our own format, or what older tools saved.
    pub file: PathBuf,
    /// The folder of the project that the files go to.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
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

fn target(word: &str) -> Result<Target, String> {
    Target::find(word).ok_or_else(|| {
        let words: Vec<_> = Target::ALL.iter().map(|target| target.word()).collect();
        format!("known are {}", words.join(", "))
    })
}

/// Exports a file.
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
    let made = match export(&document, args.target) {
        Ok(made) => made,
        Err(found) => {
            problems.extend(found);
            return refused(&args, problems, app);
        }
    };
    let plan = Plan::new(&args.to, &made.files)?;
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
        "ok": false, "target": args.target, "files": [], "warnings": [], "problems": problems,
    }));
    source::show_problems(&problems, |line| screen.line(line), screen);
    let count = crate::error::count(&problems);
    screen.line(format!(
        "`{}` cannot be exported: {count}; nothing was written",
        args.file.display()
    ));
    Ok(Exit::Failed)
}

fn show(args: &Args, made: &Export, plan: &Plan<'_>, app: &App) {
    let screen = &app.screen;
    let files: Vec<Value> = plan
        .files()
        .map(|(path, fate, bytes)| json!({"path": path, "fate": fate.word(), "bytes": bytes.len()}))
        .collect();
    screen.record(&json!({
        "ok": true, "target": args.target, "written": !args.dry_run, "files": files,
        "warnings": made.warnings, "launch": made.launch, "problems": [],
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
    for warning in &made.warnings {
        screen.note(format!("warning: {}", clean(&warning.to_string())));
    }
    match args.dry_run {
        true => screen.line("nothing was written"),
        false => screen.line(format!(
            "start it in `{}`: {}",
            args.to.display(),
            made.launch
        )),
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
