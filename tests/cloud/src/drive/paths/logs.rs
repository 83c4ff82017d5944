//! What the functions say: lines of JSON that name the run, metrics, one trace from caller to worker,
//! and nothing secret.

use super::triggers;
use crate::deploy::FUNCTIONS;
use crate::drive::documents;
use crate::drive::world::{PROVIDER_KEY, World, text};
use crate::drive::wrong::{Wrong, must, want};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What a caller may send so that its trace goes on here (W3C Trace Context).
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";
/// Every metric there is has a line on this page.
const METRICS: &str = include_str!("../../../../../docs/metrics.md");

pub(super) async fn logs(world: &World) -> Result<String, Wrong> {
    let run = traced(world).await?;
    let mut lines = BTreeMap::new();
    for function in FUNCTIONS {
        lines.insert(function, read(world, function).await?);
    }
    let all = || lines.values().flatten();
    must(all().count() > 20, || {
        format!("only {} lines", all().count())
    })?;
    for secret in secrets(world) {
        let found = all().find(|line| line.contains(&secret));
        must(found.is_none(), || {
            format!("a line holds a secret: {found:?}")
        })?;
    }
    let mut metrics = BTreeSet::new();
    for line in all() {
        let line: Value = serde_json::from_str(line)
            .map_err(|error| Wrong::Found(format!("no JSON: {error}: `{line}`")))?;
        let directives = line["_aws"]["CloudWatchMetrics"].as_array();
        for metric in directives.into_iter().flatten().flat_map(names) {
            must(METRICS.contains(&format!("`{metric}`")), || {
                format!("the metric `{metric}` is not in docs/metrics.md")
            })?;
            metrics.insert(metric);
        }
    }
    must(!metrics.is_empty(), || "no metrics".to_owned())?;
    let of_run = |function: &str| {
        let found = lines.get(function).into_iter().flatten();
        found.filter(|line| line.contains(&run)).count()
    };
    must(of_run("step") > 2, || {
        format!("the step function does not name `{run}`")
    })?;
    for function in ["start", "step"] {
        let found = lines.get(function).into_iter().flatten();
        let traced = found.filter(|line| line.contains(TRACE)).count();
        must(traced > 0, || {
            format!("the caller's trace does not reach `{function}`")
        })?;
    }
    let (lines, metrics) = (all().count(), metrics.len());
    Ok(format!(
        "{lines} lines of JSON, {metrics} metrics of docs/metrics.md, no secret; a caller's trace goes on to the step"
    ))
}

/// Starts a run with a trace, and waits for its end.
async fn traced(world: &World) -> Result<String, Wrong> {
    let document = documents::chain("traced", 1);
    world.store(&document).await?;
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let headers = [
        ("content-type", "application/json"),
        ("traceparent", parent.as_str()),
    ];
    let body = json!({"workflowId": "traced", "input": {}}).to_string();
    let answer = world.api.send("POST", "/v1/runs", &headers, body).await?;
    let run = text(&want(201, "a start with a trace", &answer)?, "runId")?;
    world.acknowledged(&run);
    world.until(&run, "completed").await?;
    Ok(run)
}

/// What nobody may read in a log.
fn secrets(world: &World) -> Vec<String> {
    let mut secrets = vec![PROVIDER_KEY.to_owned(), triggers::shared_secret()];
    secrets.extend(world.api.token().map(str::to_owned));
    secrets
}

fn names(directive: &Value) -> Vec<String> {
    let metrics = directive["Metrics"].as_array().into_iter().flatten();
    metrics
        .filter_map(|metric| metric["Name"].as_str().map(str::to_owned))
        .collect()
}

/// The lines of a function itself, without the platform's.
async fn read(world: &World, function: &str) -> Result<Vec<String>, Wrong> {
    let group = format!("/aws/lambda/{}", world.stack.function(function)?);
    let mut lines = Vec::new();
    let mut asked = json!({ "logGroupName": group });
    loop {
        let page = world
            .admin
            .json("Logs_20140328.FilterLogEvents", &asked)
            .await?;
        let events = page["events"].as_array().into_iter().flatten();
        let said = events.filter_map(|event| event["message"].as_str());
        let ours = said
            .map(str::trim)
            .filter(|line| !line.is_empty() && !is_platform(line));
        lines.extend(ours.map(str::to_owned));
        match page["nextToken"].as_str() {
            Some(token) => asked["nextToken"] = json!(token),
            None => return Ok(lines),
        }
    }
}

fn is_platform(line: &str) -> bool {
    let words = [
        "START RequestId:",
        "END RequestId:",
        "REPORT RequestId:",
        "INIT_START",
    ];
    words.iter().any(|word| line.starts_with(word))
}
