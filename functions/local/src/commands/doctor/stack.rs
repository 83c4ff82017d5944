//! A stack on AWS against its template. Only a build with the feature `aws` can ask an account.

use super::Finding;
use crate::error::CliError;

/// What is not as the template has it, each by its resource there.
#[cfg(feature = "aws")]
pub async fn findings(name: &str, region: Option<String>) -> Result<Vec<Finding>, CliError> {
    use lattice_stack::{Place, StackError, examine};

    let stack = name.to_owned();
    let report = examine(&Place { stack, region }).await.map_err(|error| {
        let help = match &error {
            StackError::NoStack(_) => "name a stack that is deployed, and its region",
            StackError::NoRegion => "give `--region`",
            StackError::Unanswered { .. } => "look at your credentials, and whether they allow it",
            StackError::Template(_) => "please report it",
        };
        CliError::said(error.to_string(), help)
    })?;
    if report.findings.is_empty() {
        let text = format!(
            "all {} resources of `{name}` are there, and {} of them are as the template has them",
            report.resources, report.asked
        );
        return Ok(vec![Finding::good("stack", text)]);
    }
    let broken = report.findings.into_iter().map(|one| {
        let text = format!("{} {}", one.setting, one.text);
        Finding::broken(
            one.resource,
            text,
            "deploy the stack again: infra/README.md",
        )
    });
    Ok(broken.collect())
}

/// Says how to get a build that can.
#[cfg(not(feature = "aws"))]
#[allow(clippy::unused_async, reason = "the other build asks an account")]
pub async fn findings(name: &str, _region: Option<String>) -> Result<Vec<Finding>, CliError> {
    Err(CliError::said(
        format!("this build cannot look at the stack `{name}`"),
        "build one that can: `cargo build --release --features aws`",
    ))
}
