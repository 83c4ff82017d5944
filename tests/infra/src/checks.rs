//! Everything that is tried with the template, one line each.

use crate::exceptions::{self, Exception};
use crate::template::Template;
use crate::{assertions, cost, faults, programs};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// What a check says when all is well, or what is wrong.
type Outcome = Result<String, String>;

/// A check by its name.
type Check = (&'static str, fn(&Path) -> Outcome);

const CHECKS: &[Check] = &[
    ("expanded", expanded),
    ("actions", actions),
    ("assertions", holds),
    ("planted faults", planted),
    ("cfn-lint", cfn_lint),
    ("sam validate", sam_validate),
    ("checkov", checkov),
    ("rollout hook", rollout),
    ("cost", costs),
];

/// What is made of something else, and of what it is made.
const EXPANDED: &str = "infra/expanded.json";
const ACTIONS: &str = "infra/checks/actions.json";
const COST_PAGE: &str = "docs/cost.md";

/// Runs every check, also after one that failed.
pub fn check(root: &Path) -> Result<(), String> {
    let mut failed = 0;
    for (name, run) in CHECKS {
        let since = Instant::now();
        let outcome = run(root);
        let seconds = since.elapsed().as_secs_f64();
        match outcome {
            Ok(says) => println!("ok   {name:<15} {seconds:5.1} s  {says}"),
            Err(error) => {
                failed += 1;
                println!("FAIL {name:<15} {seconds:5.1} s\n{error}");
            }
        }
    }
    println!("{} passed, {failed} failed", CHECKS.len() - failed);
    match failed {
        0 => Ok(()),
        _ => Err("the template is not as it has to be".to_owned()),
    }
}

/// Makes what is made of something else.
pub fn write(root: &Path) -> Result<(), String> {
    let made = [
        (EXPANDED, expand(root)?),
        (ACTIONS, list_actions(root)?),
        (COST_PAGE, cost::page(root)?),
    ];
    for (path, text) in made {
        fs::write(root.join(path), text)
            .map_err(|error| format!("cannot write `{path}`: {error}"))?;
        println!("wrote {path}");
    }
    Ok(())
}

fn read(root: &Path, path: &str) -> Result<String, String> {
    fs::read_to_string(root.join(path)).map_err(|error| format!("cannot read `{path}`: {error}"))
}

fn current(root: &Path, path: &str, made: &str) -> Outcome {
    match read(root, path)? == made {
        true => Ok(format!("{path} is current")),
        false => Err(format!(
            "`{path}` is not current: `cargo run -p lattice-infra --bin infra -- write`"
        )),
    }
}

/// With the canary, so that its resources are looked at too.
fn expand(root: &Path) -> Result<String, String> {
    let script = [
        "infra/checks/expand.py",
        "infra/template.yaml",
        "Canary=true",
    ];
    programs::output(root, "python3", &script)
}

fn list_actions(root: &Path) -> Result<String, String> {
    programs::output(root, "python3", &["infra/checks/actions.py"])
}

fn expanded(root: &Path) -> Outcome {
    current(root, EXPANDED, &expand(root)?)
}

fn actions(root: &Path) -> Outcome {
    current(root, ACTIONS, &list_actions(root)?)
}

fn template(root: &Path) -> Result<Template, String> {
    Template::read(&expand(root)?)
        .map_err(|error| format!("the expanded template is no JSON: {error}"))
}

fn holds(root: &Path) -> Outcome {
    let complaints = assertions::complaints(&template(root)?);
    match complaints.is_empty() {
        true => Ok(format!("{} hold", assertions::all().len())),
        false => Err(complaints.join("\n")),
    }
}

fn planted(root: &Path) -> Outcome {
    let (noticed, all, missed) = faults::noticed(&template(root)?);
    match missed.is_empty() {
        true => Ok(format!("{noticed} of {all} are noticed")),
        false => Err(missed.join("\n")),
    }
}

fn cfn_lint(root: &Path) -> Outcome {
    programs::output(root, "cfn-lint", &["infra/template.yaml"]).map(|_| "nothing".to_owned())
}

fn sam_validate(root: &Path) -> Outcome {
    let arguments = ["validate", "--lint", "--template", "infra/template.yaml"];
    programs::output(root, "sam", &arguments).map(|_| "valid".to_owned())
}

fn checkov(root: &Path) -> Outcome {
    let arguments = [
        "--file",
        EXPANDED,
        "--framework",
        "cloudformation",
        "--skip-download",
        "--soft-fail",
        "--output",
        "json",
    ];
    let report = programs::output(root, "checkov", &arguments)?;
    let report: Value =
        serde_json::from_str(&report).map_err(|error| format!("no report of checkov: {error}"))?;
    let text = read(root, "infra/checks/exceptions.json")?;
    let allowed: Vec<Exception> = serde_json::from_str(&text)
        .map_err(|error| format!("`infra/checks/exceptions.json`: {error}"))?;
    exceptions::compare(&report, &allowed)
}

fn rollout(root: &Path) -> Outcome {
    programs::output(root, "python3", &["infra/checks/test_rollout.py"])
        .map(|_| "as it should".to_owned())
}

fn costs(root: &Path) -> Outcome {
    current(root, COST_PAGE, &cost::page(root)?)
}
