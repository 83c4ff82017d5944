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
    /// The package that it comes in.
    pub package: &'static str,
    /// The version of that package.
    pub version: &'static str,
    /// The list of packages, from the root of the repository.
    pub requirements: &'static str,
}

/// Tries an API by its OpenAPI file.
pub const SCHEMATHESIS: Venv = Venv {
    program: "schemathesis",
    package: "schemathesis",
    version: "4.32.5",
    requirements: "tests/contract/requirements.txt",
};

/// A local engine that speaks AWS's interfaces.
pub const ENGINE: Venv = Venv {
    program: "ministack",
    package: "ministack",
    version: "1.5.33",
    requirements: "tests/cloud/requirements.txt",
};

/// What reads templates: cfn-lint, SAM's command line and checkov.
pub const TEMPLATES: Venv = Venv {
    program: "sam",
    package: "aws-sam-cli",
    version: "1.170.0",
    requirements: "infra/requirements.txt",
};

/// Builds the functions as they are deployed.
pub const BUILDER: Venv = Venv {
    program: "cargo-lambda",
    package: "cargo-lambda",
    version: "1.9.2",
    requirements: "infra/build-requirements.txt",
};

/// The reference reader of Agent Skills.
pub const SKILLS: Venv = Venv {
    program: "agentskills",
    package: "skills-ref",
    version: "0.1.1",
    requirements: "tests/clients/requirements.txt",
};

/// All of them.
#[cfg(test)]
const ALL: [&Venv; 5] = [&SCHEMATHESIS, &ENGINE, &TEMPLATES, &BUILDER, &SKILLS];

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

/// Whether the program is there, out of the package of that version. It is not asked itself: some
/// have no word for that, and some take seconds to say it.
fn answers(venv: &Venv, folder: &Path) -> bool {
    let ask = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))";
    let output = Command::new(folder.join("python"))
        .args(["-c", ask, venv.package])
        .stdin(Stdio::null())
        .output();
    let installed = output.is_ok_and(|output| {
        output.status.success() && String::from_utf8_lossy(&output.stdout).trim() == venv.version
    });
    installed && folder.join(venv.program).exists()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]

    use super::ALL;
    use std::path::Path;

    #[test]
    fn a_list_pins_its_program_and_everything_below_it() {
        for venv in ALL {
            let list = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("..")
                .join(venv.requirements);
            let list = std::fs::read_to_string(list).expect("a list");
            let wanted = format!("{}=={}", venv.package, venv.version);
            assert!(list.lines().any(|line| line == wanted), "{wanted}");
            let packages = list.lines().filter(|line| !line.starts_with('#'));
            for line in packages {
                assert!(line.contains("=="), "{}: {line}", venv.requirements);
            }
        }
    }
}
