//! Runs that are forked.

use super::{Runner, end, op};
use lattice_engine::{ForkError, ForkRequest, RunState, fold, fork, whole};
use lattice_ir::{
    Assign, Gather, Join, JoinPolicy, Map, Merge, Op, OpKind, Split, SplitBranch, Way,
};
use lattice_journal::{Event, EventBody};
use lattice_model::{Hash, Millis, OpId, Seq};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A call of a model.
pub fn call(name: &str, prompt: &str, next: u32) -> Op {
    super::call(name, prompt, next, |_| {})
}

/// Sets a variable.
pub fn assign(name: &str, variable: &str, value: Value, next: u32) -> Op {
    let kind = OpKind::Assign(Assign {
        variable: variable.to_owned(),
        value: Some(value),
        next: OpId(next),
        on_error: None,
    });
    op(name, kind)
}

/// A call, and a split over the ops 3 and 4 that joins at 2 and goes on at 5.
pub fn fork_of(ops: &[Op], policy: JoinPolicy) -> Vec<Op> {
    let branch = |(index, to): (usize, &u32)| SplitBranch {
        way: Way {
            port: format!("branch-{index}"),
            to: OpId(*to),
        },
        timeout_ms: Some(60_000),
    };
    let split = OpKind::Split(Split {
        branches: [3, 4].iter().enumerate().map(branch).collect(),
        join: OpId(2),
    });
    let join = OpKind::Join(Join {
        split: OpId(1),
        policy,
        merge: Merge::Collect,
        next: OpId(5),
        on_error: None,
        on_timeout: None,
    });
    let join = Op {
        name: "p.join".to_owned(),
        ..op("p", join)
    };
    let mut all = vec![call("a", "begin with {{in.name}}", 1), op("p", split), join];
    all.extend(ops.iter().cloned());
    all
}

/// A call, two branches (a call, and an assignment), an assignment, an end.
pub fn branching(policy: JoinPolicy) -> Vec<Op> {
    let ops = [
        call("b", "then {{nodes.a.output}}", 2),
        assign("c", "seen", json!("{{nodes.a.output}}!"), 2),
        assign("d", "count", json!("{{vars.seen}}?"), 6),
        end(
            "end",
            json!({"seen": "{{vars.count}}", "p": "{{nodes.p.output}}"}),
        ),
    ];
    fork_of(&ops, policy)
}

/// A run of these ops that has begun.
pub fn begin(ops: Vec<Op>) -> Runner {
    let mut program = super::program(ops);
    program
        .variables
        .insert("seen".to_owned(), json!("nothing"));
    program.variables.insert("count".to_owned(), json!(0));
    let mut run = Runner::of(program, json!({"name": "Ada"}));
    run.wake();
    run
}

/// Answers every call with its stage's name until nothing is claimed.
pub fn answer_all(run: &mut Runner) {
    loop {
        let claimed = run.state.claims().next();
        let Some(claimed) = claimed else { return };
        let stage = claimed.stage.as_str().to_owned();
        run.answers(&stage, claimed.attempt, &format!("said {stage}"));
    }
}

/// The log of a run.
pub fn events(run: &Runner) -> Vec<Event> {
    let event = |(place, body): (usize, &EventBody)| Event {
        run: Runner::run_id(),
        seq: Seq::FIRST.plus(place),
        timestamp: Millis::new(1_000),
        body: body.clone(),
    };
    run.log.iter().enumerate().map(event).collect()
}

/// What a run was after an event.
pub fn state_at(run: &Runner, at: Seq) -> RunState {
    let events = events(run);
    let until = events.iter().take_while(|event| event.seq <= at);
    fold(RunState::empty(), until)
}

/// What is asked for: these values set.
pub fn wanted(set: &[(&str, Value)]) -> ForkRequest {
    let set = set
        .iter()
        .map(|(path, it)| ((*path).to_owned(), it.clone()));
    ForkRequest {
        run: Runner::run_id(),
        named: None,
        set: set.collect(),
        request: Hash::of(b"request"),
        at: Millis::new(500_000),
    }
}

/// The fork of a run at the last whole step at or before a seq.
pub fn forked(run: &Runner, at: u64, set: &[(&str, Value)]) -> Result<Runner, ForkError> {
    let at = whole(&events(run), Seq::from_stored(at)).unwrap();
    let decision = fork(&run.plan, &state_at(run, at), &wanted(set), &run.blobs)?;
    let mut fork = Runner::of((**run.plan.program()).clone(), json!({"name": "Ada"}));
    fork.log.clear();
    fork.blobs = run.blobs.clone();
    fork.at = 500_000;
    fork.take(decision);
    fork.wake();
    Ok(fork)
}

/// What a run gave.
pub fn output(run: &Runner) -> Value {
    match run.log.last() {
        Some(EventBody::RunCompleted(done)) => Value::clone(done.output.inline().unwrap()),
        other => panic!("the run did not complete: {other:?}"),
    }
}

/// Stages that a log completes.
pub fn completed(log: &[EventBody]) -> BTreeSet<String> {
    let stages = log.iter().filter_map(|body| match body {
        EventBody::StageCompleted(it) => Some(it.stage.to_string()),
        _ => None,
    });
    stages.collect()
}

/// A map over four items, two at once, each with a call.
pub fn mapping() -> Vec<Op> {
    let map = OpKind::Map(Map {
        items: json!("{{in.list}}"),
        way: Way {
            port: "item".to_owned(),
            to: OpId(2),
        },
        gather: OpId(1),
        batch_size: 1,
        batches_at_once: 2,
        items_at_once: 2,
        pause_ms: 0,
        goes_on: false,
        on_error: None,
    });
    let gather = OpKind::Gather(Gather {
        map: OpId(0),
        next: OpId(3),
        on_error: None,
    });
    let gather = Op {
        name: "m.gather".to_owned(),
        ..op("m", gather)
    };
    vec![
        op("m", map),
        gather,
        call("x", "look at {{item}}", 1),
        end("end", json!("{{nodes.m.output}}")),
    ]
}

/// A run over so many items.
pub fn over(items: usize) -> Runner {
    let list: Vec<usize> = (0..items).collect();
    let mut run = Runner::of(super::program(mapping()), json!({ "list": list }));
    run.wake();
    run
}
