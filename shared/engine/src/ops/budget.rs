//! Asks the budget before anything is claimed.

use crate::budget::{Leave, needed};
use crate::scratch::{At, Scratch};
use lattice_ir::ModelRequest;
use lattice_journal::payload::StageHeld;
use lattice_journal::{Budget, Failure, FailureKind};
use lattice_model::{Guard, limits};

/// What the budget says.
pub(crate) enum Allowed {
    /// The claim may be made, and reserves so many tokens; none without a budget.
    Yes { reserved: Option<u64> },
    /// The stage is held until others have given back what they reserved.
    Later,
    /// The call does not fit what is left, even if nothing were reserved.
    Never(Failure),
}

/// Whether the next attempt of a call may be claimed, behind so many attempts in this epoch.
pub(crate) fn allow(
    scratch: &mut Scratch<'_>,
    at: &At,
    (attempt, epoch): (u32, u32),
    request: &mut ModelRequest,
) -> Allowed {
    let Some(spending) = &scratch.state.spending else {
        return Allowed::Yes { reserved: None };
    };
    let ceiling = &mut request.max_output_tokens;
    ceiling.get_or_insert(limits::BUDGET_OUTPUT_TOKENS_DEFAULT);
    let needed = needed(request);
    let usage = scratch.state.totals.usage;
    match spending.leave(usage, &at.stage, needed) {
        Leave::Never => {
            let (tokens, used) = (spending.budget.tokens, spending.used(usage));
            let reserved = spending.reserved();
            let message = format!(
                "the budget is {tokens} tokens, {used} are used, {reserved} are reserved, and the \
                 call may need {needed}"
            );
            Allowed::Never(Failure::new(FailureKind::Budget, message))
        }
        // INVARIANT: what a call may use is reserved with its claim, so that no two claims count on
        // the same tokens (Guard::BudgetReserved).
        Leave::Wait if scratch.input.guards.on(Guard::BudgetReserved) => {
            hold(scratch, at, (attempt, epoch), needed);
            Allowed::Later
        }
        Leave::Wait | Leave::Go => {
            scratch.resume();
            Allowed::Yes {
                reserved: Some(needed),
            }
        }
    }
}

/// What a called run may use: what is left, or its workflow's own budget if that is smaller. `Err` =
/// nothing is left before others have given back what they reserved: the stage is held.
pub(crate) fn allot(
    scratch: &mut Scratch<'_>,
    at: &At,
    own: Option<Budget>,
) -> Result<Option<u64>, ()> {
    let Some(spending) = &scratch.state.spending else {
        return Ok(None);
    };
    let usage = scratch.state.totals.usage;
    let least = 1;
    let waits = spending.leave(usage, &at.stage, least) == Leave::Wait;
    if waits && scratch.input.guards.on(Guard::BudgetReserved) {
        hold(scratch, at, (0, 0), least);
        return Err(());
    }
    let left = spending.left(usage);
    scratch.resume();
    Ok(Some(own.map_or(left, |own| own.tokens.min(left))))
}

/// What one of so many batches that can still begin beside each other may use: an equal part of what
/// is left.
pub(crate) fn share(scratch: &Scratch<'_>, batches: usize) -> Option<u64> {
    let spending = scratch.state.spending.as_ref()?;
    let left = spending.left(scratch.state.totals.usage);
    Some(left / batches.max(1) as u64)
}

fn hold(scratch: &mut Scratch<'_>, at: &At, (attempt, epoch): (u32, u32), needed: u64) {
    scratch.push(StageHeld {
        stage: at.stage.clone(),
        attempt,
        epoch,
        needed,
    });
}
