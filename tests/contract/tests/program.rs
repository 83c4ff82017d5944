//! The program as a process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

#[test]
fn without_a_program_to_run_it_says_how_it_is_used() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_contract"));
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("usage: contract SCHEMATHESIS"), "{said}");
}
