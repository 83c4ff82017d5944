//! Split: begins its branches at once.

use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use lattice_ir::Split;
use lattice_journal::payload::BranchStarted;
use lattice_model::{BranchId, limits};

/// Begins every branch; the commit has room for all of them.
pub(crate) fn visit(scratch: &mut Scratch<'_>, at: &At, op: &Split) -> Result<(), DecideError> {
    let join = scratch.way(at, op.join)?;
    for (index, branch) in (0..).zip(&op.branches) {
        let entry = scratch.way(at, branch.way.to)?;
        let due_at = branch.timeout_ms.map(|ms| scratch.input.at.plus(ms));
        scratch.push(BranchStarted {
            branch: BranchId::of(&at.stage, index),
            split: at.stage.clone(),
            index,
            outer: at.branch.clone(),
            entry,
            join: join.clone(),
            due_at,
            item: false,
        });
    }
    scratch.complete_stage(at, None, None, None)
}

/// Events of a split with the most branches, and its own end.
pub(crate) const EVENTS_MAX: usize = limits::SPLIT_BRANCHES_MAX + 1;
