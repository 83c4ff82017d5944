//! The repository's own commands: `cargo xtask check` is what CI runs, and all that it runs.
//!
//! Reading order: `lanes` (what is checked), `runner` (how), `tools` and `python` (what it needs). Only the
//! standard library is used, so that a fresh clone has this binary within seconds.

mod clients;
mod lanes;
mod python;
mod runner;
mod tools;

use lanes::LANES;
use std::ffi::OsString;
use std::process::ExitCode;

const HELP: &str = "\
The commands of this repository.

  cargo xtask check               run every lane, stop at the first that fails
  cargo xtask check --lane NAME   run one lane
  cargo xtask lanes               list the lanes, their budgets and their commands
  cargo xtask sim ARGUMENTS       run the simulator, e.g. --seed 7 --shape diamond
  cargo xtask teeth               switch each guard off in turn and look whether the simulator notices
  cargo xtask model ARGUMENTS     explore every state of a few small runs; --full for the large ones
  cargo xtask cloud-test ARGUMENTS
                                  deploy on a local engine and drive every path, e.g. --path twice
  cargo xtask clients [--only NAME]
                                  let the real coding agents judge the exports; installs more than 1 GB
  cargo xtask help                show this text
";

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[OsString]) -> Result<(), String> {
    let texts: Vec<&str> = words
        .iter()
        .map(|word| word.to_str().unwrap_or(""))
        .collect();
    match texts.as_slice() {
        ["check"] => runner::check(LANES),
        ["check", "--lane", name] => runner::check(std::slice::from_ref(lanes::find(name)?)),
        ["lanes"] => {
            print!("{}", lanes::list());
            Ok(())
        }
        ["sim", ..] => runner::simulate(words.get(1..).unwrap_or_default()),
        ["teeth"] => runner::simulate(&["teeth".into()]),
        ["model", ..] => runner::explore(words.get(1..).unwrap_or_default()),
        ["cloud-test", ..] => runner::cloud_test(words.get(1..).unwrap_or_default()),
        ["clients"] => runner::clients(None),
        ["clients", "--only", name] => runner::clients(Some(name)),
        [] | ["help" | "-h" | "--help"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!(
            "`cargo xtask {}` is not a command; `cargo xtask help` lists them",
            texts.join(" ")
        )),
    }
}
