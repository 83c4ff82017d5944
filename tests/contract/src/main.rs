//! Serves the API with tokens of a test issuer, and lets Schemathesis try all of it: every operation
//! of the OpenAPI file, with data that fits and data that does not, every check, one seed.
//!
//! `contract SCHEMATHESIS [ARGUMENT]...`: the program to run, and more arguments for it.

mod server;

use lattice_wire::ROUTES;
use server::Served;
use std::path::Path;
use std::process::ExitCode;
use tokio::process::Command;

/// Cases for each operation and phase.
const EXAMPLES: &str = "40";
const SEED: &str = "1";

/// What went wrong before anything could be tried.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: contract SCHEMATHESIS [ARGUMENT]...");
        return ExitCode::from(2);
    };
    match try_all(Path::new(&program), words.collect()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the contract could not be tried: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn try_all(program: &Path, more: Vec<std::ffi::OsString>) -> Result<bool, Failure> {
    let dir = tempfile::tempdir()?;
    let served = server::start(dir.path()).await?;
    let config = dir.path().join("schemathesis.toml");
    std::fs::write(&config, configuration(&served))?;
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(&config)
        .args(["run", &format!("{}/openapi.json", served.url)])
        .args([
            "--checks",
            "all",
            "--seed",
            SEED,
            "--max-examples",
            EXAMPLES,
        ])
        .args(["--request-timeout", "20", "--continue-on-failure"])
        .args([
            "--header",
            &format!("Authorization: Bearer {}", served.token),
        ])
        .args(["--header", &format!("X-API-Key: {}", server::KEY)])
        .args(more)
        .env("NO_COLOR", "1")
        // A folder without notes of earlier runs, which would make this one another.
        .current_dir(dir.path())
        .kill_on_drop(true);
    let status = command.status().await?;
    println!(
        "{} operations, {EXAMPLES} cases a phase, seed {SEED}",
        ROUTES.len()
    );
    Ok(status.success())
}

/// Names things that are there, so that requests get past `404`; and says which refusals are right
/// for data that fits its schema: a schema cannot say that a revision is the newest, that a document
/// compiles, or that a run still asks.
fn configuration(served: &Served) -> String {
    let Served {
        workflow,
        run,
        hook,
        ..
    } = served;
    format!(
        r#"[checks.positive_data_acceptance]
expected-statuses = ["2xx", 304, 404, 409, 412, 422, 428]

[[operations]]
include-path-regex = "^/v1/runs/"
parameters = {{ id = "{run}" }}

[[operations]]
include-path-regex = "^/v1/workflows/"
parameters = {{ id = "{workflow}" }}

# A webhook takes one of the three types, and of that what it can read.
[[operations]]
include-path-regex = "^/v1/hooks/"
parameters = {{ hookId = "{hook}" }}
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 415]
"#
    )
}
