//! A bootstrap without its settings.

use std::path::Path;
use std::process::Command;

/// Starts it with nothing set: it has to name each variable that it misses, and to end badly. Lambda
/// shows what a function says when it cannot begin; nobody else can ask it.
///
/// # Panics
/// If it does not: this is for tests.
#[allow(clippy::unwrap_used)]
pub fn names_what_is_not_set(program: &Path) {
    let output = Command::new(program).env_clear().output().unwrap();
    assert!(!output.status.success());
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    for variable in ["LATTICE_STAGE", "LATTICE_TABLE", "LATTICE_QUEUE_URL"] {
        assert!(said.contains(variable), "{variable}: {said}");
    }
}
