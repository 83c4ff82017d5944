//! Python programs that a lane needs: each in a virtual environment of its own, every package at
//! the version that its list names.

use crate::tools::{succeed, target};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A Python program.
#[derive(Debug)]
pub struct Venv {
    /// The program, as the environment's `bin` has it.
    pub program: &'static str,
    /// What it answers to `--version` has to hold this.
    pub version: &'static str,
    /// The list of packages, from the root of the repository.
    pub requirements: &'static str,
}

/// Tries an API by its OpenAPI file.
pub const SCHEMATHESIS: Venv = Venv {
    program: "schemathesis",
    version: "4.32.5",
    requirements: "tests/contract/requirements.txt",
};

/// Makes sure that the program can be run. Gives the folder to search first.
pub fn ensure(venv: &Venv, root: &Path) -> Result<PathBuf, String> {
    let name = format!("{}-{}", venv.program, venv.version);
    let home = target(root).join("tools").join(&name);
    let folder = home.join("bin");
    if answers(venv, &folder) {
        return Ok(folder);
    }
    eprintln!(
        "   {name} is missing; installing it into {}",
        home.display()
    );
    make(&home)?;
    let mut install = Command::new(folder.join("python"));
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    install
        .arg("--requirement")
        .arg(root.join(venv.requirements));
    succeed(&mut install, "pip")?;
    match answers(venv, &folder) {
        true => Ok(folder),
        false => Err(format!(
            "{name} was installed but does not run; remove `{}` and try again",
            home.display()
        )),
    }
}

/// Makes the environment. Debian keeps the module for that in a package of its own.
fn make(home: &Path) -> Result<(), String> {
    let venv = || {
        let mut command = Command::new("python3");
        command.args(["-m", "venv", "--clear"]).arg(home);
        succeed(&mut command, "python3 -m venv")
    };
    let Err(cause) = venv() else {
        return Ok(());
    };
    eprintln!("   {cause}; installing the package python3-venv");
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--quiet", "python3-venv"]);
    succeed(&mut install, "apt-get")?;
    venv()
}

fn answers(venv: &Venv, folder: &Path) -> bool {
    let output = Command::new(folder.join(venv.program))
        .arg("--version")
        .stdin(Stdio::null())
        .output();
    output.is_ok_and(|output| {
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains(venv.version)
    })
}

#[cfg(test)]
mod tests {
    use super::SCHEMATHESIS;

    #[test]
    fn the_list_pins_the_program_and_everything_below_it() {
        let list = include_str!("../../tests/contract/requirements.txt");
        let wanted = format!("{}=={}", SCHEMATHESIS.program, SCHEMATHESIS.version);
        assert!(list.lines().any(|line| line == wanted), "{wanted}");
        assert!(list.lines().all(|line| line.contains("==")), "{list}");
    }
}
