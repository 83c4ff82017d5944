//! Which op stands in which branch of which split, and in the body of which map: worked out from the
//! ways of a Program that verifies, for whoever reads a log.

use super::visits::{in_loops, item_of, map_of_batch, op_of, within};
use lattice_ir::{JoinPolicy, Map, OpKind, Program, Split, SplitBranch};
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

/// A map and its gather.
#[derive(Debug, Clone)]
pub struct Body {
    /// The stage of the gather.
    pub gather: StageId,
    /// The op of the map.
    pub op: OpId,
    /// The map.
    pub map: Map,
}

/// Where every op of a Program stands.
#[derive(Debug, Clone, Default)]
pub struct Nesting {
    /// The ops that a way leads back to. No split, no map, and neither join nor gather is one.
    pub loops: BTreeSet<OpId>,
    /// The splits and the maps, by the names of their ops.
    fans: BTreeMap<String, Fan>,
    bodies: BTreeMap<String, Body>,
    /// By the name of an op, what is around it: the op, and which of its branches.
    around: BTreeMap<String, Vec<(String, u32)>>,
}

impl Nesting {
    /// Where the ops of the Program stand.
    pub fn of(program: &Program) -> Self {
        let entries = program.triggers.iter().map(|trigger| trigger.entry);
        Self::from(program, entries.chain([program.entry]))
    }

    /// Where the ops of a run stand that is a batch of a map: nothing is around the map.
    pub fn of_batch(program: &Program, map: OpId) -> Self {
        Self::from(program, [map])
    }

    fn from(program: &Program, entries: impl IntoIterator<Item = OpId>) -> Self {
        let mut nesting = Self {
            loops: in_loops(program),
            ..Self::default()
        };
        let entries = entries.into_iter();
        let mut left: Vec<(OpId, Vec<(String, u32)>)> =
            entries.map(|entry| (entry, Vec::new())).collect();
        while let Some((at, around)) = left.pop() {
            let Some(op) = program.ops.get(at.index()) else {
                continue;
            };
            if nesting.around.contains_key(&op.name) {
                continue;
            }
            let out = nesting.end_around(program, &around);
            let inside = |index: u32| {
                let mut inside = around.clone();
                inside.push((op.name.clone(), index));
                inside
            };
            match &op.kind {
                OpKind::Split(split) => {
                    nesting.add(program, &op.name, split);
                    for (index, branch) in (0..).zip(&split.branches) {
                        if branch.way.to != split.join {
                            left.push((branch.way.to, inside(index)));
                        }
                    }
                    left.push((split.join, around.clone()));
                }
                OpKind::Map(map) => {
                    nesting.add_map(program, at, map);
                    if map.way.to != map.gather {
                        left.push((map.way.to, inside(0)));
                    }
                    left.push((map.gather, around.clone()));
                    left.extend(map.on_error.map(|to| (to, around.clone())));
                }
                kind => {
                    let targets = kind.targets().into_iter();
                    let targets = targets.filter(|to| Some(*to) != out);
                    left.extend(targets.map(|to| (to, around.clone())));
                }
            }
            nesting.around.insert(op.name.clone(), around);
        }
        nesting
    }

    fn add(&mut self, program: &Program, name: &str, split: &Split) {
        let Some(op) = program.ops.get(split.join.index()) else {
            return;
        };
        let OpKind::Join(join) = &op.kind else {
            return;
        };
        let fan = Fan {
            join: StageId::new(&op.name),
            join_op: split.join,
            policy: join.policy,
            branches: split.branches.clone(),
        };
        self.fans.insert(name.to_owned(), fan);
    }

    fn add_map(&mut self, program: &Program, at: OpId, map: &Map) {
        let name = |op: OpId| program.ops.get(op.index()).map(|op| op.name.clone());
        if let (Some(name), Some(gather)) = (name(at), name(map.gather)) {
            let body = Body {
                gather: StageId::new(gather),
                op: at,
                map: map.clone(),
            };
            self.bodies.insert(name, body);
        }
    }

    /// The op at which the innermost of what is around is over.
    fn end_around(&self, program: &Program, around: &[(String, u32)]) -> Option<OpId> {
        let (name, _) = around.last()?;
        let op = program.ops.iter().find(|op| op.name == *name)?;
        match &op.kind {
            OpKind::Split(split) => Some(split.join),
            OpKind::Map(map) => Some(map.gather),
            _ => None,
        }
    }

