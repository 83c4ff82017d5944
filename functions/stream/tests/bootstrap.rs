//! The bootstrap as a process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

/// Lambda shows what a function says when it cannot begin; nobody else can ask it.
#[test]
fn without_its_settings_it_names_each_of_them_and_ends() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_stream"));
    let output = program.env_clear().output().unwrap();
    assert!(!output.status.success());
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    for variable in ["LATTICE_STAGE", "LATTICE_TABLE", "LATTICE_QUEUE_URL"] {
        assert!(said.contains(variable), "{variable}: {said}");
    }
}
