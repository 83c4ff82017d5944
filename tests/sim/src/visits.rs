//! Which visit of its op each stage of a log is, and what no log may say of visits.

use crate::oracle::Nesting;
use crate::oracle::visits::{item_of, stage_of};
use lattice_ir::{OpKind, Program};
use lattice_journal::EventBody;
use lattice_journal::payload::StageRef;
use lattice_model::{OpId, StageId};
use std::collections::{BTreeMap, BTreeSet};

/// The visits of a run, as its log stands.
#[derive(Debug, Default)]
pub struct Visits {
    /// By the op, and by the item that it belongs to.
    came: BTreeMap<(OpId, Option<u32>), u32>,
    /// Stages that are one visit too many of their op.
    beyond: BTreeSet<StageId>,
}

impl Visits {
    /// Takes an event, and gives everything that is wrong with it.
    pub fn take(&mut self, body: &EventBody, program: &Program, nesting: &Nesting) -> Vec<String> {
        let acts = |stage: &StageId, what: &str| {
            let is_beyond = self.beyond.contains(stage);
            is_beyond.then(|| format!("`{stage}` {what} and is one visit too many"))
        };
        let acted = match body {
            EventBody::StageStarted(started) => acts(&started.stage, "was claimed"),
            EventBody::WaitOpened(wait) => acts(&wait.stage, "waits"),
            EventBody::VariableSet(set) => acts(&set.stage, "set a variable"),
            EventBody::StageCompleted(done) => acts(&done.stage, "completed"),
            _ => None,
        };
        let item = |stage: &StageId| item_of(stage.as_str());
        let next = match body {
            EventBody::RunQueued(queued) => Some((&queued.entry, None)),
            EventBody::StageCompleted(done) => {
                let next = done.next.as_ref();
                next.map(|next| (next, item(&done.stage)))
            }
            EventBody::StageFailed(failed) => {
                let next = failed.next.as_ref();
                next.map(|next| (next, item(&failed.stage)))
            }
            EventBody::BranchStarted(began) if began.item => {
                Some((&began.entry, Some(began.index)))
            }
            EventBody::BranchStarted(began) => Some((&began.entry, item(&began.split))),
            EventBody::MapStarted(started) => Some((&started.gather, None)),
            _ => None,
        };
        let misnamed = next.and_then(|next| self.come(next, program, nesting));
        acted.into_iter().chain(misnamed).collect()
    }

    /// The next visit of an op has the next number. A branch that arrives at its join is no
    /// visit, nor is an item that arrives at its gather.
    fn come(
        &mut self,
        (next, item): (&StageRef, Option<u32>),
        program: &Program,
        nesting: &Nesting,
    ) -> Option<String> {
        let Some(op) = program.ops.get(next.op.index()) else {
            return Some(format!("`{}` is a stage of no op", next.stage));
        };
        let is_join = matches!(op.kind, OpKind::Join(_) | OpKind::Gather(_));
        let item = item.filter(|_| nesting.is_in_body(&op.name));
        let came = self.came.entry((next.op, item)).or_default();
        if !is_join {
            *came = came.saturating_add(1);
        }
        let visit = (*came).max(1);
        let right = StageRef {
            stage: StageId::new(stage_of(&op.name, item, visit)),
            op: next.op,
            visit: nesting.loops.contains(&next.op).then_some(visit),
        };
        if op.visits_max.is_some_and(|max| visit > max) {
            self.beyond.insert(right.stage.clone());
        }
        (*next != right).then(|| format!("a visit is {next:?} and should be {right:?}"))
    }
}
