//! Visits: what the stages of an op are called, which ops a run may come to again, and how long a
//! walk can be.

use lattice_ir::Program;
use lattice_model::OpId;
use std::collections::BTreeSet;

/// The stage of a visit, from 1, of the op of this name in the item at this place, if it is in one.
pub fn stage_of(op: &str, item: Option<u32>, visit: u32) -> String {
    let op = within(op, item);
    match visit {
        0 | 1 => op,
        later => format!("{op}@{later}"),
    }
}

/// The name as the item at this place knows it.
pub fn within(name: &str, item: Option<u32>) -> String {
    match item {
        Some(index) => format!("{name}[{index}]"),
        None => name.to_owned(),
    }
}

/// The name of the op that a stage visits.
pub fn op_of(stage: &str) -> &str {
    let first = stage.split_once('@').map_or(stage, |(first, _)| first);
    first.split_once('[').map_or(first, |(op, _)| op)
}

/// The place of the item that a stage belongs to, if it is in the body of a map; of a batch, that of
/// its first item.
pub fn item_of(stage: &str) -> Option<u32> {
    let (_, rest) = stage.split_once('[')?;
    rest.split_once(']')?.0.parse().ok()
}

/// The map whose batch a stage of this name is.
pub fn map_of_batch(stage: &str) -> Option<&str> {
    item_of(stage)?;
    op_of(stage).strip_suffix(".batch")
}

/// The ops that a way leads back to: slowly, by a walk from each of them.
pub fn in_loops(program: &Program) -> BTreeSet<OpId> {
    let targets = |op: OpId| program.ops.get(op.index()).map(|op| op.kind.targets());
    let comes_back = |from: &OpId| {
        let mut met = BTreeSet::new();
        let mut left = targets(*from).unwrap_or_default();
        while let Some(at) = left.pop() {
            if met.insert(at) {
                left.extend(targets(at).into_iter().flatten());
            }
        }
        met.contains(from)
    };
    let ops = (0..).zip(&program.ops).map(|(place, _)| OpId(place));
    ops.filter(comes_back).collect()
}

/// No walk through a Program that verifies is longer: between two visits that a ceiling counts lie
/// only ops without one and failures of others, and those go round nowhere.
pub fn steps_max(program: &Program) -> usize {
    let ceilings = program.ops.iter().filter_map(|op| op.visits_max);
    let counted: usize = ceilings.map(|max| max as usize).sum();
    program.ops.len().saturating_mul(counted.saturating_add(1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::oracle::shapes::shapes;

    #[test]
    fn only_later_visits_have_a_number() {
        for (visit, stage) in [
            (1, "ask.choice"),
            (2, "ask.choice@2"),
            (30, "ask.choice@30"),
        ] {
            assert_eq!(stage_of("ask.choice", None, visit), stage);
            assert_eq!((op_of(stage), item_of(stage)), ("ask.choice", None));
        }
        let stage = stage_of("ask.choice", Some(12), 3);
        assert_eq!(stage, "ask.choice[12]@3");
        assert_eq!((op_of(&stage), item_of(&stage)), ("ask.choice", Some(12)));
        assert_eq!(map_of_batch("m.batch[9]"), Some("m"));
        assert_eq!(
            (map_of_batch("m.batch"), map_of_batch("m[9]")),
            (None, None)
        );
    }

    #[test]
    fn an_op_behind_a_loop_is_not_on_it() {
        let on = |name: &str| -> Vec<String> {
            let shape = shapes()
                .into_iter()
                .find(|shape| shape.name == name)
                .unwrap();
            let ops = in_loops(&shape.program).into_iter();
            let name = |op: OpId| shape.program.ops[op.index()].name.clone();
            ops.map(name).collect()
        };
        assert_eq!(on("chain"), Vec::<String>::new());
        assert_eq!(on("loop_until_good"), ["draft", "judge", "again"]);
        assert_eq!(on("loop_of_one"), ["poll", "spin"]);
    }

    /// What the rules of the verifier say of loops, another way than it does.
    #[test]
    fn every_shape_with_a_loop_has_a_ceiling_on_it() {
        for shape in shapes() {
            let loops = in_loops(&shape.program);
            let ceiling = |op: &OpId| shape.program.ops[op.index()].visits_max.is_some();
            assert_eq!(
                loops.is_empty(),
                !loops.iter().any(ceiling),
                "{}",
                shape.name
            );
        }
    }
}
