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

#[test]
fn the_command_of_a_stage_knows_its_words_and_builds_what_there_is() {
    let script = lattice_infra::files::root().join("infra/stack.sh");
    for words in [
        &["deploy"][..],
        &["deploy", "live"],
        &["build", "dev"],
        &["drop", "dev"],
    ] {
        let output = Command::new(&script).args(words).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.starts_with("usage: "), "{said}");
    }
    // `cargo` builds a function by its package: its program alone is not found from the root.
    let text = std::fs::read_to_string(&script).unwrap();
    assert!(text.contains(r#"--package "lattice-$function""#));
    let list = text.split_once("functions=(").unwrap().1;
    for function in list.split_once(')').unwrap().0.split(' ') {
        let package = format!("functions/{function}/Cargo.toml");
        let package = std::fs::read_to_string(lattice_infra::files::root().join(package)).unwrap();
        assert!(package.contains(&format!("name = \"lattice-{function}\"")));
    }
}
