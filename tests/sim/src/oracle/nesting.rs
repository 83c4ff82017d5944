//! Which op stands in which branch of which split: worked out from the ways of a Program that
//! verifies, for whoever reads a log.

use super::visits::{in_loops, op_of};
use lattice_ir::{JoinPolicy, OpKind, Program, SplitBranch};
use lattice_model::{BranchId, OpId, StageId};
use std::collections::{BTreeMap, BTreeSet};

/// A split and its join.
#[derive(Debug, Clone)]
pub struct Fan {
    /// The stage of the join.
    pub join: StageId,
    /// The op of the join.
    pub join_op: OpId,
    /// What the join waits for.
    pub policy: JoinPolicy,
    /// The branches as they were drawn.
    pub branches: Vec<SplitBranch>,
}

/// Where every op of a Program stands.
#[derive(Debug, Clone, Default)]
pub struct Nesting {
    /// The splits, by the stage of the split.
    pub fans: BTreeMap<StageId, Fan>,
    /// The ops that a way leads back to. No split and no join is one.
    pub loops: BTreeSet<OpId>,
    /// By the first visit of an op: later ones stand where it does.
    around: BTreeMap<StageId, Vec<BranchId>>,
    places: BTreeMap<BranchId, (StageId, usize)>,
}

impl Nesting {
    /// Where the ops of the Program stand.
    pub fn of(program: &Program) -> Self {
        let mut nesting = Self {
            loops: in_loops(program),
            ..Self::default()
        };
        let entries = program.triggers.iter().map(|trigger| trigger.entry);
        let entries = entries.chain([program.entry]);
        let mut left: Vec<(OpId, Vec<BranchId>)> =
            entries.map(|entry| (entry, Vec::new())).collect();
        while let Some((at, around)) = left.pop() {
            let Some(op) = program.ops.get(at.index()) else {
                continue;
            };
            let stage = StageId::new(&op.name);
            if nesting.around.contains_key(&stage) {
                continue;
            }
            let out = nesting.join_around(&around);
            if let OpKind::Split(split) = &op.kind {
                nesting.add(program, &stage, split);
                for (index, branch) in (0..).zip(&split.branches) {
                    let mut inside = around.clone();
                    inside.push(BranchId::of(&stage, index));
                    if branch.way.to != split.join {
                        left.push((branch.way.to, inside));
                    }
                }
                left.push((split.join, around.clone()));
            } else {
                let targets = op.kind.targets().into_iter();
                let targets = targets.filter(|to| Some(*to) != out);
                left.extend(targets.map(|to| (to, around.clone())));
            }
            nesting.around.insert(stage, around);
        }
        nesting
    }

    fn add(&mut self, program: &Program, stage: &StageId, split: &lattice_ir::Split) {
        let Some(op) = program.ops.get(split.join.index()) else {
            return;
        };
        let OpKind::Join(join) = &op.kind else {
            return;
        };
        for (place, _) in split.branches.iter().enumerate() {
            let index = u32::try_from(place).unwrap_or(u32::MAX);
            let id = BranchId::of(stage, index);
            self.places.insert(id, (stage.clone(), place));
        }
        let fan = Fan {
            join: StageId::new(&op.name),
            join_op: split.join,
            policy: join.policy,
            branches: split.branches.clone(),
        };
        self.fans.insert(stage.clone(), fan);
    }

    fn join_around(&self, around: &[BranchId]) -> Option<OpId> {
        let (split, _) = self.places.get(around.last()?)?;
        self.fans.get(split).map(|fan| fan.join_op)
    }

    /// The branches around a stage, the outermost first.
    pub fn around(&self, stage: &StageId) -> &[BranchId] {
        let first = StageId::new(op_of(stage.as_str()));
        self.around.get(&first).map_or(&[], Vec::as_slice)
    }

    /// The branch that a stage stands in directly.
    pub fn branch_of(&self, stage: &StageId) -> Option<&BranchId> {
        self.around(stage).last()
    }

    /// The split of a branch, and the branch's place.
    pub fn place(&self, branch: &BranchId) -> Option<(&StageId, &Fan, usize)> {
        let (split, place) = self.places.get(branch)?;
        let fan = self.fans.get(split)?;
        Some((split, fan, *place))
    }

    /// The split that a join waits for.
    pub fn split_of(&self, join: &StageId) -> Option<(&StageId, &Fan)> {
        self.fans.iter().find(|(_, fan)| fan.join == *join)
    }

    /// Whether a stage stands in one of the branches of a split, or in a branch inside them.
    pub fn is_inside(&self, stage: &StageId, split: &StageId) -> bool {
        let mut around = self.around(stage).iter();
        around.any(|branch| self.places.get(branch).is_some_and(|(of, _)| of == split))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::Nesting;
    use crate::oracle::shapes::shapes;
    use lattice_model::{BranchId, StageId};

    #[test]
    fn an_op_stands_in_all_the_branches_around_it() {
        let mut shapes = shapes().into_iter();
        let nested = shapes.find(|shape| shape.name == "nested_splits").unwrap();
        let nesting = Nesting::of(&nested.program);
        let around = |stage: &str| -> Vec<String> {
            let around = nesting.around(&StageId::new(stage)).iter();
            around.map(BranchId::to_string).collect()
        };
        assert_eq!(around("inner-b"), ["outer/1", "inner/1"]);
        assert_eq!(around("inner.join"), ["outer/1"]);
        assert_eq!(around("outer.join"), Vec::<String>::new());
        assert!(nesting.is_inside(&StageId::new("inner-b"), &StageId::new("outer")));
        assert!(!nesting.is_inside(&StageId::new("inner.join"), &StageId::new("inner")));
    }
}
