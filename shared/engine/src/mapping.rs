//! The items of a map: how far they are, and which come next.

use crate::evolve::open;
use crate::state::{Branch, Child, Phase, RunState, Stage};
use lattice_journal::ValueRef;
use lattice_journal::payload::{
    Batch, BranchEnded, BranchOutcome, BranchStarted, MapStarted, Pace,
};
use lattice_model::{BranchId, Millis, OpId, StageId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The items of a map whose gather waits for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mapping {
    /// The visit of the map.
    pub map: StageId,
    /// Its op.
    pub op: OpId,
    /// The items.
    pub items: ValueRef,
    /// The place of the first of them in the whole list.
    pub first: u32,
    /// How many they are.
    pub count: u32,
    /// Whether each batch is a run of its own.
    pub runs: bool,
    /// How they go.
    pub pace: Pace,
    /// How many began.
    pub begun: u32,
    /// When the last batch began.
    pub begun_at: Option<Millis>,
    /// What came of each item, or the list of a batch, in the order of their places in the whole
    /// list.
    pub results: Vec<(u32, ValueRef)>,
    /// Batches of a fork that have begun before and begin anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again: Vec<Batch>,
}

/// The items that a run is there for, which is a batch of a map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnItems {
    /// The map.
    pub op: OpId,
    /// The place of the first one in the whole list.
    pub first: u32,
    /// The items.
    pub items: ValueRef,
}

/// What can be done for a map now.
pub(crate) enum MapStep {
    /// The next item, or the next batch, begins.
    Begin,
    /// Nothing before this moment.
    Pause(Millis),
    /// Nothing before something ends.
    Full,
    /// All items are over.
    Over,
}

impl Mapping {
    /// Whether an item that begins now is the first one of its batch.
    pub(crate) fn is_at_batch(&self) -> bool {
        self.begun.is_multiple_of(self.pace.batch_size.max(1))
    }
}

impl RunState {
    /// The gathers that wait, and for what.
    pub fn mappings(&self) -> impl Iterator<Item = (&StageId, &Mapping)> {
        self.stages
            .iter()
            .filter_map(|(id, stage)| match &stage.phase {
                Phase::Mapping(mapping) => Some((id, mapping)),
                _ => None,
            })
    }

    /// The gather that waits for the items of a visit of a map.
    pub fn mapping_of(&self, map: &StageId) -> Option<(&StageId, &Mapping)> {
        self.mappings().find(|(_, mapping)| mapping.map == *map)
    }

    /// The item that a branch is, or stands in.
    pub(crate) fn item_around(&self, branch: Option<&BranchId>) -> Option<&Branch> {
        let mut around = self.around(branch).map(|(_, branch)| branch);
        around.find(|branch| branch.item)
    }

    /// How often an op was visited, as a stage in the branch counts: each item counts for itself.
    pub(crate) fn visits_of(&self, branch: Option<&BranchId>, op: OpId) -> Option<u32> {
        let item = self.item_around(branch);
        let visits = item.map_or(&self.visits, |item| &item.visits);
        visits.get(&op).copied()
    }

    /// The open items of a map.
    pub(crate) fn open_items(&self, map: &StageId) -> impl Iterator<Item = (&BranchId, &Branch)> {
        let branches = self.branches.iter();
        branches.filter(move |(_, branch)| branch.item && branch.split == *map)
    }

    /// The open batches of a map that are runs of their own.
    pub(crate) fn open_batches(&self, map: &StageId) -> impl Iterator<Item = &StageId> {
        let batches = self.children().filter(move |(_, child)| {
            let batch = child.batch.as_ref();
            batch.is_some_and(|batch| batch.map == *map)
        });
        batches.map(|(stage, _)| stage)
    }

