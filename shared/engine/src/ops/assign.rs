//! Assign: sets or deletes a variable of the workflow.

use super::expression_failure;
use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use lattice_ir::{Assign, PlannedOp, ValueTemplate};
use lattice_journal::payload::VariableSet;
use lattice_journal::{Failure, ValueRef};
use lattice_model::{Guard, StageId};

pub(crate) fn visit(
    scratch: &mut Scratch<'_>,
    at: &At,
    op: &Assign,
    planned: &PlannedOp,
) -> Result<(), DecideError> {
    let PlannedOp::Assign(template) = planned else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    match compute(scratch, at, template.as_ref())? {
        Ok(value) => {
            let name = op.variable.clone();
            // INVARIANT: what a branch writes stays in it until its join (Guard::BranchScope). With
            // the guard off, the write names a visit of no branch.
            let stays = scratch.input.guards.on(Guard::BranchScope);
            scratch.push(VariableSet {
                stage: if stays {
                    at.stage.clone()
                } else {
                    StageId::new("")
                },
                name,
                value: value.clone(),
            });
            scratch.complete_stage(at, value, None, Some(op.next))
        }
        Err(failure) => scratch.fail_stage(at, 0, failure, op.on_error),
    }
}

fn compute(
    scratch: &mut Scratch<'_>,
    at: &At,
    template: Option<&ValueTemplate>,
) -> Result<Result<Option<ValueRef>, Failure>, DecideError> {
    let Some(template) = template else {
        return Ok(Ok(None));
    };
    let values = scratch.values(at, &template.references())?;
    let rendered = template.render(&values.scope());
    let kept = rendered.map_err(|error| expression_failure(&error));
    Ok(kept.and_then(|value| scratch.keep(value)).map(Some))
}
