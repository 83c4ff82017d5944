//! Runs lanes one after the other, times them, and says what failed and how to run it again.

use crate::lanes::{Lane, Need, Runs};
use crate::{clients, python, tools};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// Builds every test, and with them the programs that they try.
const BUILD: &[&str] = &["test", "--quiet", "--locked", "--workspace", "--no-run"];

/// How a lane ended.
struct Row {
    name: &'static str,
    budget_minutes: u32,
    took: Duration,
    passed: bool,
}

impl Row {
    fn verdict(&self) -> &'static str {
        match (self.passed, self.is_over_budget()) {
            (false, _) => "failed",
            (true, true) => "passed, over budget",
            (true, false) => "passed",
        }
    }

    fn is_over_budget(&self) -> bool {
        self.took > Duration::from_secs(u64::from(self.budget_minutes) * 60)
    }
}

/// Runs the lanes in order up to the first that fails.
pub fn check(lanes: &[Lane]) -> Result<(), String> {
    let root = root()?;
    let mut rows = Vec::new();
    let mut failure = None;
    for lane in lanes {
        let started = Instant::now();
        let outcome = run_lane(lane, &root);
        let row = Row {
            name: lane.name,
            budget_minutes: lane.budget_minutes,
            took: started.elapsed(),
            passed: outcome.is_ok(),
        };
        if row.passed && row.is_over_budget() {
            eprintln!(
                "warning: the lane `{}` took longer than its {} minutes",
                row.name, row.budget_minutes
            );
        }
        rows.push(row);
        if let Err(text) = outcome {
            failure = Some(text);
            break;
        }
    }
    eprint!("\n{}", table(&rows, lanes));
    failure.map_or(Ok(()), Err)
}

fn run_lane(lane: &Lane, root: &Path) -> Result<(), String> {
    let (name, minutes) = (lane.name, lane.budget_minutes);
    eprintln!("\n== {name}: {} (budget {minutes} min)", lane.says);
    let mut folders = Vec::new();
    for need in lane.needs {
        match need {
            Need::Cargo(tool) => folders.extend(tools::ensure(tool, root)?),
            Need::Python(venv) => folders.push(python::ensure(venv, root)?),
        }
    }
    let status = match lane.runs {
        Runs::Cargo(words) => cargo(words.iter().map(OsStr::new), root, &folders)?,
        Runs::Program(program, words) => {
            let built = cargo(BUILD.iter().map(OsStr::new), root, &folders)?;
            match built.success() {
                true => start(
                    &tools::target(root).join("debug").join(program),
                    words,
                    root,
                    &folders,
                )?,
                false => built,
            }
        }
    };
    if status.success() {
        return Ok(());
    }
    Err(format!(
        "the lane `{name}` failed: {}\n\
         run it again with `cargo xtask check --lane {name}`",
        lane.failed
    ))
}

/// Hands everything behind `sim` to the simulator.
pub fn simulate(arguments: &[OsString]) -> Result<(), String> {
    hand_over("lattice-sim", "sim", &[], arguments, &[])
}

/// Hands everything behind `model` to the model checker.
pub fn explore(arguments: &[OsString]) -> Result<(), String> {
    hand_over("lattice-model-check", "model", &[], arguments, &[])
}

/// Hands everything behind `cloud-test` to the cloud test, which finds its engine in the search path,
/// and what builds the functions if they are to be built as they are deployed.
pub fn cloud_test(arguments: &[OsString]) -> Result<(), String> {
    let root = root()?;
    let mut folders = Vec::new();
    // It asks the first `python3` of the search path for zig, so it stands before the engine.
    if arguments.iter().any(|word| word == "--release") {
        folders.push(python::ensure(&python::BUILDER, &root)?);
    }
    folders.push(python::ensure(&python::ENGINE, &root)?);
    hand_over("lattice-cloud", "cloud", &["test"], arguments, &folders)
}

/// Installs the coding agents that are missing, and lets them judge the exports.
pub fn clients(only: Option<&str>) -> Result<(), String> {
    let root = root()?;
    let home = clients::ensure(&root, only)?;
    let skills = python::ensure(&python::SKILLS, &root)?;
    let results = tools::target(&root).join("clients");
    let mut arguments: Vec<OsString> = vec![home.into(), skills.into(), results.into()];
    arguments.extend(
        only.into_iter()
            .flat_map(|name| ["--only".into(), name.into()]),
    );
    hand_over("lattice-clients", "clients", &["run"], &arguments, &[])
}