    /// What can be done for a map now.
    pub(crate) fn map_step(&self, mapping: &Mapping) -> MapStep {
        let pace = mapping.pace;
        let (items, batches) = match mapping.runs {
            true => (0, self.open_batches(&mapping.map).count()),
            false => {
                let open = || self.open_items(&mapping.map).map(|(_, item)| item.index);
                let batch =
                    |index: u32| index.saturating_sub(mapping.first) / pace.batch_size.max(1);
                let batches: BTreeSet<u32> = open().map(batch).collect();
                (open().count(), batches.len())
            }
        };
        if !mapping.again.is_empty() {
            return match batches < pace.batches_at_once as usize {
                true => MapStep::Begin,
                false => MapStep::Full,
            };
        }
        if mapping.begun >= mapping.count {
            return match items + batches {
                0 => MapStep::Over,
                _ => MapStep::Full,
            };
        }
        if items >= pace.items_at_once as usize {
            return MapStep::Full;
        }
        if !mapping.is_at_batch() {
            return MapStep::Begin;
        }
        match mapping.begun_at {
            _ if batches >= pace.batches_at_once as usize => MapStep::Full,
            Some(at) if pace.pause_ms > 0 => MapStep::Pause(at.plus(pace.pause_ms)),
            _ => MapStep::Begin,
        }
    }

    /// When a map may begin its next batch, if only the pause between batches keeps it from that.
    pub fn pause_ends_at(&self, mapping: &Mapping) -> Option<Millis> {
        match self.map_step(mapping) {
            MapStep::Pause(until) => Some(until),
            _ => None,
        }
    }

    fn mapping_mut(&mut self, gather: &StageId) -> Option<&mut Mapping> {
        match self.stages.get_mut(gather).map(|stage| &mut stage.phase) {
            Some(Phase::Mapping(mapping)) => Some(mapping),
            _ => None,
        }
    }
}

/// A map has its list: its gather stands open.
pub(crate) fn start(state: &mut RunState, started: &MapStarted) {
    let mapping = Mapping {
        map: started.stage.clone(),
        op: started.op,
        items: started.items.clone(),
        first: started.first,
        count: started.count,
        runs: started.runs,
        pace: started.pace,
        begun: 0,
        begun_at: None,
        results: Vec::new(),
        again: Vec::new(),
    };
    let gather = Stage {
        op: started.gather.op,
        branch: state.branch_of(&started.stage).cloned(),
        phase: Phase::Mapping(mapping),
    };
    state.stages.insert(started.gather.stage.clone(), gather);
}

/// An item begins.
pub(crate) fn begin_item(state: &mut RunState, at: Millis, started: &BranchStarted) {
    begin(state, &started.join.stage, at, 1);
    open(state, Some(started.branch.clone()), Some(&started.entry));
}

/// A batch begins as a run of its own; its stage stands where the map does.
pub(crate) fn begin_batch(
    state: &mut RunState,
    at: Millis,
    (stage, op): (&StageId, OpId),
    batch: &Batch,
    child: Child,
) {
    let Some((gather, _)) = state.mapping_of(&batch.map) else {
        return;
    };
    let gather = gather.clone();
    if !begins_anew(state, &gather, batch) {
        begin(state, &gather, at, batch.count);
    }
    let branch = state.branch_of(&gather).cloned();
    let phase = Phase::Calling(child);
    let calling = Stage { op, branch, phase };
    state.stages.insert(stage.clone(), calling);
}

/// Whether a batch had begun in the run that this one was forked from.
fn begins_anew(state: &mut RunState, gather: &StageId, batch: &Batch) -> bool {
    let Some(mapping) = state.mapping_mut(gather) else {
        return false;
    };
    let before = mapping.again.len();
    mapping.again.retain(|again| again != batch);
    mapping.again.len() < before
}

fn begin(state: &mut RunState, gather: &StageId, at: Millis, count: u32) {
    if let Some(mapping) = state.mapping_mut(gather) {
        if mapping.is_at_batch() {
            mapping.begun_at = Some(at);
        }
        mapping.begun += count;
    }
}

/// An item is over: nothing but its result stays.
pub(crate) fn end_item(state: &mut RunState, item: &Branch, ended: &BranchEnded) {
    let result = match &ended.outcome {
        BranchOutcome::Completed { output } => output.clone(),
        BranchOutcome::Failed { failure, .. } => crate::failure_output(failure),
    };
    state.branches.remove(&ended.branch);
    keep(state, &item.split, item.index, result);
}

/// The results of a batch, or of one item.
pub(crate) fn keep(state: &mut RunState, map: &StageId, first: u32, result: ValueRef) {
    let gather = state.mapping_of(map).map(|(gather, _)| gather.clone());
    if let Some(mapping) = gather.and_then(|gather| state.mapping_mut(&gather)) {
        let before = |(place, _): &(u32, ValueRef)| *place < first;
        let place = mapping.results.partition_point(before);
        mapping.results.insert(place, (first, result));
    }
}
