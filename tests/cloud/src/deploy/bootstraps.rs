//! The functions' programs: built, and packed as Lambda takes them.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The functions: the names of their programs, and of their packages behind `lattice-`.
pub const FUNCTIONS: [&str; 6] = ["compile", "start", "step", "signal", "stream", "sweep"];

/// What builds them as they are deployed.
const SCRIPT: &str = "infra/stack.sh";

/// Why there are no packages.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A program that builds could not be run, or ended badly.
    #[error("`{0}` did not end well; what it said stands above")]
    Build(String),
    /// A file cannot be read or written.
    #[error("`{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The archive cannot be written.
    #[error("the archive cannot be written: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// The archive cannot be written.
    #[error("the archive cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// How the programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As tests are, with the toolchain of this machine.
    Dev,
    /// As they are deployed, by the same command.
    Release,
}

impl Build {
    /// Builds all of them; gives the path of each program by its function's name.
    pub fn run(self, root: &Path) -> Result<Vec<(&'static str, PathBuf)>, PackError> {
        match self {
            Self::Dev => dev(root),
            Self::Release => release(root),
        }
    }
}

fn dev(root: &Path) -> Result<Vec<(&'static str, PathBuf)>, PackError> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |folder| root.join(folder));
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(["build", "--locked"]);
    for function in FUNCTIONS {
        command.args(["--package", &format!("lattice-{function}")]);
    }
    run(&mut command, "cargo build")?;
    let program = |function: &'static str| (function, target.join("debug").join(function));
    Ok(FUNCTIONS.map(program).to_vec())
}

fn release(root: &Path) -> Result<Vec<(&'static str, PathBuf)>, PackError> {
    let mut command = Command::new(root.join(SCRIPT));
    command.current_dir(root).arg("build");
    run(&mut command, SCRIPT)?;
    // Where the template takes them from.
    let packed = root.join("target/lambda");
    let program = |function: &'static str| (function, packed.join(function).join("bootstrap"));
    Ok(FUNCTIONS.map(program).to_vec())
}

fn run(command: &mut Command, name: &str) -> Result<(), PackError> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(PackError::Build(name.to_owned())),
    }
}

/// The zip of a function: its program as `bootstrap`, without its symbols.
pub fn pack(program: &Path, folder: &Path) -> Result<Vec<u8>, PackError> {
    let stripped = folder.join("bootstrap");
    let mut strip = Command::new("strip");
    strip.arg("-s").arg("-o").arg(&stripped).arg(program);
    run(&mut strip, "strip")?;
    let bytes = fs::read(&stripped).map_err(|source| PackError::File {
        path: stripped,
        source,
    })?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    // Packing tightly takes longer than it saves on one machine.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    zip.write_all(&bytes)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::Read;

    #[test]
    fn a_package_has_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let program = std::env::current_exe().unwrap();
        let zip = pack(&program, folder.path()).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut entry = zip.by_name("bootstrap").unwrap();
        assert_eq!(entry.unix_mode().unwrap() & 0o777, 0o755);
        let mut head = [0; 4];
        entry.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"\x7fELF");
    }
}
