//! Assign: sets or deletes a variable of the workflow.

use super::expression_failure;
use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use lattice_ir::{Assign, PlannedOp, ValueTemplate};
use lattice_journal::payload::VariableSet;
use lattice_journal::{Failure, ValueRef};

pub(crate) fn visit(
    scratch: &mut Scratch<'_>,
    at: &At,
    op: &Assign,
    planned: &PlannedOp,
) -> Result<(), DecideError> {
    let PlannedOp::Assign(template) = planned else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    match compute(scratch, template.as_ref())? {
        Ok(value) => {
            let name = op.variable.clone();
            scratch.push(VariableSet {
                stage: at.stage.clone(),
                name,
                value: value.clone(),
            });
            let next = scratch.way(at, op.next)?;
            scratch.complete_stage(at, value, None, next);
            Ok(())
        }
        Err(failure) => scratch.fail_stage(at, 0, failure, op.on_error),
    }
}

fn compute(
    scratch: &mut Scratch<'_>,
    template: Option<&ValueTemplate>,
) -> Result<Result<Option<ValueRef>, Failure>, DecideError> {
    let Some(template) = template else {
        return Ok(Ok(None));
    };
    let values = scratch.values(&template.references())?;
    let rendered = template.render(&values.scope());
    let kept = rendered.map_err(|error| expression_failure(&error));
    Ok(kept.and_then(|value| scratch.keep(value)).map(Some))
}
