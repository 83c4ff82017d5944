//! The harnesses in small.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

/// What the harness says; it may complain about nothing but time, which is not judged here: the
/// machine may be busy with other tests.
fn faultless(words: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lattice-kill"))
        .args(words.split(' '))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    let faults: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("FAULT") && !line.contains("resuming took"))
        .collect();
    assert!(faults.is_empty() && errors.is_empty(), "{said}{errors}");
    said.into_owned()
}

/// The numbers in the line that begins so.
fn figures(said: &str, name: &str) -> Vec<u64> {
    let line = said.lines().find_map(|line| line.trim().strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("no `{name}` in\n{said}"));
    let numbers = line.split_whitespace().filter(|word| *word != "/");
    numbers.map(|number| number.parse().unwrap()).collect()
}

#[test]
fn five_kills_lose_nothing() {
    let said = faultless("--kills 5 --seed 3");
    // The last round may kill twice: the process that answers, and the one that runs.
    let kills = figures(&said, "kills (SIGKILL)");
    assert_eq!(kills.len(), 2, "{said}");
    assert!(kills.iter().all(|number| *number >= 5), "{said}");
}

#[test]
fn four_kills_of_a_server_lose_nothing_for_anybody() {
    let said = faultless("dev --kills 4 --runs 8 --seed 3");
    assert_eq!(figures(&said, "kills (SIGKILL)"), [4], "{said}");
    let runs = figures(&said, "runs acknowledged");
    assert!(runs[0] >= 8, "{said}");
    assert_eq!(figures(&said, "runs "), runs, "{said}");
    assert!(figures(&said, "answers acknowledged")[0] > 0, "{said}");
    let live = figures(&said, "live runs at a kill, least / median");
    assert!(live[0] > 0, "{said}");
    assert!(figures(&said, "watchers")[0] >= runs[0], "{said}");
    assert!(figures(&said, "streams they opened again")[0] > 0, "{said}");
}
