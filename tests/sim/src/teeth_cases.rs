//! Cases that only a tooth needs.

use crate::scenario::Case;
use lattice_ir::{Op, OpKind, Program};
use lattice_model::{NodeId, OpId};
use serde_json::json;

/// Enough stages in a row for checkpoints to be written.
pub fn long_chain(case: &Case) -> Result<Case, String> {
    const STAGES: u32 = 12;
    let program = Program::clone(case.plan.program());
    let call = program.ops.iter().find_map(|op| match &op.kind {
        OpKind::Call(call) => Some(call.clone()),
        _ => None,
    });
    let end = program
        .ops
        .iter()
        .find(|op| matches!(op.kind, OpKind::End(_)));
    let (Some(call), Some(end)) = (call, end) else {
        return Err("the chain has no call or no end".to_owned());
    };
    let stage = |place: u32| {
        let (name, next) = (format!("stage-{place}"), OpId(place + 1));
        let lattice_ir::Effect::Model(mut model) = call.effect.clone();
        model.prompt = format!("number {place}");
        let effect = lattice_ir::Effect::Model(model);
        let kind = OpKind::Call(lattice_ir::Call {
            effect,
            next,
            ..call.clone()
        });
        Op {
            node: NodeId::new(&name),
            visits_max: None,
            name,
            kind,
        }
    };
    let output = json!("{{nodes.stage-0.output}}");
    let end = Op {
        kind: OpKind::End(lattice_ir::End { output }),
        ..end.clone()
    };
    let ops = (0..STAGES).map(stage).chain([end]).collect();
    let program = Program {
        ops,
        entry: OpId(0),
        ..program
    };
    Case::new("long chain", program, || {
        crate::oracle::World::new(json!({}))
    })
}

/// A question that nobody answers, in a run that may live for an hour.
pub fn short_lived(case: &Case) -> Result<Case, String> {
    let program = Program {
        lifetime_ms: 3_600_000,
        ..Program::clone(case.plan.program())
    };
    Case::new("short-lived", program, || {
        crate::oracle::World::new(json!({ "title": "Plan" }))
    })
}
