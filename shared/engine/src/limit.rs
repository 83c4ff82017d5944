//! The limit on runs that are open at once: its key, made when a run is queued, and what a run may
//! do before it has a place (protocol, rule 19).

use crate::fold_inbox::fold_inbox;
use crate::input::DecideError;
use crate::scratch::Scratch;
use crate::state::RunState;
use lattice_expr::{Part, Scope};
use lattice_ir::Plan;
use lattice_journal::{Failure, FailureKind, Limit, RunStatus};
use lattice_model::limits::KEY_CHARS_MAX;
use serde_json::Value;

impl RunState {
    /// The limit that stands between the run and its beginning, if one does.
    pub fn waits_for_place(&self) -> Option<&Limit> {
        let limit = self.limit.as_ref();
        limit.filter(|_| self.status == RunStatus::Queued)
    }
}

/// What a run with this input counts for. `Err` says why there is no telling.
pub(crate) fn of(plan: &Plan, input: &Value) -> Result<Option<Limit>, String> {
    let Some(concurrency) = &plan.program().concurrency else {
        return Ok(None);
    };
    let mut key = String::new();
    if let Some(template) = plan.limit_key() {
        let rendered = template.render(&Scope::of_input(input));
        let rendered = rendered.map_err(|error| error.to_string())?;
        for part in &rendered.parts {
            match part {
                Part::Text(text) => key.push_str(text),
                // INVARIANT: the key of a Plan refers to the input alone.
                Part::Secret(name) => return Err(format!("it refers to the secret `{name}`")),
            }
        }
        let chars = key.chars().count();
        if chars > KEY_CHARS_MAX {
            return Err(format!(
                "it has {chars} characters, the limit is {KEY_CHARS_MAX}"
            ));
        }
    }
    let max_runs = concurrency.max_runs;
    Ok(Some(Limit { key, max_runs }))
}

/// What a fork counts for: what the other run did, unless its input was changed.
pub(crate) fn of_fork(plan: &Plan, before: &RunState, begun: &RunState) -> Option<Limit> {
    match begun.input.inline().filter(|_| begun.input != before.input) {
        Some(input) => of(plan, input).ok().flatten(),
        None => before.limit.clone(),
    }
}

/// Why a run that is about to begin has to fail instead: its workflow has a limit, and the input gave
/// no key for it. A batch counts as a part of its map, whose run has a place.
pub(crate) fn keyless(scratch: &Scratch<'_>) -> Result<Option<Failure>, DecideError> {
    let state = &scratch.state;
    let counts = scratch.plan.program().concurrency.is_some() && state.batch.is_none();
    if !counts || state.limit.is_some() {
        return Ok(None);
    }
    let input = scratch.value(&state.input);
    let input = input.map_err(|hash| DecideError::NeedBlobs(vec![hash]))?;
    Ok(of(scratch.plan, &input).err().map(|reason| {
        let message = format!("the key of the limit on open runs cannot be made: {reason}");
        Failure::new(FailureKind::Expression, message)
    }))
}

/// What a run does that has no place yet: it takes in what it is told, and may be cancelled. Says
/// whether more was told.
pub(crate) fn stand_by(scratch: &mut Scratch<'_>) -> Result<bool, DecideError> {
    fold_inbox(scratch)?;
    if scratch.state.status.is_terminal() {
        return Ok(false);
    }
    if let Some(failure) = crate::decide::limit_reached(scratch) {
        scratch.fail_run(failure, None);
        return Ok(false);
    }
    Ok(crate::decide::has_unfolded(scratch))
}
