//! Runs the simulator: `check` is what CI runs, a bare scenario repeats one failure, `--seeds` draws
//! as many as wanted, `exhaustive` and `teeth` are the parts of `check`.

use clap::{Parser, Subcommand};
use lattice_sim::exhaustive::{HEAVY_EVERY, Sample, every, every_point};
use lattice_sim::scenario::{Case, RANDOM};
use lattice_sim::table::Table;
use lattice_sim::{Scenario, forks, planted, seeds, simulate, teeth};
use std::process::ExitCode;
use std::time::Instant;

/// Seeds of `check`.
const CHECK_SEEDS: u64 = 5_000;
/// Seeds of `check` for each shape whose run calls others.
const FAMILY_SEEDS: u64 = 60;
/// The same of those whose batches are runs: they are the largest.
const MAP_SEEDS: u64 = 15;
/// Every how many-th event is forked at in `check`, and every how many-th call of a fork meets its faults.
const FORK_EVERY: u64 = 3;

/// Simulates runs under faults and compares what they come to with the oracle.
#[derive(Parser)]
#[command(name = "cargo xtask sim", args_conflicts_with_subcommands = true)]
struct Line {
    #[command(subcommand)]
    mode: Option<Mode>,
    /// How many seeds to run, from `--seed` on, each twice; without it the one scenario is run.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Prints the Program and every call as well.
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Mode {
    /// What CI runs: every fault at every call of every shape, drawn Programs, and the teeth.
    Check,
    /// Tries every fault at every call of one shape or of all.
    Exhaustive {
        /// Which shape.
        #[arg(long)]
        shape: Option<String>,
        /// Only every n-th call.
        #[arg(long, default_value_t = 1)]
        every: u64,
    },
    /// Forks the run of one shape or of all at each of its events, and meets a fork with every fault.
    Forks {
        /// Which shape.
        #[arg(long)]
        shape: Option<String>,
        /// Only every n-th event and call.
        #[arg(long, default_value_t = 1)]
        every: u64,
    },
    /// Switches each guard off in turn and looks whether somebody notices.
    Teeth,
    /// Gives the engine, then the oracle, one meaning that is wrong, and looks whether somebody notices.
    Planted,
}

fn main() -> ExitCode {
    match run(&Line::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(line: &Line) -> Result<bool, String> {
    let scenario = &line.scenario;
    match (&line.mode, line.seeds) {
        (Some(Mode::Check), _) => check(),
        (Some(Mode::Exhaustive { shape, every }), _) => {
            let table = exhaustive(shape.as_deref(), Sample::every(*every), false)?;
            println!("{table}");
            Ok(table.is_clean())
        }
        (Some(Mode::Forks { shape, every }), _) => {
            let table = all_forks(shape.as_deref(), *every)?;
            println!("{table}");
            Ok(table.is_clean())
        }
        (Some(Mode::Teeth), _) => all_teeth(),
        (Some(Mode::Planted), _) => all_planted(),
        (None, Some(count)) => drawn(scenario, count),
        (None, None) => one(scenario, line.show),
    }
}

fn drawn(scenario: &Scenario, count: u64) -> Result<bool, String> {
    let clock = Instant::now();
    let table = seeds::run(scenario.seed, count, &scenario.shape)?;
    println!("{table}");
    println!(
        "{} runs, each twice, in {:.0} s; in {} of them a promise was broken",
        table.runs(),
        clock.elapsed().as_secs_f32(),
        table.failures().len()
    );
    Ok(table.is_clean())
}

fn check() -> Result<bool, String> {
    let clock = Instant::now();
    let mut table = exhaustive(None, Sample::ALL, true)?;
    table.merge(seeds::run(1, CHECK_SEEDS, RANDOM)?);
    table.merge(all_forks(None, FORK_EVERY)?);
    for case in Case::all()?.iter().filter(|case| case.has_family()) {
        let seeds = if case.has_map() {
            MAP_SEEDS
        } else {
            FAMILY_SEEDS
        };
        table.merge(seeds::run(1, seeds, &case.name)?);
    }
    println!("{table}");
    let bitten = all_teeth()? & all_planted()?;
    println!(
        "{} runs in {:.0} s",
        table.runs(),
        clock.elapsed().as_secs_f32()
    );
    Ok(table.is_clean() && bitten)
}

/// `thinly` = only some calls are tried of shapes with large families and with maps.
fn exhaustive(shape: Option<&str>, sample: Sample, thinly: bool) -> Result<Table, String> {
    let cases = match shape {
        Some(name) => vec![Case::find(name, 0)?],
        None => Case::all()?,
    };
    let mut table = Table::default();
    for case in &cases {
        if case.heavy && shape.is_none() {
            eprintln!(
                "`{}` is heavy: every {HEAVY_EVERY}th call of it is tried",
                case.name
            );
        }
        let heavy = if case.heavy && shape.is_none() {
            HEAVY_EVERY
        } else {
            1
        };
        let thin = if thinly { every(case) } else { 1 };
        let every = sample.every.max(heavy).max(thin);
        table.merge(every_point(case, Sample::every(every)));
    }
    Ok(table)
}

fn all_forks(shape: Option<&str>, every: u64) -> Result<Table, String> {
    let cases = match shape {
        Some(name) => vec![Case::find(name, 0)?],
        None => Case::all()?,
    };
    let mut table = Table::default();
    for case in &cases {
        table.merge(forks::every_seq(case, Sample::every(every)));
        // Those are the largest: a fault at every call of them takes hours.
        let faults = if case.has_family() || case.heavy {
            every * HEAVY_EVERY
        } else {
            every
        };
        table.merge(forks::every_fault(case, Sample::every(faults)));
    }
    Ok(table)
}

fn all_teeth() -> Result<bool, String> {
    let bites = teeth::all()?;
    for bite in &bites {
        println!("{bite}");
    }
    let caught = bites.iter().filter(|bite| bite.is_caught()).count();
    println!("guards switched off: {caught} of {} caught", bites.len());
    Ok(caught == bites.len())
}

fn all_planted() -> Result<bool, String> {
    let found = planted::all()?;
    for one in &found {
        println!("{one}");
    }
    let caught = found.iter().filter(|one| one.is_caught()).count();
    println!("wrong meanings planted: {caught} of {} caught", found.len());
    Ok(caught == found.len())
}

fn one(scenario: &Scenario, show: bool) -> Result<bool, String> {
    let case = Case::find(&scenario.shape, scenario.seed)?;
    if show {
        println!("{}", lattice_ir::print::print(case.plan.program()));
    }
    let report = simulate(&case, scenario);
    for (number, kind, fate) in &report.faults {
        println!("call {number} {kind:?}: {fate}");
    }
    if show {
        print!("{}", report.lines);
    }
    for breach in &report.breaches {
        println!("{breach}");
    }
    let status = report
        .status
        .map_or_else(|| "never begun".to_owned(), |status| status.to_string());
    let (calls, ended_ms) = (report.calls.len(), report.ended_ms);
    println!("{status} after {calls} calls and {ended_ms} virtual ms");
    Ok(report.is_clean())
}
