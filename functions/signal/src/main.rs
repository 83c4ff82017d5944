//! The function `signal`; what it does stands in `lattice_gateway`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lattice_gateway::leave(lattice_gateway::signal().await)
}
