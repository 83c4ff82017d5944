//! A stack that stays, to try things by hand: functions under a debugger, `cargo lambda watch`,
//! `lattice doctor --stack`. What they need is written into a folder.

use crate::deploy::{ALL_SCOPES, FUNCTIONS};
use crate::drive::{TENANT, World, Wrong, documents};
use std::collections::BTreeMap;
use std::path::Path;

/// A workflow to start runs of; it takes its time, so that its stream can be watched.
const WORKFLOW: &str = "slow";
/// Its model calls, with a second before each.
const CALLS: usize = 5;

/// Writes the folder, says where things are, and keeps everything up until it is interrupted.
pub async fn stay(world: &World, folder: &Path) -> Result<(), Wrong> {
    let put = |name: &str, text: String| {
        std::fs::write(folder.join(name), text)
            .map_err(|error| Wrong::Io("the folder cannot be written", error))
    };
    std::fs::create_dir_all(folder).map_err(|error| Wrong::Io("no folder", error))?;
    for function in FUNCTIONS {
        let environment = world.stack.environment(function).await?;
        put(&format!("{function}.env"), lines(environment))?;
    }
    let address = world.api.address();
    put("token", world.issuer.token(TENANT, ALL_SCOPES)?)?;
    put("api", address.clone())?;
    world
        .store(&documents::waits(WORKFLOW, CALLS))
        .await
        .map(drop)?;
    let engine = world.admin.authority();
    eprintln!(
        "   the API is {address}, the engine http://{engine}; `{}` has a token, the API's address\n   \
         and the functions' environments. The workflow `{WORKFLOW}` is stored. Ctrl-C removes everything.",
        folder.display()
    );
    tokio::signal::ctrl_c()
        .await
        .map_err(|error| Wrong::Io("no signal", error))
}

/// A function's environment as `cargo lambda watch --env-file` reads it, with the credentials that
/// Lambda would add.
fn lines(mut environment: BTreeMap<String, String>) -> String {
    for (name, value) in [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    let lines = environment
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn an_environment_is_a_line_a_variable_with_credentials() {
        let environment = [("LATTICE_TABLE".to_owned(), "t".to_owned())].into();
        let expected = "AWS_ACCESS_KEY_ID=test\nAWS_REGION=us-east-1\nAWS_SECRET_ACCESS_KEY=test\n\
                        LATTICE_TABLE=t\n";
        assert_eq!(lines(environment), expected);
    }
}
