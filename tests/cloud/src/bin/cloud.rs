//! `cargo xtask cloud-test`: from the repository to a stack on a local engine, driven from outside.

use clap::{Parser, Subcommand};
use lattice_cloud::clock::{self, Clock};
use lattice_cloud::cloud_test::{self, Options};
use std::path::PathBuf;
use std::process::ExitCode;

/// Tests Agent Lattice as it is deployed, on an engine that speaks AWS's interfaces.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the functions, deploy the template, drive every path, judge every run.
    #[command(after_help = "Example: cloud test --path killed --path twice --json")]
    Test(Test),
    /// The lane: the adapters' suites, then `test`, all on one engine.
    Check,
}

#[derive(clap::Args)]
struct Test {
    /// Only this path; may be given several times.
    #[arg(long = "path")]
    paths: Vec<String>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Count calls and billed units of a step, and write them here.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "infra/cost/counts.json")]
    counts: Option<PathBuf>,
    /// Build the functions as they are deployed, with `cargo lambda`.
    #[arg(long)]
    release: bool,
    /// The template, from the root of the repository.
    #[arg(long, default_value = cloud_test::TEMPLATE)]
    template: PathBuf,
    /// Deploy and stay, to try things by hand; what they need is written into this folder.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["paths", "json", "counts"])]
    stay: Option<PathBuf>,
    /// Take the functions' programs from this folder instead of building them.
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if Clock::of_this_process().is_none() {
        return match clock::start_anew(std::env::args_os().skip(1)) {
            Ok(status) if status.success() => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("there is no clock that can be set: {error}");
                ExitCode::FAILURE
            }
        };
    }
    drive(arguments.command)
}

#[tokio::main]
async fn drive(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Test(test) => one(test).await,
        Command::Check => cloud_test::check().await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn one(test: Test) -> Result<bool, lattice_cloud::drive::Wrong> {
    let json = test.json;
    let options = Options {
        paths: test.paths,
        counts: test.counts,
        release: test.release,
        template: test.template,
        programs: test.programs,
    };
    let engine = cloud_test::engine()?;
    if let Some(folder) = test.stay {
        return cloud_test::stay(&engine, &options, &folder)
            .await
            .map(|()| true);
    }
    let report = cloud_test::test(&engine, &options).await?;
    match json {
        true => println!(
            "{}",
            serde_json::to_string_pretty(&report).unwrap_or_default()
        ),
        false => print!("{}", report.table()),
    }
    Ok(report.holds())
}
