//! What the tests of budgets share.

use super::{Runner, done, end, op, program};
use lattice_engine::{Cause, Spending};
use lattice_ir::{
    Call, CallDone, Effect, Join, JoinPolicy, Merge, Op, OpKind, Program, Split, SplitBranch, Way,
};
use lattice_journal::{Budget, EventBody, Failure, Usage};
use lattice_model::{OpId, StageId, limits};
use serde_json::json;

/// What a call of `ask` needs: its prompt of 4 bytes, the frame, and 32 tokens of an answer.
pub const NEEDED: u64 = 4 + limits::BUDGET_FRAME_TOKENS + 32;

pub fn ask(name: &str, next: u32, change: impl FnOnce(&mut Call)) -> Op {
    super::call(name, "do a", next, |call| {
        let Effect::Model(model) = &mut call.effect;
        model.max_output_tokens = Some(32);
        change(call);
    })
}

pub fn run(tokens: u64, ops: Vec<Op>) -> Runner {
    let program = Program {
        budget: Some(Budget { tokens }),
        ..program(ops)
    };
    Runner::of(program, json!({}))
}

pub fn fan(branches: u32, arms: Vec<Op>) -> Vec<Op> {
    let branch = |index: u32| SplitBranch {
        way: Way {
            port: format!("branch-{index}"),
            to: OpId(2 + index),
        },
        timeout_ms: None,
    };
    let split = OpKind::Split(Split {
        branches: (0..branches).map(branch).collect(),
        join: OpId(1),
    });
    let join = OpKind::Join(Join {
        split: OpId(0),
        policy: JoinPolicy::All,
        merge: Merge::Collect,
        next: OpId(2 + branches),
        on_error: None,
        on_timeout: None,
    });
    let join = Op {
        name: "p.join".to_owned(),
        ..op("p", join)
    };
    let rest = [end("end", json!("done"))];
    let ops = [op("p", split), join].into_iter();
    ops.chain(arms).chain(rest).collect()
}

/// Two calls side by side.
pub fn two(tokens: u64) -> Runner {
    let mut run = run(
        tokens,
        fan(2, vec![ask("a", 1, |_| {}), ask("b", 1, |_| {})]),
    );
    run.wake();
    run
}

pub fn spending(run: &Runner) -> &Spending {
    run.state.spending.as_ref().unwrap()
}

pub fn claimed(run: &Runner) -> Vec<String> {
    run.calls
        .iter()
        .map(|call| call.stage.to_string())
        .collect()
}

/// An answer that used so many tokens.
pub fn used(run: &mut Runner, stage: &str, attempt: u32, tokens: u64) {
    let usage = Usage {
        input_tokens: tokens,
        output_tokens: 0,
    };
    run.tell(Cause::Ended {
        stage: StageId::new(stage),
        attempt,
        outcome: Ok(CallDone {
            usage,
            ..done("fine")
        }),
    });
}

pub fn failure(run: &Runner) -> Failure {
    match run.log.last().unwrap() {
        EventBody::RunFailed(failed) => failed.failure.clone(),
        other => panic!("{other:?}"),
    }
}
