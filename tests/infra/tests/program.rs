//! The program as a process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Command;

#[test]
fn without_a_word_it_says_how_it_is_used() {
    let output = Command::new(env!("CARGO_BIN_EXE_infra")).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("usage: infra check"), "{said}");
}
