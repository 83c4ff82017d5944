//! What the provider hands to an adapter: a question whose secrets are in place.

use lattice_ir::ModelRequest;
use lattice_model::{Hash, Secret, StageId};
use std::time::Duration;

/// One question to a model. Texts are secret: a resolved secret may stand in them.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The stage that asks.
    pub stage: &'a StageId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Sent along, so that a receiver that honours it applies the effect once.
    pub key: Hash,
    /// How long it may take.
    pub timeout: Duration,
    /// The name of the model, as the provider knows it.
    pub model: String,
    /// The instructions.
    pub system: Option<Secret<String>>,
    /// The prompt.
    pub prompt: Secret<String>,
    /// The rest of the request: schema, ceiling, temperature.
    pub request: &'a ModelRequest,
}

/// About four characters are a token in English: what is counted where nobody counted.
pub(crate) fn estimate_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

/// The input tokens of a question, estimated.
pub(crate) fn estimate_input(ask: &Ask<'_>) -> u64 {
    let system = ask
        .system
        .as_ref()
        .map_or(0, |system| estimate_tokens(system.expose()));
    system + estimate_tokens(ask.prompt.expose())
}
