//! The functions' processes, found by what stands in their environment.

use super::wrong::Wrong;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;

/// The processes of the function of this name in the account that use this table: those of another
/// engine beside are none of our business.
pub fn of(function: &str, table: &str) -> Vec<i32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let name = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
    let table = format!("LATTICE_TABLE={table}");
    let ours = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let has = |wanted: &str| {
            environment
                .split(|byte| *byte == 0)
                .any(|one| one == wanted.as_bytes())
        };
        has(&name) && has(&table)
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(ours)
        .collect()
}

/// Kills them (SIGKILL); how many there were.
pub fn kill(function: &str, table: &str) -> Result<usize, Wrong> {
    let found = of(function, table);
    for pid in found.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        kill_process(pid, Signal::KILL)
            .map_err(|error| Wrong::Io("a function cannot be killed", error.into()))?;
    }
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::process::Command;

    #[test]
    fn only_the_processes_of_one_table_are_found_and_killed() {
        let sleeper = |table: &str| {
            let mut command = Command::new("sleep");
            command
                .arg("60")
                .env("AWS_LAMBDA_FUNCTION_NAME", "processes-test");
            command.env("LATTICE_TABLE", table).spawn().unwrap()
        };
        let (mut ours, mut other) = (sleeper("a"), sleeper("b"));
        // The environment of a child is there only once it has become `sleep`.
        while of("processes-test", "a").is_empty() || of("processes-test", "b").is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(kill("processes-test", "a").unwrap(), 1);
        assert!(!ours.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
