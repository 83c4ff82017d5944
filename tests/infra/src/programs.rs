//! Runs the programs of infra/requirements.txt.

use std::path::Path;
use std::process::{Command, Stdio};

const HELP: &str = "it comes with infra/requirements.txt: `python3 -m venv infra/.venv && \
    infra/.venv/bin/pip install -r infra/requirements.txt`, then put `infra/.venv/bin` first in PATH";

/// What a program writes to its standard output; everything that it wrote, if it ended badly.
pub fn output(root: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null());
    // None of them is to tell anybody about its use, or to ask a service; a region has to be named.
    command.env("SAM_CLI_TELEMETRY", "0");
    command.env("AWS_DEFAULT_REGION", "eu-central-1");
    command.env("LOG_LEVEL", "ERROR");
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let done = command.output();
    let done = done.map_err(|error| format!("cannot run `{program}` ({error}); {HELP}"))?;
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    if done.status.success() {
        return Ok(text);
    }
    let more = String::from_utf8_lossy(&done.stderr);
    let missing = more.contains("ModuleNotFoundError");
    let help = if missing { HELP } else { "" };
    Err(format!(
        "`{program}` ended with {}\n{text}{more}{help}",
        done.status
    ))
}
