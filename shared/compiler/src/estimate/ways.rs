//! Where an op leads, by the names that people know: the ports.

use lattice_document::{PORT_ERROR, PORT_OUT};
use lattice_ir::{OpKind, Program};
use lattice_model::OpId;

/// A way out of an op.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    pub port: String,
    pub to: usize,
}

/// The ways on. Behind a split or a map stand those behind its join or its gather: what is between is
/// a part of its cost.
pub(super) fn of(program: &Program, place: usize) -> Vec<Way> {
    let Some(op) = program.ops.get(place) else {
        return Vec::new();
    };
    let mut ways = Vec::new();
    let mut add = |port: &str, to: Option<OpId>| {
        ways.extend(to.map(|to| Way {
            port: port.to_owned(),
            to: to.index(),
        }));
    };
    match &op.kind {
        OpKind::Call(op) => {
            add(PORT_OUT, Some(op.next));
            add("timeout", op.on_timeout);
        }
        OpKind::Eval(op) => add(PORT_OUT, Some(op.next)),
        OpKind::Assign(op) => add(PORT_OUT, Some(op.next)),
        OpKind::Choice(op) => {
            for way in op.arms.iter().map(|arm| &arm.way).chain(&op.otherwise) {
                add(&way.port, Some(way.to));
            }
        }
        OpKind::Wait(op) => {
            add(PORT_OUT, op.on_answer);
            add(
                if op.question.is_some() {
                    "timeout"
                } else {
                    PORT_OUT
                },
                op.on_timer,
            );
        }
        OpKind::Split(op) => return of(program, op.join.index()),
        OpKind::Map(map) => {
            add(PORT_ERROR, map.on_error);
            let behind = of(program, map.gather.index());
            ways.extend(behind);
            return ways;
        }
        OpKind::Join(op) => {
            add(PORT_OUT, Some(op.next));
            add("timeout", op.on_timeout);
        }
        OpKind::Gather(op) => add(PORT_OUT, Some(op.next)),
        OpKind::Invoke(op) => {
            add(PORT_OUT, Some(op.next));
            add("timeout", op.on_timeout);
        }
        OpKind::End(_) => {}
    }
    add(PORT_ERROR, op.kind.on_error());
    ways
}
