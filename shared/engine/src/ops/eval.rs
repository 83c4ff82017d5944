//! Eval: computes the node's output from what is there.

use super::expression_failure;
use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use lattice_ir::{Eval, PlannedOp};

pub(crate) fn visit(
    scratch: &mut Scratch<'_>,
    at: &At,
    op: &Eval,
    planned: &PlannedOp,
) -> Result<(), DecideError> {
    let PlannedOp::Eval { input, transform } = planned else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    let values = scratch.values(at, &input.references())?;
    let computed = input
        .render(&values.scope())
        .and_then(|value| match transform {
            Some(transform) => transform.evaluate(&value),
            None => Ok(value),
        });
    let computed = match (computed, &op.fallback) {
        (Ok(value), _) => Ok(value),
        (Err(_), Some(fallback)) => Ok(fallback.clone()),
        (Err(error), None) => Err(expression_failure(&error)),
    };
    match computed.and_then(|value| scratch.keep(value)) {
        Ok(output) => scratch.complete_stage(at, Some(output), None, Some(op.next)),
        Err(failure) => scratch.fail_stage(at, 0, failure, op.on_error),
    }
}
