//! What the tests of maps share.

use super::{Runner, end, op};
use lattice_ir::{Gather, Map, Op, OpKind, Way};
use lattice_journal::{EventBody, Failure, ValueRef};
use lattice_model::OpId;
use serde_json::{Value, json};

pub fn call(name: &str, prompt: &str, next: u32) -> Op {
    super::call(name, prompt, next, |call| call.retry.attempts_max = 1)
}

/// `%0` the map, `%1` its gather, `%2` where an item begins, and the run goes on at `next`.
pub fn map(next: u32, change: impl FnOnce(&mut Map)) -> [Op; 2] {
    let mut map = Map {
        items: json!("{{in.items}}"),
        batch_size: 1_000,
        batches_at_once: 1,
        items_at_once: 16,
        pause_ms: 0,
        goes_on: false,
        way: Way {
            port: "each".to_owned(),
            to: OpId(2),
        },
        gather: OpId(1),
        on_error: None,
    };
    change(&mut map);
    let gather = OpKind::Gather(Gather {
        map: OpId(0),
        next: OpId(next),
        on_error: map.on_error,
    });
    [op("m", OpKind::Map(map)), op("m.gather", gather)]
}

/// One call for each item, then the end.
pub fn calls(items: Value, change: impl FnOnce(&mut Map)) -> Runner {
    let [first, gather] = map(3, change);
    let ops = vec![
        first,
        gather,
        call("a", "do {{item}} at {{index}}", 1),
        end("end", json!("{{nodes.m.output}}")),
    ];
    let mut run = Runner::start(ops, json!({ "items": items }));
    run.wake();
    run
}

pub fn open(run: &Runner) -> Vec<String> {
    run.state.stages.keys().map(ToString::to_string).collect()
}

pub fn output(run: &Runner) -> Value {
    match run.log.last() {
        Some(EventBody::RunCompleted(done)) => match &done.output {
            ValueRef::Inline(value) => Value::clone(value),
            ValueRef::Blob { hash, .. } => Value::clone(run.blobs.get(hash).unwrap()),
        },
        other => panic!("the run did not complete: {other:?}"),
    }
}

pub fn failure(run: &Runner) -> &Failure {
    match run.log.last() {
        Some(EventBody::RunFailed(failed)) => &failed.failure,
        other => panic!("the run did not fail: {other:?}"),
    }
}
