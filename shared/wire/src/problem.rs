//! What every error looks like: a problem body of RFC 9457.

use crate::codes::ErrorCode;
use lattice_document::Problem;
use schemars::JsonSchema;
use serde::Serialize;

/// A problem body (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiProblem {
    /// The kind of problem as a URI: `urn:agent-lattice:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of problem it is, in a few words.
    pub title: String,
    /// The HTTP status.
    #[schemars(range(min = 400, max = 599))]
    pub status: u16,
    /// What is wrong with this request: one sentence, lowercase, no full stop.
    pub detail: String,
    /// The code, which has a page in `docs/problems/`.
    pub code: String,
    /// What to do; empty if there is nothing to add.
    pub help: String,
    /// What is wrong with a workflow document, one by one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub problems: Vec<Problem>,
}

impl ApiProblem {
    /// A problem with what is wrong and what to do.
    pub fn new(code: ErrorCode, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:agent-lattice:problem:{}", code.id),
            title: code.title.to_owned(),
            status: code.status,
            detail: detail.into(),
            code: code.id.to_owned(),
            help: help.into(),
            problems: Vec::new(),
        }
    }
}
