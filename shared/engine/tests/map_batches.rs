//! Maps whose batches are runs of their own, driven by hand beside the run above.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::start_batch;
use lattice_ir::{Map, OpKind, Way};
use lattice_journal::payload::{ChildOutcome, Parent};
use lattice_journal::{EventBody, FailureKind, InboxBody, RunStatus, Usage, ValueRef};
use lattice_model::{Millis, OpId, RunId, StageId, limits};
use serde_json::{Value, json};
use std::sync::Arc;
use support::maps::{call, failure, map, open, output};
use support::{Runner, end, op};

/// A run above and its batches, driven by hand.
struct Family {
    above: Runner,
    runs: Vec<(StageId, RunId, Runner)>,
}

impl Family {
    /// Begins the batches that were called and are not there.
    fn begin(&mut self) {
        let called: Vec<_> = self
            .above
            .state
            .children()
            .map(|(stage, child)| (stage.clone(), child.clone()))
            .collect();
        for (stage, child) in called {
            if self.runs.iter().any(|(known, ..)| *known == stage) {
                continue;
            }
            let (_, mapping) = self
                .above
                .state
                .mapping_of(&child.batch.as_ref().unwrap().map)
                .unwrap();
            let items = match &mapping.items {
                ValueRef::Inline(items) => Arc::clone(items),
                ValueRef::Blob { hash, .. } => Arc::clone(self.above.blobs.get(hash).unwrap()),
            };
            let parent = Parent {
                run: Runner::run_id(),
                stage: stage.clone(),
                root: Runner::run_id(),
                depth: 1,
            };
            let at = Millis::new(self.above.at);
            let first = start_batch(
                &self.above.plan,
                &self.above.state,
                (&stage, &child),
                &items,
                parent,
                at,
            )
            .unwrap();
            let mut run = Runner::of(self.above.plan.program().as_ref().clone(), json!({}));
            run.blobs = self.above.blobs.clone();
            run.log.clear();
            run.take(first);
            run.wake();
            self.runs.push((stage, child.run, run));
        }
    }

    /// Tells the run above of the end of a batch.
    fn end(&mut self, place: usize) {
        let (stage, child, run) = &self.runs[place];
        let outcome = match run.log.last() {
            Some(EventBody::RunCompleted(done)) => ChildOutcome::Completed {
                output: done.output.clone(),
            },
            Some(EventBody::RunFailed(failed)) => ChildOutcome::Failed {
                failure: failed.failure.clone(),
            },
            other => panic!("the batch is not over: {other:?}"),
        };
        self.above.blobs.extend(run.blobs.clone());
        let body = InboxBody::ChildEnded {
            stage: stage.clone(),
            child: child.clone(),
            outcome,
            usage: Usage::default(),
            lost: 0,
        };
        self.above.item(&format!("end{place}"), body).wake();
    }
}

fn family(items: u32, change: impl FnOnce(&mut Map)) -> Family {
    let [first, gather] = map(4, change);
    let kept = op(
        "kept",
        OpKind::Eval(lattice_ir::Eval {
            input: json!("of {{in.name}}"),
            transform: None,
            fallback: None,
            next: OpId(0),
            on_error: None,
        }),
    );
    let ops = vec![
        first,
        gather,
        call("a", "{{item}} {{index}} {{nodes.kept.output}}", 1),
        kept,
        end("end", json!("{{nodes.m.output}}")),
    ];
    let items: Vec<u32> = (0..items).collect();
    let mut program = support::program(ops);
    program.entry = OpId(3);
    let mut above = Runner::of(program, json!({"items": items, "name": "N"}));
    above.wake();
    let runs = Vec::new();
    let mut family = Family { above, runs };
    family.begin();
    family
}

#[test]
fn more_than_sixteen_items_go_in_runs_of_their_own() {
    let mut all = family(20, |map| (map.batch_size, map.batches_at_once) = (8, 2));
    assert_eq!(open(&all.above), ["m.batch[0]", "m.batch[8]", "m.gather"]);
    for place in [1, 0] {
        let run = &mut all.runs[place].2;
        let first = place as u32 * 8;
        let prompt = format!("{:?}", run.calls[0].effect);
        assert!(
            prompt.contains(&format!("{first} {first} of N")),
            "{prompt}"
        );
        for index in (first..first + 8).rev() {
            run.answers(&format!("a[{index}]"), 1, &format!("R{index}"));
        }
        assert_eq!(run.state.status, RunStatus::Completed);
    }
    all.end(1);
    assert_eq!(open(&all.above), ["m.batch[0]", "m.batch[16]", "m.gather"]);
    all.begin();
    for index in 16..20 {
        all.runs[2]
            .2
            .answers(&format!("a[{index}]"), 1, &format!("R{index}"));
    }
    all.end(2);
    all.end(0);
    let expected: Vec<String> = (0..20).map(|index| format!("R{index}")).collect();
    assert_eq!(output(&all.above), json!(expected));
}

