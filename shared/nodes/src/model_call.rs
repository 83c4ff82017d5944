//! What every node that asks a model has in common.

use lattice_ir::{Call, Effect, ModelCall, OnUnknown, Retry};
use lattice_model::{OpId, limits};

/// The time and the attempts of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub timeout_ms: u64,
    pub attempts_max: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            timeout_ms: limits::MODEL_TIMEOUT_MS_DEFAULT,
            attempts_max: limits::STAGE_ATTEMPTS_DEFAULT,
        }
    }
}

/// Where a call leads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Targets {
    pub next: OpId,
    pub on_error: Option<OpId>,
    pub on_timeout: Option<OpId>,
}

/// The op of a call. An attempt whose outcome nobody knows is made again: to ask a model twice
/// costs tokens and changes nothing in the world.
pub(crate) fn call(model: ModelCall, bounds: Bounds, targets: Targets) -> Call {
    Call {
        effect: Effect::Model(model),
        timeout_ms: bounds.timeout_ms,
        retry: Retry {
            attempts_max: bounds.attempts_max,
            delay_ms: limits::RETRY_DELAY_MS_MIN,
            delay_ms_max: limits::RETRY_DELAY_MS_MAX,
        },
        on_unknown: OnUnknown::Retry,
        next: targets.next,
        on_error: targets.on_error,
        on_timeout: targets.on_timeout,
    }
}
