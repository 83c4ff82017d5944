//! What is read: prices, assumptions, and what the cloud test counted.

use serde::Deserialize;
use std::collections::BTreeMap;

/// Prices of a region, and what is assumed where nothing can be counted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The region.
    pub region: String,
    /// When they were noted.
    pub noted: String,
    /// By name.
    pub usd: BTreeMap<String, Price>,
    /// What is assumed.
    pub assumed: Assumed,
}

/// One price.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Dollars for one of it.
    pub each: f64,
    /// What one of it is.
    pub what: String,
    /// Where it stands.
    pub page: String,
}

/// What a local engine cannot tell.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Assumed {
    /// The memory of the function `step`.
    pub step_memory_mb: f64,
    /// How long it works on a stage, waiting aside.
    pub work_ms_per_stage: f64,
    /// What it logs of a stage.
    pub log_bytes_per_stage: f64,
    /// How large the result of a stage is.
    pub result_bytes_per_stage: f64,
    /// How long a model takes to answer.
    pub wait_ms_per_call: f64,
    /// How many calls one execution waits for at once, when there is enough to do.
    pub calls_at_once_per_execution: f64,
    /// The memory that Step Functions Express bills for a small state.
    pub express_memory_mb: f64,
    /// Days of a month.
    pub days_per_month: f64,
    /// How long a sweep takes that finds nothing.
    pub sweep_ms: f64,
    /// Metrics of our own that are written.
    pub metrics: f64,
}

/// What `cargo xtask cloud-test --counts` writes; what is not needed here is passed over.
#[derive(Debug, Clone, Deserialize)]
pub struct Measured {
    /// Stages one behind the other.
    pub chain: Workload,
    /// Stages that each come from the queue.
    pub hops: Workload,
}

/// A run of some stages.
#[derive(Debug, Clone, Deserialize)]
pub struct Workload {
    /// Costly stages.
    pub stages: f64,
    /// What the function `start` asked for.
    pub start: Counts,
    /// What the function `step` asked for.
    pub step: Counts,
    /// Messages that were sent.
    pub messages: f64,
}

/// Calls and units.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Calls by `service.Operation`.
    pub calls: BTreeMap<String, f64>,
    /// DynamoDB write request units.
    pub write_units: f64,
    /// DynamoDB read request units.
    pub read_units: f64,
}

impl Prices {
    /// The price of that name.
    pub fn of(&self, name: &str) -> Result<f64, String> {
        let found = self.usd.get(name).map(|price| price.each);
        found.ok_or_else(|| format!("`infra/cost/prices.json` has no price of `{name}`"))
    }
}
