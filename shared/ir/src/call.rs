//! What a worker hands to an effect, and what it gets back.

use lattice_expr::Rendered;
use lattice_journal::{Failure, Usage};
use lattice_model::{Hash, RunId, StageId, Tenant};
use serde_json::Value;

/// One attempt of one effect, claimed and ready to send.
#[derive(Debug, Clone, PartialEq)]
pub struct CallRequest {
    /// Whose run it is: whose secrets it may use.
    pub tenant: Tenant,
    /// The run.
    pub run: RunId,
    /// The stage.
    pub stage: StageId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The same for every attempt whose outcome nobody knows; a receiver that honours it applies
    /// the effect once.
    pub key: Hash,
    /// Time that the attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// The lease of the claim, in milliseconds: longer than `timeout_ms`.
    pub lease_ms: u64,
    /// What to perform.
    pub effect: EffectRequest,
}

/// An effect with its templates rendered.
#[derive(Debug, Clone, PartialEq)]
pub enum EffectRequest {
    /// One answer of a language model.
    Model(ModelRequest),
}

/// One answer of a language model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRequest {
    /// A class (`small`, `medium`, `large`) or the name of a model.
    pub model: String,
    /// The instructions; secrets are still references.
    pub system: Option<Rendered>,
    /// The prompt; secrets are still references.
    pub prompt: Rendered,
    /// What the answer must be, as JSON Schema.
    pub output_schema: Option<Value>,
    /// A ceiling for the answer.
    pub max_output_tokens: Option<u32>,
    /// In thousandths.
    pub temperature_milli: Option<u32>,
}

/// What an effect gave: redacted before it reaches the engine.
#[derive(Debug, Clone, PartialEq)]
pub struct CallDone {
    /// The answer as it came.
    pub text: String,
    /// The model that answered.
    pub model: String,
    /// Why it stopped, in the provider's word.
    pub finish: String,
    /// Tokens.
    pub usage: Usage,
    /// From sending to the end of the answer.
    pub latency_ms: u64,
}

/// How an attempt ended. A failure carries what was used all the same.
pub type CallOutcome = Result<CallDone, (Failure, Usage)>;
