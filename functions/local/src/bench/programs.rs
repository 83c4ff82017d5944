//! The programs that are measured.

use lattice_ir::{
    Call, Effect, End, Gather, IR_VERSION, Invoke, Join, JoinPolicy, Map, Merge, ModelCall,
    OnUnknown, Op, OpKind, Program, Retry, Split, SplitBranch, Timer, Wait, Way,
};
use lattice_model::limits::MAP_INLINE_ITEMS_MAX;
use lattice_model::{NodeId, OpId, ProgramHash, WorkflowId};
use serde_json::json;
use std::collections::BTreeMap;

/// A chain of calls, and an end.
pub fn chain(steps: u64) -> Program {
    let calls = (0..steps).map(|step| call(format!("step-{step}"), step + 1));
    program(calls.chain([end()]).collect())
}

/// Branches of so many calls each, side by side, and an end. With a rest behind each call, another
/// process may be told to go on.
pub fn branches(count: u64, steps: u64, rest_ms: Option<u64>) -> Program {
    let calls = steps;
    let steps = calls * if rest_ms.is_some() { 2 } else { 1 };
    let first = |branch: u64| 2 + branch * steps;
    let mut ops = fan(count, steps);
    for branch in 0..count {
        ops.extend((0..steps).map(|step| {
            let next = if step + 1 < steps {
                first(branch) + step + 1
            } else {
                1
            };
            let name = format!("step-{branch}-{step}");
            match rest_ms.filter(|_| step % 2 == 1) {
                Some(rest_ms) => rest(name, rest_ms, next),
                None => call(name, next),
            }
        }));
    }
    ops.push(end());
    program(ops)
}

/// A list whose items are one call each, in batches; what comes of it is nothing.
pub fn items(batch_size: u32, batches_at_once: u32) -> Program {
    let map = OpKind::Map(Map {
        items: json!("{{in.items}}"),
        batch_size,
        batches_at_once,
        items_at_once: MAP_INLINE_ITEMS_MAX.min(batch_size),
        pause_ms: 0,
        goes_on: false,
        way: Way {
            port: "each".to_owned(),
            to: place(1),
        },
        gather: place(2),
        on_error: None,
    });
    let gather = OpKind::Gather(Gather {
        map: place(0),
        next: place(3),
        on_error: None,
    });
    program(vec![
        op("list".to_owned(), map),
        call("step".to_owned(), 2),
        op("list.gather".to_owned(), gather),
        end(),
    ])
}

/// Runs of another program, side by side, and an end.
pub fn callers(count: u64, callee: ProgramHash) -> Program {
    let calls = (0..count).map(|run| {
        let invoke = OpKind::Invoke(Invoke {
            workflow: WorkflowId::new("bench"),
            program: callee,
            input: json!({ "topic": "bench" }),
            budget: None,
            timeout_ms: None,
            next: place(1),
            on_error: None,
            on_timeout: None,
        });
        op(format!("run-{run}"), invoke)
    });
    let mut ops = fan(count, 1);
    ops.extend(calls);
    ops.push(end());
    program(ops)
}

/// A split and its join, for branches of so many ops each that follow them in a row.
fn fan(count: u64, steps: u64) -> Vec<Op> {
    let ways = (0..count).map(|branch| SplitBranch {
        way: Way {
            port: format!("branch-{branch}"),
            to: place(2 + branch * steps),
        },
        timeout_ms: None,
    });
    let split = OpKind::Split(Split {
        branches: ways.collect(),
        join: place(1),
    });
    let join = OpKind::Join(Join {
        split: place(0),
        policy: JoinPolicy::All,
        merge: Merge::Collect,
        next: place(2 + count * steps),
        on_error: None,
        on_timeout: None,
    });
    vec![
        op("both".to_owned(), split),
        op("both.join".to_owned(), join),
    ]
}

fn place(op: u64) -> OpId {
    OpId(u32::try_from(op).unwrap_or(u32::MAX))
}

fn op(name: String, kind: OpKind) -> Op {
    let node = NodeId::new(name.as_str());
    Op {
        name,
        node,
        visits_max: None,
        kind,
    }
}

fn call(name: String, next: u64) -> Op {
    let kind = OpKind::Call(Call {
        effect: Effect::Model(ModelCall {
            model: "small".to_owned(),
            system: None,
            prompt: "About {{in.topic}}".to_owned(),
            output_schema: None,
            max_output_tokens: None,
            temperature_milli: None,
        }),
        timeout_ms: 60_000,
        retry: Retry {
            attempts_max: 1,
            delay_ms: 500,
            delay_ms_max: 500,
        },
        on_unknown: OnUnknown::Retry,
        next: place(next),
        on_error: None,
        on_timeout: None,
    });
    op(name, kind)
}

fn rest(name: String, rest_ms: u64, next: u64) -> Op {
    let wait = OpKind::Wait(Wait {
        question: None,
        timer: Some(Timer::After(rest_ms)),
        on_answer: None,
        on_timer: Some(place(next)),
        on_error: None,
    });
    op(name, wait)
}

fn end() -> Op {
    let output = json!("done");
    op("end".to_owned(), OpKind::End(End { output }))
}

fn program(ops: Vec<Op>) -> Program {
    Program {
        ir_version: IR_VERSION,
        workflow: WorkflowId::new("bench"),
        name: "Bench".to_owned(),
        input: None,
        variables: BTreeMap::new(),
        lifetime_ms: 3_600_000,
        budget: None,
        concurrency: None,
        entry: OpId(0),
        triggers: Vec::new(),
        ops,
        nodes: BTreeMap::new(),
    }
}
