//! Choice: goes the way of the first arm whose test holds.

use super::expression_failure;
use crate::input::DecideError;
use crate::scope::Values;
use crate::scratch::{At, Scratch};
use lattice_expr::ExprError;
use lattice_ir::{Choice, PlannedArm, PlannedOp, PlannedTest, Way};
use lattice_journal::{Failure, FailureKind};
use serde_json::Value;

pub(crate) fn visit(
    scratch: &mut Scratch<'_>,
    at: &At,
    op: &Choice,
    planned: &PlannedOp,
) -> Result<(), DecideError> {
    let PlannedOp::Choice(arms) = planned else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    let values = scratch.values(at, &planned.references())?;
    let taken = match first(arms, &values) {
        Ok(Some(way)) => Some(way),
        Ok(None) => op.otherwise.as_ref(),
        Err(error) => {
            return scratch.fail_stage(at, 0, expression_failure(&error), op.on_error);
        }
    };
    let Some(way) = taken else {
        let message = "no branch fits and there is no default branch";
        let failure = Failure::new(FailureKind::Expression, message);
        return scratch.fail_stage(at, 0, failure, op.on_error);
    };
    let port = way.port.clone();
    let output = match op
        .keeps_port
        .then(|| scratch.keep(Value::String(port.clone())))
    {
        Some(Err(failure)) => return scratch.fail_stage(at, 0, failure, op.on_error),
        Some(Ok(output)) => Some(output),
        None => None,
    };
    let to = Some(way.to);
    scratch.complete_stage(at, output, Some(port), to)
}

fn first<'a>(arms: &'a [PlannedArm], values: &Values) -> Result<Option<&'a Way>, ExprError> {
    let scope = values.scope();
    for arm in arms {
        let holds = match &arm.test {
            PlannedTest::Cel(condition) => condition.evaluate(&scope)?,
            PlannedTest::Equals(target, value) => target.render_value(&scope)? == *value,
        };
        if holds {
            return Ok(Some(&arm.way));
        }
    }
    Ok(None)
}
