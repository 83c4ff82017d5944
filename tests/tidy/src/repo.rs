//! The files of the repository, and how a rule reports.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder that holds the workspace.
pub fn root() -> PathBuf {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let root = Path::new(&package).ancestors().nth(2);
    root.expect("this package is two folders down").to_owned()
}

/// A file of the repository: its path from the root, with `/`, and its text.
pub struct File {
    pub path: String,
    pub text: String,
}

/// Every text file that git tracks or would track, in order.
pub fn files() -> Vec<File> {
    let listed = run(
        "git",
        &[
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
    );
    let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let files: Vec<File> = paths.into_iter().filter_map(read).collect();
    assert!(!files.is_empty(), "git lists no file");
    files
}

/// `None` for a file that is deleted but not yet committed so, or that is not text.
fn read(path: &str) -> Option<File> {
    let bytes = std::fs::read(root().join(path)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(File {
        path: path.to_owned(),
        text,
    })
}

/// Every file whose name ends in `.extension`.
pub fn files_ending(extension: &str) -> Vec<File> {
    let mut files = files();
    files.retain(|file| file.path.ends_with(&format!(".{extension}")));
    assert!(!files.is_empty(), "no file ends in `.{extension}`");
    files
}

/// The text of one file that must be there.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path))
        .unwrap_or_else(|error| panic!("cannot read `{path}`: {error}"))
}

/// Runs cargo: the one that started this test, since it knows the toolchain.
pub fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    run(&cargo, arguments)
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap_or_else(|error| panic!("cannot run `{program}`: {error}"));
    assert!(
        output.status.success(),
        "`{program} {}` failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("its output is UTF-8")
}

/// Fails with all complaints at once.
#[track_caller]
pub fn report(rule: &str, complaints: &[String]) {
    let list = complaints.join("\n  ");
    assert!(complaints.is_empty(), "{rule}\n  {list}\n");
}
