//! Does some ops of a random Program for each item of a list, instead of once.

use crate::oracle::chance::Chance;
use crate::oracle::shapes::build::map;
use crate::oracle::visits::within;
use lattice_ir::{Effect, Gather, Map, NodeInfo, Op, OpKind, Program, verify};
use lattice_model::{NodeId, OpId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Ops that are drawn, and those of them that become maps at most.
const DRAWN: usize = 8;
const MAPS_MAX: usize = 2;
const PAUSES_MS: [u64; 3] = [1_000, 90_000, 2 * super::HOUR_MS];

/// An op that is done for each item: under which name, and for how many.
pub(super) struct Mapped {
    /// What it was called.
    pub was: String,
    /// What it is called in the body.
    pub is: String,
    items: u32,
}

/// The Program with maps, as far as it verifies with them: a map in a loop does not.
pub(super) fn map_some(chance: &mut Chance, mut program: Program) -> (Program, Vec<Mapped>) {
    let mut mapped = Vec::new();
    for _ in 0..DRAWN {
        let at = chance.below(program.ops.len());
        let mut changed = program.clone();
        if let Some(made) = wrap(chance, &mut changed, at)
            && verify(&changed).is_ok()
        {
            program = changed;
            mapped.push(made);
        }
        if mapped.len() == MAPS_MAX {
            break;
        }
    }
    (program, mapped)
}

/// Whoever answered the node answers each of its items.
pub(super) fn answer_each(mapped: &[Mapped], answers: &mut BTreeMap<NodeId, Vec<Value>>) {
    for Mapped { was, is, items } in mapped {
        let Some(given) = answers.remove(&NodeId::new(was)) else {
            continue;
        };
        for index in 0..*items {
            answers.insert(NodeId::new(within(is, Some(index))), given.clone());
        }
    }
}

/// The map takes the op's place and name; the op and the gather stand behind all others.
fn wrap(chance: &mut Chance, program: &mut Program, at: usize) -> Option<Mapped> {
    let op = program.ops.get(at)?.clone();
    let is_part = op.name != op.node.as_str() || op.name.ends_with('i');
    let text = serde_json::to_string(program).ok()?;
    let is_read = text.contains(&format!("nodes.{}.", op.node));
    let here = OpId(u32::try_from(at).ok()?);
    let body = OpId(u32::try_from(program.ops.len()).ok()?);
    let gather = OpId(body.0 + 1);
    let (mut kind, name) = (op.kind.clone(), op.name.clone());
    let next = lead_to(chance, &mut kind, gather, is_read)?;
    if is_part || op.visits_max.is_some() {
        return None;
    }
    let (drawn, items) = drawn(chance, body, gather);
    let made = Map {
        goes_on: !is_read && chance.percent(60),
        ..drawn
    };
    let is = format!("{name}i");
    if let Some(op) = program.ops.get_mut(at) {
        op.kind = OpKind::Map(made);
    }
    let info = |label: &str| NodeInfo {
        kind: kind.word().to_owned(),
        label: label.to_owned(),
    };
    program.nodes.insert(NodeId::new(&is), info(&is));
    program.ops.push(Op {
        name: is.clone(),
        node: NodeId::new(&is),
        visits_max: None,
        kind,
    });
    let gathers = Gather {
        map: here,
        next,
        on_error: None,
    };
    program.ops.push(Op {
        name: format!("{name}.gather"),
        node: op.node,
        visits_max: None,
        kind: OpKind::Gather(gathers),
    });
    let was = name;
    Some(Mapped { was, is, items })
}

/// Leads all ways out of an op to the gather. Gives where the first one led; `None` = it is no op of
/// which a body is made here. The wording of a failure must not become what others read.
fn lead_to(chance: &mut Chance, kind: &mut OpKind, gather: OpId, is_read: bool) -> Option<OpId> {
    let caught = |way: Option<OpId>| way.filter(|_| !is_read).map(|_| gather);
    match kind {
        OpKind::Call(call) => {
            let Effect::Model(model) = &mut call.effect;
            if chance.percent(70) {
                model.prompt.push_str(" {{item}} {{index}}");
            }
            call.on_error = caught(call.on_error);
            call.on_timeout = caught(call.on_timeout);
            Some(std::mem::replace(&mut call.next, gather))
        }
        OpKind::Eval(eval) => {
            if eval.transform.is_none() && chance.percent(70) {
                eval.input = json!(["{{item}}", "{{index}}", eval.input]);
            }
            eval.on_error = caught(eval.on_error);
            Some(std::mem::replace(&mut eval.next, gather))
        }
        OpKind::Assign(assign) => {
            assign.on_error = caught(assign.on_error);
            Some(std::mem::replace(&mut assign.next, gather))
        }
        OpKind::Wait(wait) if !is_read => {
            wait.on_error = caught(wait.on_error);
            let next = wait.on_answer.or(wait.on_timer);
            for way in [&mut wait.on_answer, &mut wait.on_timer] {
                *way = way.map(|_| gather);
            }
            next
        }
        _ => None,
    }
}

fn drawn(chance: &mut Chance, body: OpId, gather: OpId) -> (Map, u32) {
    let runs = chance.percent(30);
    let count = match runs {
        true => 17 + chance.below(3),
        false => chance.below(6),
    };
    let item = |place: usize| match place % 3 {
        0 => json!(place),
        1 => json!({ "at": place }),
        _ => json!(format!("item {place}")),
    };
    let items: Value = (0..count).map(item).collect();
    let plain = map(items, body.0, gather.0);
    let number = |chance: &mut Chance, max: usize| 1 + chance.below(max) as u32;
    let made = Map {
        batch_size: match runs {
            true => 6 + number(chance, 12),
            false => number(chance, 4),
        },
        batches_at_once: number(chance, 3),
        items_at_once: number(chance, 5),
        pause_ms: match chance.percent(25) {
            true => chance.pick(0, &PAUSES_MS),
            false => 0,
        },
        ..plain
    };
    (made, count as u32)
}
