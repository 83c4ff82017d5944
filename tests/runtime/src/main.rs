//! Measures a bootstrap: how long it takes until it asks for its first event, and what it weighs.

use clap::Parser;
use lattice_runtime::{Function, RuntimeError, environment};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Starts a bootstrap over and over and measures its init and its memory.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  measure target/lambda/step/bootstrap --times 20")]
struct Arguments {
    /// The bootstrap.
    binary: PathBuf,
    /// How often it is started.
    #[arg(long, default_value_t = 20)]
    times: usize,
    /// An event to serve before the memory is read.
    #[arg(long)]
    event: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Arguments::parse()).await {
        Ok(measured) => {
            println!("{measured}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(arguments: &Arguments) -> Result<serde_json::Value, RuntimeError> {
    let environment = environment();
    let event = match &arguments.event {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let what = "the event cannot be read";
            Some(text.map_err(|source| RuntimeError::Io { what, source })?)
        }
    };
    let (mut inits, mut resident) = (Vec::new(), Vec::new());
    for _ in 0..arguments.times.max(1) {
        let mut function = Function::start(&arguments.binary, &environment).await?;
        inits.push(function.init.as_micros());
        if let Some(event) = &event {
            function.invoke(event, Duration::from_secs(30)).await?;
        }
        resident.extend(function.resident_bytes());
        function.stop().await;
    }
    inits.sort_unstable();
    resident.sort_unstable();
    let ms = |at: usize| inits.get(at).map(|micros| *micros as f64 / 1_000.0);
    let bytes = std::fs::metadata(&arguments.binary).map(|found| found.len());
    Ok(json!({
        "binary": arguments.binary,
        "times": inits.len(),
        "initMs": { "least": ms(0), "median": ms(inits.len() / 2), "most": ms(inits.len() - 1) },
        "residentBytes": resident.get(resident.len() / 2),
        "binaryBytes": bytes.ok(),
    }))
}
