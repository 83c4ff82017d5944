//! The harness in small: five kills for each kind of receiver.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

#[test]
fn five_kills_lose_nothing() {
    let binary = env!("CARGO_BIN_EXE_lattice-kill");
    let output = Command::new(binary)
        .args(["--kills", "5", "--seed", "3"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    // Time is not judged here: the machine may be busy with other tests.
    let faults: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("FAULT") && !line.contains("resuming took"))
        .collect();
    assert!(faults.is_empty(), "{said}{errors}");
    // The last round may kill twice: the process that answers, and the one that runs.
    let kills: Vec<u32> = said
        .lines()
        .find_map(|line| line.strip_prefix("kills (SIGKILL)"))
        .unwrap_or_default()
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    assert_eq!(kills.len(), 2, "{said}{errors}");
    assert!(kills.iter().all(|number| *number >= 5), "{said}{errors}");
}