#[test]
fn a_batch_that_fails_ends_the_map_and_the_other_batches() {
    let mut all = family(32, |map| (map.batch_size, map.batches_at_once) = (16, 2));
    all.runs[1].2.fails("a[20]", 1, FailureKind::Refused);
    assert_eq!(
        failure(&all.runs[1].2).message,
        "item 20 failed at node `a`: scripted"
    );
    all.end(1);
    assert_eq!(failure(&all.above).kind, FailureKind::Refused);
    assert!(
        all.above
            .lines(0)
            .contains("stage.skipped m.batch[0] (another item of the map failed)")
    );
}

#[test]
fn the_items_of_a_batch_that_could_not_go_on_count_as_failed() {
    let mut all = family(17, |map| {
        (map.batch_size, map.batches_at_once, map.goes_on) = (9, 2, true)
    });
    for index in 9..17 {
        all.runs[1].2.answers(&format!("a[{index}]"), 1, "R");
    }
    all.end(1);
    let (stage, child, _) = &all.runs[0];
    let body = InboxBody::ChildEnded {
        stage: stage.clone(),
        child: child.clone(),
        outcome: ChildOutcome::Cancelled,
        usage: Usage::default(),
        lost: 0,
    };
    all.above.item("gone", body).wake();
    let output = output(&all.above);
    assert_eq!(output[8]["error"]["kind"], json!("child_cancelled"));
    assert_eq!(output[9], json!("R"));
    assert_eq!(output.as_array().unwrap().len(), 17);
}

#[test]
fn large_values_of_a_batch_stand_aside_in_its_first_event() {
    let [first, gather] = map(3, |map| map.batch_size = 17);
    let body = call("a", "{{vars}} {{item}}", 1);
    let ops = vec![first, gather, body, end("end", json!("{{nodes.m.output}}"))];
    let mut program = support::program(ops);
    for place in 0..12 {
        let text = Value::from("x".repeat(5_000));
        program.variables.insert(format!("v{place}"), text);
    }
    let items: Vec<String> = (0..17)
        .map(|place| format!("{place}{}", "y".repeat(1_000)))
        .collect();
    let mut above = Runner::of(program, json!({ "items": items }));
    above.wake();
    let mut all = Family {
        above,
        runs: Vec::new(),
    };
    all.begin();
    let EventBody::RunQueued(queued) = &all.runs[0].2.log[0] else {
        panic!("no first event");
    };
    assert_eq!(queued.variables.len(), 12);
    let bytes = serde_json::to_vec(&queued).unwrap().len();
    assert!(bytes < limits::COMMIT_BYTES_CUT, "{bytes}");
}

#[test]
fn batches_share_what_is_left_of_the_budget() {
    let [first, gather] = map(3, |map| (map.batch_size, map.batches_at_once) = (9, 2));
    let body = call("a", "{{item}}", 1);
    let ops = vec![first, gather, body, end("end", json!("{{nodes.m.output}}"))];
    let mut program = support::program(ops);
    program.budget = Some(lattice_journal::Budget { tokens: 100_001 });
    let items: Vec<u32> = (0..18).collect();
    let mut run = Runner::of(program, json!({ "items": items }));
    run.wake();
    let budgets: Vec<_> = run
        .state
        .children()
        .map(|(_, child)| child.budget.unwrap().tokens)
        .collect();
    assert_eq!(budgets, [50_000, 50_001]);
}

#[test]
fn a_batch_that_is_left_by_the_decision_that_calls_it_is_nobodys() {
    let [mut first, mut gather] = map(6, |map| (map.batch_size, map.batches_at_once) = (9, 2));
    if let (OpKind::Map(map), OpKind::Gather(gather)) = (&mut first.kind, &mut gather.kind) {
        (map.way.to, gather.next) = (OpId(2), OpId(5));
    }
    let branch = |to| lattice_ir::SplitBranch {
        way: Way {
            port: format!("to {to}"),
            to: OpId(to),
        },
        timeout_ms: None,
    };
    let split = op(
        "fan",
        OpKind::Split(lattice_ir::Split {
            branches: vec![branch(0), branch(4)],
            join: OpId(5),
        }),
    );
    let quick = op(
        "quick",
        OpKind::Eval(lattice_ir::Eval {
            input: json!("quick"),
            transform: None,
            fallback: None,
            next: OpId(5),
            on_error: None,
        }),
    );
    let join = op(
        "fan.join",
        OpKind::Join(lattice_ir::Join {
            split: OpId(3),
            policy: lattice_ir::JoinPolicy::Quorum { needed: 1 },
            merge: lattice_ir::Merge::First,
            next: OpId(6),
            on_error: None,
            on_timeout: None,
        }),
    );
    let ops = vec![
        first,
        gather,
        call("a", "{{item}}", 1),
        split,
        quick,
        join,
        end("end", json!("{{nodes.fan.output}}")),
    ];
    let mut program = support::program(ops);
    program.entry = OpId(3);
    let items: Vec<u32> = (0..17).collect();
    let run = Runner::of(program, json!({ "items": items }));
    let decision = run.decide(lattice_engine::Cause::Wake).unwrap();
    let called = |event: &&EventBody| matches!(event, EventBody::ChildStarted(_));
    assert_eq!(decision.events.iter().filter(called).count(), 2);
    assert!(matches!(
        decision.events.last(),
        Some(EventBody::RunCompleted(_))
    ));
    assert_eq!((decision.children, decision.orphans), (vec![], vec![]));
}
