//! What the second event of a fork says: where it comes from, and how far the other run was there.
//! Stored for ever, like the other payloads. It is an event of its own, in the same commit as
//! `run.queued`: a build that does not know forks refuses it, where it would pass over a field and
//! begin the run from its entry.

use crate::map::{Batch, Pace};
use crate::outcome::BranchOutcome;
use crate::value::ValueRef;
use lattice_model::{BranchId, Hash, InboxId, Millis, NodeId, OpId, RunId, Seq, StageId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
            #[serde(rename_all = "camelCase")]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
        )*
    };
}

parts! {
    /// Where a fork comes from.
    ForkedFrom {
        /// The run that it was forked from.
        run: RunId,
        /// The last event of that run that counts in the fork.
        seq: Seq,
        /// The event that was named, if it stands in the middle of a step that `seq` stands before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        named: Option<Seq>,
        /// The hash of that run's state there, before anything was set.
        state_hash: Hash,
    }
    /// A fork begins with what another run was. Its input and its variables stand in `run.queued`.
    RunForked {
        /// Where it comes from.
        from: ForkedFrom,
        /// The hash of what was asked for, so that a repeated request is known.
        request: Hash,
        /// The paths of the values that were set.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        set: BTreeSet<String>,
        /// What nodes gave before.
        outputs: BTreeMap<NodeId, ValueRef>,
        /// The stages that were open; what was under way at them begins anew.
        stages: BTreeMap<StageId, ForkedStage>,
        /// The branches whose join was not decided, and the items of maps that were not over.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        branches: BTreeMap<BranchId, ForkedBranch>,
        /// Nodes of decided branches that asked.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        asked: BTreeSet<NodeId>,
        /// How often each op that stands in a loop was visited, outside of items.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        visits: BTreeMap<OpId, u32>,
        /// Answers that had come before their question.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        early: Vec<EarlyAnswer>,
    }
    /// A stage that was open.
    ForkedStage {
        /// The op it visits.
        op: OpId,
        /// The branch that it stands in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<BranchId>,
        /// What it waits for, if it is a join or a gather; any other stage is visited anew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gathers: Option<Gathers>,
    }
    /// A gather that was open.
    ForkedMap {
        /// The visit of the map.
        map: StageId,
        /// Its op.
        op: OpId,
        /// The items.
        items: ValueRef,
        /// The place of the first of them in the whole list.
        first: u32,
        /// How many they are.
        count: u32,
        /// Whether each batch is a run of its own.
        runs: bool,
        /// How they go.
        pace: Pace,
        /// How many had begun.
        begun: u32,
        /// What came of each item, or of a batch, by its place in the whole list.
        results: Vec<(u32, ValueRef)>,
        /// The batches that were under way as runs: each is begun anew.
        again: Vec<Batch>,
    }
    /// A branch whose join was not decided.
    ForkedBranch {
        /// The visit of the split.
        split: StageId,
        /// Its place among the branches.
        index: u32,
        /// The branch that the split stands in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outer: Option<BranchId>,
        /// When it has to be over; its time begins anew with the fork.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due_at: Option<Millis>,
        /// The variables that it changed; `null` = deleted.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        variables: BTreeMap<String, Option<ValueRef>>,
        /// What its nodes gave.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<NodeId, ValueRef>,
        /// What was given last in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<ValueRef>,
        /// How it ended, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<BranchOutcome>,
        /// Whether it is an item of a map.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        item: bool,
        /// How often each op that stands in a loop was visited, if it is an item.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        visits: BTreeMap<OpId, u32>,
    }
    /// An answer that had come before its question.
    EarlyAnswer {
        /// The item of the other run's inbox.
        inbox: InboxId,
        /// The node it is for.
        node: NodeId,
        /// The answer.
        value: ValueRef,
    }
}

/// What an open join or gather waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Gathers {
    /// A join: the branches of a split.
    Branches {
        /// The visit of the split.
        split: StageId,
    },
    /// A gather: the items of a map.
    Items(ForkedMap),
}

impl RunForked {
    /// Every value that it refers to.
    pub fn values(&self) -> impl Iterator<Item = &ValueRef> {
        let stages = self.stages.values();
        let maps = stages.filter_map(|stage| match &stage.gathers {
            Some(Gathers::Items(map)) => Some(map),
            _ => None,
        });
        let branches = self.branches.values().flat_map(ForkedBranch::values);
        let early = self.early.iter().map(|early| &early.value);
        let outputs = self.outputs.values();
        outputs
            .chain(maps.flat_map(ForkedMap::values))
            .chain(branches)
            .chain(early)
    }
}

impl ForkedMap {
    fn values(&self) -> impl Iterator<Item = &ValueRef> {
        let results = self.results.iter().map(|(_, result)| result);
        std::iter::once(&self.items).chain(results)
    }
}

impl ForkedBranch {
    fn values(&self) -> impl Iterator<Item = &ValueRef> {
        let end = match &self.end {
            Some(BranchOutcome::Completed { output }) => Some(output),
            _ => None,
        };
        let variables = self.variables.values().flatten();
        let outputs = self.outputs.values().chain(&self.last);
        variables.chain(outputs).chain(end)
    }
}
