//! Asks an account what there is of a stack.

mod data;
mod functions;
mod roles;

use crate::compare::{Report, compare};
use crate::expected::template;
use crate::facts::{Deployed, Facts};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::types::Stack;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::Value;

/// Where a stack is.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name.
    pub stack: String,
    /// The region; that of the environment or the profile if it is not named.
    pub region: Option<String>,
}

/// Why a stack cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// It is not there.
    #[error("there is no stack `{0}` in this region of this account")]
    NoStack(String),
    /// No region.
    #[error("no region is set: name one, or set `AWS_REGION`")]
    NoRegion,
    /// A question was not answered.
    #[error("`{question}` was not answered: {reason}")]
    Unanswered {
        /// The permission that it needs.
        question: &'static str,
        /// What AWS said.
        reason: String,
    },
    /// What this build has cannot be read.
    #[error("the template of this build cannot be read")]
    Template(#[from] serde_json::Error),
}

/// What AWS says when something is not there, by service.
const ABSENT: [&str; 5] = [
    "ResourceNotFoundException",
    "NoSuchEntity",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "ValidationError",
];

/// An answer; `None` if what was asked for is not there.
fn answer<T, E>(question: &'static str, given: Result<T, E>) -> Result<Option<T>, StackError>
where
    E: std::error::Error + ProvideErrorMetadata,
{
    match given {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code().is_some_and(|code| ABSENT.contains(&code)) => Ok(None),
        Err(error) => Err(StackError::Unanswered {
            question,
            reason: DisplayErrorContext(&error).to_string(),
        }),
    }
}

/// Compares a stack with the template of this build.
pub async fn examine(place: &Place) -> Result<Report, StackError> {
    let tls = Provider::Rustls(CryptoMode::Ring);
    let http = Builder::new().tls_provider(tls).build_https();
    let mut config = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    if let Some(region) = &place.region {
        config = config.region(Region::new(region.clone()));
    }
    let config = config.load().await;
    if config.region().is_none() {
        return Err(StackError::NoRegion);
    }
    examine_by(&config, &place.stack).await
}

/// The same with settings of the SDK that are there already.
pub async fn examine_by(config: &SdkConfig, stack: &str) -> Result<Report, StackError> {
    let facts = facts(config, stack).await?;
    Ok(compare(&template()?, &facts))
}

async fn facts(config: &SdkConfig, name: &str) -> Result<Facts, StackError> {
    let client = aws_sdk_cloudformation::Client::new(config);
    let asked = client.describe_stacks().stack_name(name).send().await;
    let found = answer("cloudformation:DescribeStacks", asked)?;
    let stack = found.and_then(|found| found.stacks.unwrap_or_default().into_iter().next());
    let stack = stack.ok_or_else(|| StackError::NoStack(name.to_owned()))?;
    let mut facts = describe(name, &stack);
    let mut pages = client
        .list_stack_resources()
        .stack_name(name)
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let Some(page) = answer("cloudformation:ListStackResources", page)? else {
            break;
        };
        for one in page.stack_resource_summaries.unwrap_or_default() {
            let deleted = one
                .resource_status
                .is_some_and(|status| status.as_str() == "DELETE_COMPLETE");
            let (Some(logical), false) = (one.logical_resource_id, deleted) else {
                continue;
            };
            let deployed = Deployed {
                kind: one.resource_type.unwrap_or_default(),
                physical: one.physical_resource_id.unwrap_or_default(),
                properties: Value::Null,
            };
            facts.resources.insert(logical, deployed);
        }
    }
    ask(config, &mut facts).await?;
    Ok(facts)
}

/// The stack's own address has the rest: `arn:aws:cloudformation:REGION:ACCOUNT:stack/..`.
fn describe(name: &str, stack: &Stack) -> Facts {
    let parts: Vec<&str> = stack.stack_id().unwrap_or_default().split(':').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default().to_owned();
    let parameters = stack.parameters().iter().filter_map(|one| {
        let (name, value) = (one.parameter_key()?, one.parameter_value()?);
        Some((name.to_owned(), value.to_owned()))
    });
    Facts {
        stack: name.to_owned(),
        partition: part(1),
        region: part(3),
        account: part(4),
        parameters: parameters.collect(),
        ..Facts::default()
    }
}

/// Asks each resource for its settings. One that is listed and does not answer is not there.
async fn ask(config: &SdkConfig, facts: &mut Facts) -> Result<(), StackError> {
    let functions = functions::Functions::new(config);
    let (roles, data) = (roles::Roles::new(config), data::Stores::new(config));
    let names: Vec<(String, Deployed)> = facts
        .resources
        .iter()
        .map(|(name, one)| (name.clone(), one.clone()))
        .collect();
    for (name, one) in names {
        let physical = one.physical.as_str();
        // What a resource belongs to is told by its name: `StepsQueuePolicy` is that of `StepsQueue`.
        let of = |suffix: &str, more: &str| {
            let owner = format!("{}{more}", name.trim_end_matches(suffix));
            facts
                .resources
                .get(&owner)
                .map(|one| one.physical.clone())
                .unwrap_or_default()
        };
        let found = match one.kind.as_str() {
            "AWS::IAM::Role" => roles.role(physical).await?,
            "AWS::Lambda::Function" => {
                functions
                    .function(physical, name.ends_with("Function"))
                    .await?
            }
            "AWS::Lambda::EventSourceMapping" => functions.mapping(physical).await?,
            "AWS::Lambda::Url" => functions.url(&of("Url", "Aliaslive")).await?,
            "AWS::Lambda::Permission" => functions.permission(facts, &name, physical).await?,
            "AWS::SQS::Queue" => data.queue(physical).await?,
            "AWS::SQS::QueuePolicy" => data.queue_policy(&of("Policy", "")).await?,
            "AWS::DynamoDB::Table" => data.table(physical).await?,
            _ => continue,
        };
        match found {
            Some(properties) => {
                facts.resources.insert(name, Deployed { properties, ..one });
            }
            None => {
                facts.resources.remove(&name);
            }
        }
    }
    Ok(())
}
