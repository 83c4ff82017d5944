//! `model-server`: the test server as a program, for tests that start real processes.

use clap::{ArgAction, Parser};
use lattice_model_server::{ModelServer, Options};
use std::time::Duration;

/// Answers chat completions on 127.0.0.1 and counts effects by `Idempotency-Key` (`GET /counts`).
#[derive(Parser)]
#[command(after_help = "Example: model-server --port 4871 --honour-keys false --latency-ms 200")]
struct Arguments {
    /// The port; 0 takes a free one. The base URL is printed on the first line.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Whether a repeated key gets the stored answer instead of a second effect.
    #[arg(long, default_value_t = true, action = ArgAction::Set)]
    honour_keys: bool,
    /// From the applied effect to the first byte of the answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let server = ModelServer::start(Options {
        port: arguments.port,
        honour_keys: arguments.honour_keys,
        latency: Duration::from_millis(arguments.latency_ms),
    })
    .await?;
    println!("{}", server.base_url());
    server.wait().await;
    Ok(())
}
