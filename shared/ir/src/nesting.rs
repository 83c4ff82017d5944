//! Which ops stand in which branch of which split. A split and its join enclose a part of the
//! Program that is entered only through the split and left only through the join; so do a map and
//! its gather, whose body counts as one branch.

use crate::program::{Op, OpKind, Program};
use crate::verify::VerifyError;
use lattice_model::{OpId, limits};
use std::collections::BTreeMap;

/// The branches around an op, the outermost first: a split, and a place among its branches.
type Around = Vec<(OpId, u32)>;

/// What is wrong with the nesting of a Program whose ways all lead to ops.
pub(crate) fn check(program: &Program) -> Vec<VerifyError> {
    let mut nesting = Nesting {
        program,
        around: vec![None; program.ops.len()],
        met: Vec::new(),
        errors: Vec::new(),
    };
    nesting.pair();
    let entries = program.triggers.iter().map(|trigger| trigger.entry);
    for entry in entries.chain([program.entry]) {
        nesting.come(entry, None, &Around::new());
    }
    while let Some(op) = nesting.met.pop() {
        nesting.leave(op);
    }
    if nesting.errors.is_empty() {
        nesting.check_width();
    }
    nesting.errors
}

/// How many stages can be open at once in a part of the Program.
type Widths = BTreeMap<Around, usize>;

struct Nesting<'p> {
    program: &'p Program,
    around: Vec<Option<Around>>,
    /// Ops that some way leads to and whose own ways were not followed yet.
    met: Vec<OpId>,
    errors: Vec<VerifyError>,
}

impl Nesting<'_> {
    fn op(&self, id: OpId) -> Option<&Op> {
        self.program.ops.get(id.index())
    }

    fn wrong(&mut self, id: OpId, reason: &str) {
        let error = self.op(id).map(|op| VerifyError::Op {
            op: op.name.clone(),
            reason: reason.to_owned(),
        });
        self.errors.extend(error);
    }

    /// A split and its join name each other, and the join asks for no more than there is.
    fn pair(&mut self) {
        for place in 0..self.program.ops.len() {
            let id = OpId(place as u32);
            let other = |other: OpId| self.op(other).map(|op| &op.kind);
            let reason = match self.op(id).map(|op| &op.kind) {
                Some(OpKind::Split(split)) => match other(split.join) {
                    Some(OpKind::Join(join)) if join.split == id => None,
                    _ => Some("has no join of its own"),
                },
                Some(OpKind::Join(join)) => match (other(join.split), join.policy) {
                    (Some(OpKind::Split(split)), _) if split.join != id => {
                        Some("has no split of its own")
                    }
                    (Some(OpKind::Split(split)), crate::JoinPolicy::Quorum { needed }) => {
                        let can = 1..=split.branches.len();
                        let is_possible = can.contains(&(needed as usize));
                        (!is_possible).then_some("waits for 0 branches, or for more than there are")
                    }
                    (Some(OpKind::Split(_)), _) => None,
                    _ => Some("has no split of its own"),
                },
                Some(OpKind::Map(map)) => match other(map.gather) {
                    Some(OpKind::Gather(gather)) if gather.map == id => None,
                    _ => Some("has no gather of its own"),
                },
                Some(OpKind::Gather(gather)) => match other(gather.map) {
                    Some(OpKind::Map(map)) if map.gather == id => None,
                    _ => Some("has no map of its own"),
                },
                _ => None,
            };
            if let Some(reason) = reason {
                self.wrong(id, reason);
            }
        }
    }

    /// Notes that a way leads to an op out of the given branches.
    fn come(&mut self, to: OpId, through: Option<OpId>, around: &Around) {
        let mut here = around.clone();
        let began = self.op(to).and_then(|op| match &op.kind {
            OpKind::Join(join) => Some(join.split),
            OpKind::Gather(gather) => Some(gather.map),
            _ => None,
        });
        if let Some(began) = began {
            match here.pop() {
                Some((inner, _)) if inner == began => {}
                _ => return self.wrong(to, "is reached from outside of what it waits for"),
            }
        }
        match self.around.get_mut(to.index()) {
            Some(slot @ None) => {
                *slot = Some(here);
                self.met.push(to);
            }
            Some(Some(before)) if *before != here => {
                let at = through.unwrap_or(to);
                self.wrong(at, "leads into a branch, or out of one, past the join");
            }
            _ => {}
        }
    }

    /// Follows every way out of an op that some way leads to.
    fn leave(&mut self, id: OpId) {
        let Some(around) = self.around.get(id.index()).cloned().flatten() else {
            return;
        };
        let Some(kind) = self.op(id).map(|op| op.kind.clone()) else {
            return;
        };
        match &kind {
            OpKind::Split(_) | OpKind::Map(_) if around.len() == limits::SPLIT_DEPTH_MAX => {
                let reason = "stands in 4 splits or maps, and no more can stand in each other";
                self.wrong(id, reason);
            }
            OpKind::Map(_) if around.iter().any(|(outer, _)| self.is_map(*outer)) => {
                self.wrong(id, "stands in the body of another map");
            }
            OpKind::Map(map) => {
                if let Some(target) = map.on_error {
                    self.come(target, Some(id), &around);
                }
                let mut inside = around;
                inside.push((id, 0));
                self.come(map.way.to, Some(id), &inside);
                self.come(map.gather, Some(id), &inside);
            }
            OpKind::Split(split) => {
                for (index, branch) in split.branches.iter().enumerate() {
                    let mut inside = around.clone();
                    inside.push((id, index as u32));
                    self.come(branch.way.to, Some(id), &inside);
                }
                // The run goes on there also if no branch leads to it: loops may only fail.
                let mut inside = around;
                inside.push((id, 0));
                self.come(split.join, Some(id), &inside);
            }
            OpKind::End(_) if !around.is_empty() => {
                self.wrong(id, "ends the run inside a branch");
            }
            other => {
                for target in other.targets() {
                    self.come(target, Some(id), &around);
                }
            }
        }
    }

    fn is_map(&self, id: OpId) -> bool {
        matches!(self.op(id).map(|op| &op.kind), Some(OpKind::Map(_)))
    }

    fn check_width(&mut self) {
        let mut widths = Widths::new();
        // The innermost splits first, so that the branches of one are known before it is.
        let mut splits: Vec<(&Around, OpId, &OpKind)> = Vec::new();
        for (place, (op, around)) in self.program.ops.iter().zip(&self.around).enumerate() {
            if let (OpKind::Split(_) | OpKind::Map(_), Some(around)) = (&op.kind, around) {
                splits.push((around, OpId(place as u32), &op.kind));
            }
        }
        splits.sort_by_key(|(around, ..)| std::cmp::Reverse(around.len()));
        let mut widest = (0, OpId(0));
        for (around, id, kind) in splits {
            let inside = |index: u32| {
                let mut branch = around.clone();
                branch.push((id, index));
                widths.get(&branch).copied().unwrap_or(1)
            };
            let width = 1 + match kind {
                OpKind::Split(split) => (0..).zip(&split.branches).map(|(it, _)| inside(it)).sum(),
                OpKind::Map(map) => {
                    let items = map.items_at_once as usize * inside(0);
                    items.max(map.batches_at_once as usize)
                }
                _ => 0,
            };
            let slot = widths.entry(around.clone()).or_insert(1);
            *slot = width.max(*slot);
            if around.is_empty() {
                widest = widest.max((width, id));
            }
        }
        if widest.0 > limits::OPEN_STAGES_MAX {
            self.wrong(widest.1, "has more than 40 stages open at once");
        }
    }
}
