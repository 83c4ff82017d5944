//! Leads some ways of a random Program back, each under a ceiling.

use crate::oracle::chance::Chance;
use crate::oracle::visits::in_loops;
use lattice_ir::{Choice, Effect, Op, OpKind, Program, Test, verify};
use lattice_model::{NodeId, OpId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Ways back that are drawn, and those of them that stay at most.
const DRAWN: usize = 14;
const LOOPS_MAX: usize = 3;
/// Ops that a way back leads over at most.
const SPAN_MAX: usize = 7;

/// The Program with ways back, as far as it verifies with them: one that leads into a branch, or
/// around a split, does not.
pub(super) fn lead_back(chance: &mut Chance, mut program: Program) -> Program {
    let mut loops = 0;
    for _ in 0..DRAWN {
        let from = chance.below(program.ops.len());
        let to = from - chance.below(SPAN_MAX.min(from + 1));
        let mut changed = program.clone();
        let test = test(chance, changed.ops.get(to..=from).unwrap_or_default());
        let Some(op) = changed.ops.get_mut(from) else {
            continue;
        };
        let back = OpId(u32::try_from(to).unwrap_or(u32::MAX));
        if !turn(chance, &mut op.kind, test, back) {
            continue;
        }
        let between = to + chance.below(from - to + 1);
        let counted = chance.pick(to, &[to, from, between]);
        let max = 1 + u32::try_from(chance.below(4)).unwrap_or(0);
        if let Some(op) = changed.ops.get_mut(counted) {
            op.visits_max.get_or_insert(max);
        }
        if verify(&changed).is_ok() {
            program = changed;
            loops += 1;
        }
        if loops == LOOPS_MAX {
            break;
        }
    }
    program
}

/// Turns one of the ways of an op back. A failure that nothing caught stays so: its wording would
/// become a value that others read.
fn turn(chance: &mut Chance, kind: &mut OpKind, test: Option<Test>, back: OpId) -> bool {
    let mut ways: Vec<&mut OpId> = match kind {
        OpKind::Choice(choice) => return turn_choice(chance, choice, test, back),
        OpKind::Call(call) => {
            let caught = call.on_error.iter_mut().chain(&mut call.on_timeout);
            caught.chain([&mut call.next]).collect()
        }
        OpKind::Eval(eval) => eval.on_error.iter_mut().chain([&mut eval.next]).collect(),
        OpKind::Assign(assign) => vec![&mut assign.next],
        OpKind::Wait(wait) => {
            let answered = wait.on_answer.iter_mut().chain(&mut wait.on_timer);
            answered.chain(&mut wait.on_error).collect()
        }
        OpKind::Split(_) | OpKind::Join(_) | OpKind::Map(_) | OpKind::Gather(_) => Vec::new(),
        OpKind::Invoke(_) | OpKind::End(_) => Vec::new(),
    };
    let place = chance.below(ways.len());
    match ways.get_mut(place) {
        Some(way) => {
            **way = back;
            true
        }
        None => false,
    }
}

fn turn_choice(chance: &mut Chance, choice: &mut Choice, test: Option<Test>, back: OpId) -> bool {
    let place = chance.below(choice.arms.len());
    let Some(arm) = choice.arms.get_mut(place) else {
        return false;
    };
    if let Some(test) = test {
        arm.test = test;
    }
    arm.way.to = back;
    true
}

/// A test of what a call in the loop gives, which is something else on each visit.
fn test(chance: &mut Chance, ops: &[Op]) -> Option<Test> {
    let calls = ops.iter().filter_map(|op| match &op.kind {
        OpKind::Call(call) => Some((&op.node, &call.effect)),
        _ => None,
    });
    let calls: Vec<(&NodeId, &Effect)> = calls.collect();
    let (node, Effect::Model(model)) = calls.get(chance.below(calls.len()))?;
    let digit = chance.below(10);
    let test = match model.output_schema {
        Some(_) => format!("nodes.{node}.output.label == 'left'"),
        None => format!("nodes.{node}.output.contains('{digit}')"),
    };
    chance.percent(70).then_some(Test::Cel(test))
}

/// More answers for the questions that may be asked again.
pub(super) fn answer_again(
    chance: &mut Chance,
    program: &Program,
    answers: &mut BTreeMap<NodeId, Vec<Value>>,
) {
    for place in in_loops(program) {
        let Some(op) = program.ops.get(place.index()) else {
            continue;
        };
        let OpKind::Wait(wait) = &op.kind else {
            continue;
        };
        let (Some(question), Some(answers)) = (&wait.question, answers.get_mut(&op.node)) else {
            continue;
        };
        for number in 0..chance.below(5) {
            let label = question.options.get(chance.below(question.options.len()));
            answers.push(match label {
                Some(option) if chance.percent(85) => json!(option.label),
                Some(_) => json!(number + 7),
                None => json!(format!("again {number}")),
            });
        }
    }
}
