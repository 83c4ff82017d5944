//! The small Programs that are explored: one op more would multiply the states and show nothing new.

use lattice_ir::{
    Call, Effect, End, IR_VERSION, Join, JoinPolicy, Merge, ModelCall, NodeInfo, OnUnknown, Op,
    OpKind, Program, QuestionTemplate, Retry, Split, SplitBranch, Timer, Wait, Way,
};
use lattice_journal::Choice;
use lattice_model::{NodeId, OpId, WorkflowId, limits};
use serde_json::json;
use std::collections::BTreeMap;

/// Attempts of a call: enough for one that is lost, and for the ceiling to be met.
pub const ATTEMPTS_MAX: u32 = 2;
/// How long a question waits for its answer, in milliseconds.
const TIME_TO_ANSWER_MS: u64 = 60_000;

/// A chain of so many calls.
pub fn calls(count: u32) -> Program {
    let call = |place: u32| (format!("call-{place}"), call(place + 1));
    let ops = (0..count).map(call).chain([("end".to_owned(), end())]);
    program(ops.collect())
}

/// A split with one call in each branch, and nothing behind its join.
pub fn fan(branches: u32, policy: JoinPolicy) -> Program {
    let mut ops = fanned(branches, policy);
    ops.push(("end".to_owned(), end()));
    program(ops)
}

/// A split with one call in each branch, and a call behind its join: what lost may still be under way
/// while the run goes on.
pub fn fan_and_on(branches: u32, policy: JoinPolicy) -> Program {
    let mut ops = fanned(branches, policy);
    ops.push(("on".to_owned(), call(branches + 3)));
    ops.push(("end".to_owned(), end()));
    program(ops)
}

fn fanned(branches: u32, policy: JoinPolicy) -> Vec<(String, OpKind)> {
    let join = branches + 1;
    let way = |place: u32| Way {
        port: format!("branch-{place}"),
        to: OpId(place),
    };
    let branch = |place| SplitBranch {
        way: way(place),
        timeout_ms: None,
    };
    let split = OpKind::Split(Split {
        branches: (1..=branches).map(branch).collect(),
        join: OpId(join),
    });
    let join_op = OpKind::Join(Join {
        split: OpId(0),
        policy,
        merge: Merge::Collect,
        next: OpId(join + 1),
        on_error: None,
        on_timeout: None,
    });
    let inside = (1..=branches).map(|place| (format!("call-{place}"), call(join)));
    let first = [("fan".to_owned(), split)];
    let last = [("fan.join".to_owned(), join_op)];
    first.into_iter().chain(inside).chain(last).collect()
}

/// A question behind a call, so that an answer can come before it is asked.
pub fn question(has_timer: bool) -> Program {
    let wait = OpKind::Wait(Wait {
        question: Some(QuestionTemplate {
            text: "Go on?".to_owned(),
            options: Vec::new(),
            choice: Choice::Text,
        }),
        timer: has_timer.then_some(Timer::After(TIME_TO_ANSWER_MS)),
        on_answer: Some(OpId(2)),
        on_timer: has_timer.then_some(OpId(2)),
        on_error: None,
    });
    program(vec![
        ("call-0".to_owned(), call(1)),
        ("ask".to_owned(), wait),
        ("end".to_owned(), end()),
    ])
}

fn call(next: u32) -> OpKind {
    OpKind::Call(Call {
        effect: Effect::Model(ModelCall {
            model: "small".to_owned(),
            system: None,
            prompt: "say something".to_owned(),
            output_schema: None,
            max_output_tokens: None,
            temperature_milli: None,
        }),
        timeout_ms: 30_000,
        retry: Retry {
            attempts_max: ATTEMPTS_MAX,
            delay_ms: 500,
            delay_ms_max: 500,
        },
        on_unknown: OnUnknown::Retry,
        next: OpId(next),
        on_error: None,
        on_timeout: None,
    })
}

fn end() -> OpKind {
    OpKind::End(End {
        output: json!("over"),
    })
}

/// A part of a node is named behind a dot: `fan.join` belongs to `fan`.
fn program(ops: Vec<(String, OpKind)>) -> Program {
    let node_of = |name: &str| NodeId::new(name.split('.').next().unwrap_or_default());
    let nodes = ops.iter().map(|(name, kind)| {
        let (label, kind) = (name.clone(), kind.word().to_owned());
        (node_of(name), NodeInfo { kind, label })
    });
    let nodes = nodes.collect();
    let op = |(name, kind): (String, OpKind)| Op {
        node: node_of(&name),
        visits_max: None,
        name,
        kind,
    };
    Program {
        ir_version: IR_VERSION,
        workflow: WorkflowId::new("wf-model"),
        name: "model".to_owned(),
        input: None,
        variables: BTreeMap::new(),
        lifetime_ms: limits::LIFETIME_MS_MAX,
        budget: None,
        concurrency: None,
        entry: OpId(0),
        triggers: Vec::new(),
        nodes,
        ops: ops.into_iter().map(op).collect(),
    }
}
