//! Prints what the model checker finds: the small spaces, or with `--full` all of them.

use clap::Parser;
use lattice_model_check::configurations::{ALL, Configuration};
use lattice_model_check::explore::{Found, explore_all, unseen};
use lattice_model_check::teeth;
use std::process::ExitCode;

/// Explores every state that a few workers can bring one run into, and looks whether a rule of the
/// protocol is broken in one.
#[derive(Parser)]
#[command(name = "cargo xtask model")]
struct Line {
    /// The large spaces as well: minutes, and gigabytes of memory.
    #[arg(long)]
    full: bool,
    /// The spaces whose names hold this text.
    #[arg(long)]
    space: Option<String>,
    /// Switches each guard off in turn and looks whether somebody notices.
    #[arg(long)]
    teeth: bool,
    /// How many spaces are explored at once.
    #[arg(long, default_value_t = 2)]
    at_once: usize,
}

fn main() -> ExitCode {
    let line = Line::parse();
    let done = match line.teeth {
        true => bite(),
        false => spaces(&line),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn spaces(line: &Line) -> Result<bool, String> {
    let is_meant = |one: &&Configuration| match &line.space {
        Some(text) => one.name.contains(text),
        None => line.full || !one.is_large,
    };
    let meant: Vec<&Configuration> = ALL.iter().filter(is_meant).collect();
    println!(
        "{:<58} {:>9} {:>10} {:>6} {:>8}",
        "space", "states", "steps", "depth", "seconds"
    );
    let found = explore_all(&meant, line.at_once, |one, found| {
        println!("{:<58} {found}{}", one.name, change(one, found));
    })?;
    let is_kept = |one: &Configuration, found: &Found| {
        found.broken.is_none() && change(one, found).is_empty()
    };
    let mut is_right = !found.is_empty() && found.iter().all(|(one, found)| is_kept(one, found));
    let (states, steps) = found.iter().fold((0, 0), |(states, steps), (_, it)| {
        (states + it.unique, steps + it.generated)
    });
    println!("{states} states, {steps} steps between them");
    if line.space.is_none() {
        let missing = unseen(&found);
        missing
            .iter()
            .for_each(|name| println!("NEVER SEEN: {name}"));
        is_right &= missing.is_empty();
    }
    Ok(is_right)
}

/// What differs from the table.
fn change(one: &Configuration, found: &Found) -> String {
    let (expected, seen) = ((one.unique, one.generated), (found.unique, found.generated));
    match expected == seen || found.broken.is_some() {
        true => String::new(),
        false => format!("  NOT AS IN THE TABLE: {expected:?}"),
    }
}

fn bite() -> Result<bool, String> {
    let bites = teeth::all()?;
    for bite in &bites {
        println!("{bite}");
    }
    let caught = bites.iter().filter(|bite| bite.seen.is_some()).count();
    println!("guards switched off: {caught} of {} caught", bites.len());
    for (guard, why) in teeth::OUTSIDE {
        println!("{:<20} is not in the model: {why}", format!("{guard:?}"));
    }
    Ok(caught == bites.len())
}
