//! Shapes of runs with a budget. The oracle knows no budgets: what it says is what a run comes to that
//! is refused nothing, and the judge tells it which calls were refused.

use super::Shape;
use super::build::{ask, ask_or, end, eval, invoke, join, program, split};
use super::families::{dreamer, of_topic, poet, world};
use crate::oracle::world::succeed;
use lattice_ir::{Call, CallDone, Effect, Join, JoinPolicy, Merge, OpKind, Program};
use lattice_journal::{Budget, Usage};
use lattice_model::{OpId, limits::BUDGET_FRAME_TOKENS};
use serde_json::json;

/// What each call may answer with.
const ANSWER_TOKENS: u32 = 20;

pub(super) fn shapes() -> Vec<Shape> {
    vec![waits(), too_small(), of_kin(), left_behind()]
}

fn budgeted(program: Program, tokens: u64) -> Program {
    Program {
        budget: Some(Budget { tokens }),
        ..program
    }
}

fn brief(kind: OpKind) -> OpKind {
    match kind {
        OpKind::Call(mut call) => {
            let Effect::Model(model) = &mut call.effect;
            model.max_output_tokens = Some(ANSWER_TOKENS);
            OpKind::Call(Call { ..call })
        }
        other => other,
    }
}

/// Three branches of one call, a call behind them that may be refused.
fn three(name: &str, tokens: u64) -> Program {
    let joined = Join {
        on_error: Some(OpId(7)),
        ..join(0, JoinPolicy::All, Merge::Collect, 5)
    };
    let sorry = eval(json!("none"), 4);
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 2, 3], 4))),
        ("first", brief(ask("first of {{in.topic}}", 4))),
        ("second", brief(ask("second of {{in.topic}}", 4))),
        ("third", brief(ask_or("third of {{in.topic}}", 4, 8))),
        ("fan.join", OpKind::Join(joined)),
        ("write", brief(ask_or("of {{nodes.fan.output}}", 6, 7))),
        ("end", end(json!("{{nodes.write.output}}"))),
        ("end-2", end(json!("too little"))),
        ("sorry", OpKind::Eval(sorry)),
    ];
    budgeted(program(name, ops), tokens)
}

/// What is kept for two calls leaves too little for the third; what they use leaves enough.
fn waits() -> Shape {
    Shape::new("budget_waits", three("budget_waits", 280), world)
        .noted("one branch waits until another is over")
}

/// Each call uses all that it may, and there is enough for two.
fn too_small() -> Shape {
    let world = || {
        world().calling(|stage, _, prompt| {
            let usage = Usage {
                input_tokens: prompt.len() as u64 + BUDGET_FRAME_TOKENS,
                output_tokens: u64::from(ANSWER_TOKENS),
            };
            let done = succeed(format!("{stage}({prompt})"))?;
            Ok(CallDone { usage, ..done })
        })
    };
    Shape::new("budget_too_small", three("budget_too_small", 200), world)
        .noted("the third branch and the last call are refused")
}

/// The first run takes all that is left, the second one waits for its end.
fn of_kin() -> Shape {
    let child = poet();
    let two = |of: &str| OpKind::Invoke(invoke(&child, json!({ "of": of }), 3));
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 2], 3))),
        ("one", two("{{in.topic}}")),
        ("other", two("snow")),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::All, Merge::Collect, 4)),
        ),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    let program = budgeted(program("budget_of_kin", ops), 30_000);
    Shape::new("budget_of_kin", program, world).calling([child])
}

/// What is kept for a run that is cancelled counts until it has ended.
fn left_behind() -> Shape {
    let (quick, slow) = (budgeted(poet(), 15_000), dreamer());
    let ops = vec![
        ("fan", OpKind::Split(split(&[1, 2], 3))),
        ("quick", OpKind::Invoke(of_topic(&quick, 3))),
        ("slow", OpKind::Invoke(of_topic(&slow, 3))),
        (
            "fan.join",
            OpKind::Join(join(0, JoinPolicy::Quorum { needed: 1 }, Merge::Collect, 4)),
        ),
        ("last", ask("praise them", 5)),
        ("end", end(json!("{{nodes.fan.output}}"))),
    ];
    let program = budgeted(program("budget_left_behind", ops), 60_000);
    Shape::new("budget_left_behind", program, world).calling([quick, slow])
}