    /// Whether an op of this name stands in the body of a map.
    pub fn is_in_body(&self, op: &str) -> bool {
        let around = self.around.get(op).into_iter().flatten();
        let mut around = around.map(|(name, _)| name);
        around.any(|name| self.bodies.contains_key(name))
    }

    /// The stage of an op as another stage that leads there knows it.
    fn as_seen(&self, op: &str, from: &str) -> StageId {
        let item = item_of(from).filter(|_| self.is_in_body(op));
        StageId::new(within(op, item))
    }

    /// The split that a stage is.
    pub fn fan(&self, split: &StageId) -> Option<Fan> {
        let fan = self.fans.get(op_of(split.as_str()))?;
        let join = self.as_seen(fan.join.as_str(), split.as_str());
        Some(Fan {
            join,
            ..fan.clone()
        })
    }

    /// The map that a stage is.
    pub fn body(&self, map: &StageId) -> Option<&Body> {
        self.bodies.get(map.as_str())
    }

    /// The branches and items around a stage, the outermost first.
    pub fn around(&self, stage: &StageId) -> Vec<BranchId> {
        let stage = stage.as_str();
        let op = map_of_batch(stage).filter(|map| self.bodies.contains_key(*map));
        let around = self.around.get(op.unwrap_or(op_of(stage)));
        let around = around.into_iter().flatten();
        let ids = around.map(|(name, index)| match self.bodies.contains_key(name) {
            // A stage of no item stands in an item that there is not.
            true => BranchId::of(&StageId::new(name), item_of(stage).unwrap_or(u32::MAX)),
            false => BranchId::of(&self.as_seen(name, stage), *index),
        });
        ids.collect()
    }

    /// The branch or the item that a stage stands in directly.
    pub fn branch_of(&self, stage: &StageId) -> Option<BranchId> {
        self.around(stage).pop()
    }

    /// The split of a branch, and the branch's place.
    pub fn place(&self, branch: &BranchId) -> Option<(StageId, Fan, usize)> {
        let (split, place) = branch.as_str().rsplit_once('/')?;
        let (split, place) = (StageId::new(split), place.parse().ok()?);
        let fan = self.fan(&split)?;
        (place < fan.branches.len()).then_some((split, fan, place))
    }

    /// The map of an item, and the item's place in the whole list.
    pub fn item(&self, branch: &BranchId) -> Option<(StageId, &Body, u32)> {
        let (map, index) = branch.as_str().rsplit_once('/')?;
        let body = self.bodies.get(map)?;
        Some((StageId::new(map), body, index.parse().ok()?))
    }

    /// The stage in which a branch or an item ends.
    pub fn end_of(&self, branch: &BranchId) -> Option<StageId> {
        let join = self.place(branch).map(|(_, fan, _)| fan.join);
        join.or_else(|| Some(self.item(branch)?.1.gather.clone()))
    }

    /// The split that a join waits for.
    pub fn split_of(&self, join: &StageId) -> Option<(StageId, Fan)> {
        let name = op_of(join.as_str());
        let found = self.fans.iter().find(|(_, fan)| fan.join.as_str() == name);
        let split = self.as_seen(found?.0, join.as_str());
        let fan = self.fan(&split)?;
        Some((split, fan))
    }

    /// The map that a gather waits for.
    pub fn map_of(&self, gather: &StageId) -> Option<(StageId, &Body)> {
        let mut bodies = self.bodies.iter();
        let (map, body) = bodies.find(|(_, body)| body.gather == *gather)?;
        Some((StageId::new(map), body))
    }

    /// Whether a stage stands in one of the branches of a split, or among the items of a map, or in
    /// a branch inside them.
    pub fn is_inside(&self, stage: &StageId, split: &StageId) -> bool {
        let around = self.around(stage);
        let mut names = around.iter().filter_map(|id| id.as_str().rsplit_once('/'));
        names.any(|(name, _)| name == split.as_str())
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
            let around = nesting.around(&StageId::new(stage));
            around.iter().map(BranchId::to_string).collect()
        };
        assert_eq!(around("inner-b"), ["outer/1", "inner/1"]);
        assert_eq!(around("inner.join"), ["outer/1"]);
        assert_eq!(around("outer.join"), Vec::<String>::new());
        assert!(nesting.is_inside(&StageId::new("inner-b"), &StageId::new("outer")));
        assert!(!nesting.is_inside(&StageId::new("inner.join"), &StageId::new("inner")));
    }
}
