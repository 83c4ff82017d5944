//! Folds what happens to branches into the state.

use crate::evolve::{change, open};
use crate::state::{Branch, Phase, RunState, Stage};
use lattice_journal::payload::{BranchEnded, BranchStarted, JoinFired};
use lattice_model::{BranchId, Seq};
use std::collections::BTreeMap;

/// A branch begins, and with the first one its join stands open.
pub(crate) fn start(state: &mut RunState, started: &BranchStarted) {
    let branch = Branch {
        split: started.split.clone(),
        index: started.index,
        outer: started.outer.clone(),
        due_at: started.due_at,
        variables: BTreeMap::new(),
        outputs: BTreeMap::new(),
        last: None,
        end: None,
    };
    state.branches.insert(started.branch.clone(), branch);
    let join = Stage {
        op: started.join.op,
        branch: started.outer.clone(),
        phase: Phase::Joining {
            split: started.split.clone(),
        },
    };
    let stages = &mut state.stages;
    stages.entry(started.join.stage.clone()).or_insert(join);
    open(state, Some(started.branch.clone()), Some(&started.entry));
}

/// A branch is over. Splits inside it were skipped before: their branches go with it.
pub(crate) fn end(state: &mut RunState, seq: Seq, ended: &BranchEnded) {
    drop_inside(state, &ended.branch);
    if let Some(branch) = state.branches.get_mut(&ended.branch) {
        branch.end = Some((seq, ended.outcome.clone()));
    }
}

/// A join is decided: its branches are gone, and what they changed stands where the split does.
pub(crate) fn join(state: &mut RunState, fired: &JoinFired) {
    let branches = state.branches_of(&fired.split);
    let ids: Vec<BranchId> = branches.into_iter().map(|(id, _)| id.clone()).collect();
    for id in &ids {
        drop_inside(state, id);
        state.branches.remove(id);
    }
    let outer = state.branch_of(&fired.stage).cloned();
    for (name, value) in &fired.variables {
        change(state, outer.as_ref(), name, value.clone());
    }
}

/// Forgets the branches that stand inside one.
fn drop_inside(state: &mut RunState, branch: &BranchId) {
    let ids = state.branches.keys();
    let is_inside = |id: &&BranchId| *id != branch && state.is_inside(Some(*id), branch);
    let inside: Vec<BranchId> = ids.filter(is_inside).cloned().collect();
    for id in inside {
        state.branches.remove(&id);
    }
}
