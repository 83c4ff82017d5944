//! The function `step`; what it does stands in `lattice_lambda::functions`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    lattice_lambda::leave(lattice_lambda::step().await)
}
