//! The lanes, in the order in which they run: the quick ones first.

use crate::python::{ENGINE, SCHEMATHESIS, TEMPLATES, Venv};
use crate::tools::{NEXTEST, Tool};

/// One named part of the check.
#[derive(Debug)]
pub struct Lane {
    /// The word behind `--lane`.
    pub name: &'static str,
    /// What a green lane says about the repository.
    pub says: &'static str,
    /// What a red lane says, and where to look.
    pub failed: &'static str,
    /// How long it may take on two cores with an empty build folder. More is a warning.
    pub budget_minutes: u32,
    /// What must be on the machine; missing tools are installed.
    pub needs: &'static [Need],
    /// What it runs.
    pub runs: Runs,
}

/// What a lane runs.
#[derive(Debug)]
pub enum Runs {
    /// Cargo, with these arguments.
    Cargo(&'static [&'static str]),
    /// A program of the workspace, with these arguments. It is taken out of the build of all tests:
    /// alone it would be built anew, with every dependency whose features differ.
    Program(&'static str, &'static [&'static str]),
}

impl Runs {
    /// The command line for people.
    pub fn line(&self) -> String {
        match self {
            Self::Cargo(words) => format!("cargo {}", words.join(" ")),
            Self::Program(program, words) => format!("{program} {}", words.join(" ")),
        }
    }
}

/// A tool beside the Rust toolchain.
#[derive(Debug)]
pub enum Need {
    /// A cargo subcommand.
    Cargo(&'static Tool),
    /// A Python program.
    Python(&'static Venv),
}

/// Every lane of `cargo xtask check`.
pub const LANES: &[Lane] = &[
    Lane {
        name: "fmt",
        says: "every file is formatted",
        failed: "a file is not formatted; `cargo fmt --all` mends it",
        budget_minutes: 1,
        needs: &[],
        runs: Runs::Cargo(&["fmt", "--all", "--check"]),
    },
    Lane {
        name: "tidy",
        says: "floors, purity, file heads, problem pages and links hold",
        failed: "a rule of the repository is broken; each complaint names its file",
        budget_minutes: 2,
        needs: &[Need::Cargo(&NEXTEST)],
        runs: Runs::Cargo(&["nextest", "run", "--locked", "--package", "lattice-tidy"]),
    },
    Lane {
        name: "lint",
        says: "clippy has nothing to say",
        failed: "clippy or the compiler complains; warnings count",
        budget_minutes: 8,
        needs: &[],
        runs: Runs::Cargo(&[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "--deny",
            "warnings",
        ]),
    },
    Lane {
        name: "test",
        says: "every test passes, each at the first try",
        failed: "a test failed; the failures are listed above by name",
        budget_minutes: 15,
        needs: &[Need::Cargo(&NEXTEST)],
        // These need an engine, which the lane `cloud` starts.
        runs: Runs::Cargo(&[
            "nextest",
            "run",
            "--locked",
            "--workspace",
            "--filterset",
            "not (package(lattice-cloud) or binary(doctor))",
        ]),
    },
    Lane {
        name: "api",
        says: "the API keeps what its OpenAPI file says, whatever it is sent",
        failed: "an answer is not as the OpenAPI file says; each is shown above with its request",
        budget_minutes: 5,
        needs: &[Need::Python(&SCHEMATHESIS)],
        runs: Runs::Program("contract", &["schemathesis"]),
    },
    Lane {
        name: "sim",
        says: "a fault at every port call loses nothing, and each guard bites",
        failed: "the simulator found a fault that loses something; the line above repeats it",
        budget_minutes: 8,
        needs: &[],
        runs: Runs::Program("sim", &["check"]),
    },
    Lane {
        name: "infra",
        says: "the template holds what it must, and each planted fault in it is found",
        failed: "the template, or what is said about it, is not right; each complaint is above",
        budget_minutes: 4,
        needs: &[Need::Python(&TEMPLATES)],
        runs: Runs::Program("infra", &["check"]),
    },
    Lane {
        name: "cloud",
        says: "the adapters keep their ports' promises on an engine, and the deployed stack works",
        failed: "a suite or a path through the deployed stack failed; it is named above",
        budget_minutes: 10,
        needs: &[Need::Cargo(&NEXTEST), Need::Python(&ENGINE)],
        runs: Runs::Program("cloud", &["check"]),
    },
];

/// The lane called `name`.
pub fn find(name: &str) -> Result<&'static Lane, String> {
    LANES.iter().find(|lane| lane.name == name).ok_or_else(|| {
        let names: Vec<_> = LANES.iter().map(|lane| lane.name).collect();
        format!(
            "there is no lane `{name}`; the lanes are {}",
            names.join(", ")
        )
    })
}

/// The lanes as a table for people.
pub fn list() -> String {
    LANES
        .iter()
        .map(|lane| {
            format!(
                "{:<6} {:>3} min  {}\n                 {}\n",
                lane.name,
                lane.budget_minutes,
                lane.says,
                lane.runs.line()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{LANES, find, list};
    use std::collections::BTreeSet;

    #[test]
    fn lanes_have_names_of_their_own() {
        let names: BTreeSet<_> = LANES.iter().map(|lane| lane.name).collect();
        assert_eq!(names.len(), LANES.len());
        for lane in LANES {
            assert!(list().contains(lane.says));
            assert!(find(lane.name).is_ok_and(|found| found.name == lane.name));
        }
    }

    #[test]
    fn an_unknown_lane_is_answered_with_the_known_ones() {
        let answer = find("tests").map(|lane| lane.name);
        let expected =
            "there is no lane `tests`; the lanes are fmt, tidy, lint, test, api, sim, infra, cloud";
        assert_eq!(answer, Err(expected.to_owned()));
    }
}