/// Runs a program of the workspace with these words and then the caller's.
fn hand_over(
    package: &str,
    program: &str,
    words: &[&str],
    arguments: &[OsString],
    folders: &[PathBuf],
) -> Result<(), String> {
    let run = [
        "run",
        "--quiet",
        "--package",
        package,
        "--bin",
        program,
        "--",
    ];
    let words = run.iter().chain(words).map(OsStr::new);
    let words = words.chain(arguments.iter().map(OsString::as_os_str));
    let status = cargo(words, &root()?, folders)?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("`{program}` ended with {status}")),
    }
}

/// Runs cargo in `root`, with `folders` in front of the search path.
fn cargo<'a>(
    words: impl Iterator<Item = &'a OsStr>,
    root: &Path,
    folders: &[PathBuf],
) -> Result<ExitStatus, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    start(Path::new(&cargo), words, root, folders)
}

/// Runs a program in `root`, with `folders` in front of the search path.
fn start(
    program: &Path,
    words: impl IntoIterator<Item = impl AsRef<OsStr>>,
    root: &Path,
    folders: &[PathBuf],
) -> Result<ExitStatus, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = folders.iter().cloned().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).map_err(|error| format!("cannot set PATH: {error}"))?;
    let mut command = Command::new(program);
    command.args(words).current_dir(root).env("PATH", path);
    // What cargo told this program about its own package is nothing to the next one. Some build
    // scripts look at it, so that a lane and a plain `cargo test` would build them anew in turns.
    for (name, _) in std::env::vars_os() {
        if is_of_this_package(&name) {
            command.env_remove(name);
        }
    }
    command
        .status()
        .map_err(|error| format!("cannot run `{}`: {error}", program.display()))
}

fn is_of_this_package(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

/// The folder of the workspace: the parent of this package.
fn root() -> Result<PathBuf, String> {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .and_then(|package| Path::new(&package).parent().map(Path::to_owned))
        .ok_or_else(|| "run this as `cargo xtask`, so that it knows its folder".to_owned())
}

/// The closing table: a line for each lane, those that did not run among them.
fn table(rows: &[Row], lanes: &[Lane]) -> String {
    let mut text = String::from("lane    budget     took\n");
    for lane in lanes {
        let row = rows.iter().find(|row| row.name == lane.name);
        let budget = lane.budget_minutes;
        let (took, verdict) = match row {
            Some(row) => (minutes(row.took), row.verdict()),
            None => ("-".to_owned(), "not run"),
        };
        text += &format!("{:<6} {budget:>3} min {took:>8}  {verdict}\n", lane.name);
    }
    let total = rows.iter().map(|row| row.took).sum();
    text + &format!("{:<6} {:>16}\n", "all", minutes(total))
}

fn minutes(took: Duration) -> String {
    let seconds = took.as_secs();
    format!("{}:{:02} min", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::{Row, is_of_this_package, table};
    use crate::lanes::LANES;
    use std::time::Duration;

    fn row(at: usize, seconds: u64, passed: bool) -> Option<Row> {
        LANES.get(at).map(|lane| Row {
            name: lane.name,
            budget_minutes: lane.budget_minutes,
            took: Duration::from_secs(seconds),
            passed,
        })
    }

    #[test]
    fn the_table_shows_what_passed_what_failed_and_what_did_not_run() {
        let rows: Vec<Row> = [row(0, 61, true), row(1, 5, false)]
            .into_iter()
            .flatten()
            .collect();
        let expected = "\
lane    budget     took
fmt      1 min 1:01 min  passed, over budget
tidy     2 min 0:05 min  failed
lint     8 min        -  not run
test    15 min        -  not run
api      5 min        -  not run
sim      8 min        -  not run
infra    4 min        -  not run
cloud   10 min        -  not run
all            1:06 min
";
        assert_eq!(table(&rows, LANES), expected);
    }

    #[test]
    fn what_cargo_says_of_this_package_is_kept_from_the_next_build() {
        for (name, is) in [
            ("CARGO_PKG_NAME", true),
            ("CARGO_MANIFEST_DIR", true),
            ("CARGO_TARGET_DIR", false),
            ("CARGO", false),
        ] {
            assert_eq!(is_of_this_package(name.as_ref()), is, "{name}");
        }
    }

    #[test]
    fn a_lane_is_over_budget_only_past_it() {
        let verdict = |seconds| row(0, seconds, true).map(|row| row.verdict());
        assert_eq!(verdict(60), Some("passed"));
        assert_eq!(verdict(61), Some("passed, over budget"));
    }
}
