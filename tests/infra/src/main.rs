//! `infra check` tries the AWS template in every way: its assertions, the faults planted for each of
//! them, linters, and whether what was made of it is still current. `infra write` makes that again.
//!
//! The programs of infra/requirements.txt have to be in the search path.

use lattice_infra::{checks, files};
use std::process::ExitCode;

const USAGE: &str = "usage: infra check | infra write";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check"] => checks::check(&files::root()),
        ["write"] => checks::write(&files::root()),
        _ => Err(USAGE.to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
