//! End: the run has an output and is over.

use super::expression_failure;
use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use lattice_ir::PlannedOp;
use lattice_journal::payload::RunCompleted;

pub(crate) fn visit(
    scratch: &mut Scratch<'_>,
    at: &At,
    planned: &PlannedOp,
) -> Result<(), DecideError> {
    let PlannedOp::End(template) = planned else {
        return Err(DecideError::UnknownOp(at.stage.clone()));
    };
    let values = scratch.values(at, &template.references())?;
    let rendered = template
        .render(&values.scope())
        .map_err(|error| expression_failure(&error));
    match rendered.and_then(|value| scratch.keep(value)) {
        Ok(output) => {
            scratch.complete_stage(at, Some(output.clone()), None, None)?;
            let totals = scratch.state.totals;
            scratch.push(RunCompleted { output, totals });
            Ok(())
        }
        Err(failure) => scratch.fail_stage(at, 0, failure, None),
    }
}
