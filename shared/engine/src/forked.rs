//! Folds the beginning of a fork into the state.

use crate::mapping::Mapping;
use crate::state::{Branch, Buffered, Phase, RunState, Stage};
use lattice_journal::fork::{ForkedMap, Gathers, RunForked};

/// Folds the beginning of a fork: what the other run was. Totals and budget begin at nothing.
pub(crate) fn restore(state: &mut RunState, forked: &RunForked) {
    // What `run.queued` opened is where a run begins that is no fork.
    state.stages.clear();
    state.forked_from = Some(forked.from.clone());
    state.outputs = forked.outputs.clone();
    state.asked = forked.asked.clone();
    state.visits = forked.visits.clone();
    let early = forked.early.iter().map(|early| Buffered {
        inbox: early.inbox.clone(),
        node: early.node.clone(),
        value: early.value.clone(),
    });
    state.buffered = early.collect();
    let seq = state.seq;
    for (id, branch) in &forked.branches {
        let branch = branch.clone();
        let restored = Branch {
            split: branch.split,
            index: branch.index,
            outer: branch.outer,
            due_at: branch.due_at,
            variables: branch.variables,
            outputs: branch.outputs,
            last: branch.last,
            end: branch.end.map(|outcome| (seq, outcome)),
            item: branch.item,
            visits: branch.visits,
        };
        state.branches.insert(id.clone(), restored);
    }
    for (id, stage) in &forked.stages {
        let phase = match &stage.gathers {
            None => Phase::Ready,
            Some(Gathers::Branches { split }) => Phase::Joining {
                split: split.clone(),
            },
            Some(Gathers::Items(map)) => Phase::Mapping(mapping(map)),
        };
        let (op, branch) = (stage.op, stage.branch.clone());
        let restored = Stage { op, branch, phase };
        state.stages.insert(id.clone(), restored);
    }
}

fn mapping(map: &ForkedMap) -> Mapping {
    Mapping {
        map: map.map.clone(),
        op: map.op,
        items: map.items.clone(),
        first: map.first,
        count: map.count,
        runs: map.runs,
        pace: map.pace,
        begun: map.begun,
        begun_at: None,
        results: map.results.clone(),
        again: map.again.clone(),
    }
}
