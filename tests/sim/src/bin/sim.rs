//! Runs the simulator.

use clap::{Parser, Subcommand};
use lattice_sim::exhaustive::{Sample, every_point};
use lattice_sim::scenario::Case;
use lattice_sim::table::Table;
use lattice_sim::{Scenario, seeds, simulate, teeth};
use std::process::ExitCode;

/// Simulates runs under faults and compares them with the oracle.
#[derive(Parser)]
#[command(name = "cargo xtask sim", args_conflicts_with_subcommands = true)]
struct Line {
    #[command(subcommand)]
    mode: Option<Mode>,
    /// How many seeds to run, from `--seed` on; without it the one scenario is run.
    #[arg(long)]
    seeds: Option<u64>,
    /// Prints the Program as well.
    #[arg(long)]
    show: bool,
    #[command(flatten)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Mode {
    /// Tries every fault at every call of one shape or of all.
    Exhaustive {
        /// Which shape.
        #[arg(long)]
        shape: Option<String>,
        /// Only every n-th call.
        #[arg(long, default_value_t = 1)]
        every: u64,
    },
    /// Switches each guard off in turn and looks whether somebody notices.
    Teeth,
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
    match (&line.mode, line.seeds) {
        (Some(Mode::Exhaustive { shape, every }), _) => {
            let mut table = Table::default();
            for case in Case::all()? {
                if shape.as_ref().is_none_or(|shape| *shape == case.name) {
                    let clock = std::time::Instant::now();
                    let part = every_point(&case, Sample { every: *every });
                    eprintln!("{}: {} runs, {:?}", case.name, part.runs(), clock.elapsed());
                    table.merge(part);
                }
            }
            println!("{table}");
            Ok(table.is_clean())
        }
        (Some(Mode::Teeth), _) => {
            let bites = teeth::all()?;
            for bite in &bites {
                let word = if bite.is_caught() {
                    "caught"
                } else {
                    "NOT CAUGHT"
                };
                let seen = bite.without.as_ref().map(|(_, breach)| breach.to_string());
                println!(
                    "{:<22} {word}: {}",
                    format!("{:?}", bite.guard),
                    seen.unwrap_or_default()
                );
                if let Some((scenario, breach)) = &bite.with {
                    println!(
                        "  with the guard on: {breach}\n  {scenario} {:?}",
                        scenario.rig
                    );
                }
            }
            let caught = bites.iter().filter(|bite| bite.is_caught()).count();
            println!("{caught} of {} caught", bites.len());
            Ok(caught == bites.len())
        }
        (None, Some(count)) => {
            let table = seeds::run(line.scenario.seed, count, &line.scenario.shape, true)?;
            println!("{table}");
            Ok(table.is_clean())
        }
        (None, None) => one(&line.scenario, line.show),
    }
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
    for breach in &report.breaches {
        println!("{breach}");
    }
    let (calls, status) = (report.calls.len(), report.status);
    println!("{status:?} after {calls} calls and {} ms", report.ended_ms);
    Ok(report.is_clean())
}
