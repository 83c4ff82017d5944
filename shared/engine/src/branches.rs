//! Folds what happens to branches into the state.

use crate::evolve::{change, open};
use crate::mapping;
use crate::state::{Branch, Phase, RunState, Stage};
use lattice_journal::payload::{BranchEnded, BranchStarted, JoinFired};
use lattice_model::{BranchId, Millis, Seq, StageId};
use std::collections::BTreeMap;

/// A branch begins, and with the first one its join stands open.
pub(crate) fn start(state: &mut RunState, at: Millis, started: &BranchStarted) {
    let branch = Branch {
        split: started.split.clone(),
        index: started.index,
        outer: started.outer.clone(),
        due_at: started.due_at,
        variables: BTreeMap::new(),
        outputs: BTreeMap::new(),
        last: None,
        end: None,
        item: started.item,
        visits: BTreeMap::new(),
    };
    state.branches.insert(started.branch.clone(), branch);
    if started.item {
        return mapping::begin_item(state, at, started);
    }
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
    match state.branches.get_mut(&ended.branch) {
        Some(branch) if branch.item => {
            let item = branch.clone();
            mapping::end_item(state, &item, ended);
        }
        Some(branch) => branch.end = Some((seq, ended.outcome.clone())),
        None => {}
    }
}

/// The gather of a map is over, and with it every item that is open.
pub(crate) fn forget_items(state: &mut RunState, map: &StageId) {
    let items: Vec<BranchId> = state.open_items(map).map(|(id, _)| id.clone()).collect();
    for item in items {
        drop_inside(state, &item);
        state.branches.remove(&item);
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
