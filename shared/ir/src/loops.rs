//! Loops: the ops on ways back to themselves, and whether something bounds each of them.

use crate::program::{Op, OpKind, Program};
use crate::verify::VerifyError;
use lattice_model::{OpId, limits};

/// What is wrong with the loops of a Program whose ways all lead to ops.
pub(crate) fn check(program: &Program) -> Vec<VerifyError> {
    let mut errors = Vec::new();
    let at = |place: usize, reason: &str| {
        let op = program.ops.get(place)?;
        Some(VerifyError::op(op, reason))
    };
    // What leaves an op whose visits are counted is its failure, once the ceiling is reached.
    let unbounded = rings(program.ops.len(), |place| match program.ops.get(place) {
        Some(op) if op.visits_max.is_some() => {
            op.kind.on_error().map(OpId::index).into_iter().collect()
        }
        Some(op) => targets(op),
        None => Vec::new(),
    });
    let first = unbounded.iter().position(|is_on| *is_on);
    errors
        .extend(first.and_then(|place| at(place, "is on a way back to itself without a ceiling")));
    for (place, is_on) in of(program).into_iter().enumerate() {
        let kind = program.ops.get(place).map(|op| &op.kind);
        if is_on
            && matches!(
                kind,
                Some(OpKind::Split(_) | OpKind::Join(_) | OpKind::Map(_) | OpKind::Gather(_))
            )
        {
            errors.extend(at(
                place,
                "is part of a loop, which may not lead around a split or a map",
            ));
        }
    }
    let legal = 1..=limits::VISITS_MAX;
    for op in &program.ops {
        if op.visits_max.is_some_and(|max| !legal.contains(&max)) {
            errors.push(VerifyError::op(
                op,
                "may be visited 0 times, or more than 10,000",
            ));
        }
    }
    errors
}

/// For each op, whether a way leads back to it.
pub(crate) fn of(program: &Program) -> Vec<bool> {
    let targets = |place| program.ops.get(place).map(targets).unwrap_or_default();
    rings(program.ops.len(), targets)
}

fn targets(op: &Op) -> Vec<usize> {
    let targets = op.kind.targets().into_iter();
    targets.map(|target| target.index()).collect()
}

/// For each of `count` vertices, whether a way leads back to it, by `targets`: those on a strongly
/// connected component of several vertices or with a way to itself (Kosaraju and Sharir's two walks).
pub fn rings(count: usize, targets: impl Fn(usize) -> Vec<usize>) -> Vec<bool> {
    let ways: Vec<Vec<usize>> = (0..count).map(targets).collect();
    let mut back: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (from, targets) in ways.iter().enumerate() {
        for to in targets {
            if let Some(back) = back.get_mut(*to) {
                back.push(from);
            }
        }
    }
    let mut finished = Vec::with_capacity(count);
    walk(&ways, 0..count, |tree| finished.extend(tree));
    let mut is_on = vec![false; count];
    walk(&back, finished.into_iter().rev(), |component| {
        let own = |place: &usize| ways.get(*place).is_some_and(|to| to.contains(place));
        if component.len() > 1 || component.iter().any(own) {
            for place in component {
                if let Some(slot) = is_on.get_mut(place) {
                    *slot = true;
                }
            }
        }
    });
    is_on
}

/// Walks depth first from each root that was not met before; gives the vertices of each tree in the
/// order in which they were left.
fn walk(ways: &[Vec<usize>], roots: impl Iterator<Item = usize>, mut tree: impl FnMut(Vec<usize>)) {
    let mut met = vec![false; ways.len()];
    let mut enter = |place: usize| match met.get_mut(place) {
        Some(met) => !std::mem::replace(met, true),
        None => false,
    };
    for root in roots {
        if !enter(root) {
            continue;
        }
        let (mut left, mut path) = (Vec::new(), vec![(root, 0)]);
        while let Some((place, taken)) = path.last_mut() {
            let next = ways.get(*place).and_then(|ways| ways.get(*taken));
            *taken += 1;
            match next {
                Some(next) if enter(*next) => path.push((*next, 0)),
                Some(_) => {}
                None => {
                    left.push(*place);
                    path.pop();
                }
            }
        }
        tree(left);
    }
}

#[cfg(test)]
mod tests {
    use super::rings;

    fn on(count: usize, ways: &[(usize, usize)]) -> Vec<usize> {
        let targets = |from: usize| {
            let out = ways.iter().filter(move |(of, _)| *of == from);
            out.map(|(_, to)| *to).collect::<Vec<_>>()
        };
        let rings = rings(count, targets).into_iter().enumerate();
        rings
            .filter(|(_, is_on)| *is_on)
            .map(|(at, _)| at)
            .collect()
    }

    #[test]
    fn only_what_a_way_leads_back_to_is_on_a_ring() {
        assert_eq!(on(0, &[]), [0_usize; 0]);
        assert_eq!(on(3, &[(0, 1), (1, 2), (0, 2)]), [0_usize; 0]);
        assert_eq!(on(2, &[(0, 1), (1, 1)]), [1]);
        // Two rings, and a vertex between them that is on neither.
        let ways = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 4), (4, 3), (4, 5)];
        assert_eq!(on(6, &ways), [0, 1, 3, 4]);
        // Entered at two places.
        assert_eq!(on(4, &[(0, 1), (0, 2), (1, 2), (2, 1), (2, 3)]), [1, 2]);
        // A way to nowhere is nobody's.
        assert_eq!(on(2, &[(0, 7), (0, 1)]), [0_usize; 0]);
    }

    #[test]
    fn a_ring_of_many_vertices_needs_no_stack() {
        let count = 200_000;
        let ring = rings(count, |from| vec![(from + 1) % count]);
        assert!(ring.iter().all(|is_on| *is_on));
    }
}
