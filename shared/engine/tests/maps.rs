//! Maps: which items begin, what they see, and what comes of them, in one run and in batches.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{Phase, RunState, fold, start_batch};
use lattice_ir::{Gather, Map, Op, OpKind, Way};
use lattice_journal::payload::{ChildOutcome, Parent};
use lattice_journal::{
    Event, EventBody, Failure, FailureKind, InboxBody, RunStatus, Usage, ValueRef,
};
use lattice_model::{Millis, OpId, RunId, Seq, StageId, limits};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{Runner, end, op};

fn call(name: &str, prompt: &str, next: u32) -> Op {
    support::call(name, prompt, next, |call| call.retry.attempts_max = 1)
}

/// `%0` the map, `%1` its gather, `%2` where an item begins, and the run goes on at `next`.
fn map(next: u32, change: impl FnOnce(&mut Map)) -> [Op; 2] {
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
fn calls(items: Value, change: impl FnOnce(&mut Map)) -> Runner {
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

fn open(run: &Runner) -> Vec<String> {
    run.state.stages.keys().map(ToString::to_string).collect()
}

fn output(run: &Runner) -> Value {
    match run.log.last() {
        Some(EventBody::RunCompleted(done)) => match &done.output {
            ValueRef::Inline(value) => Value::clone(value),
            ValueRef::Blob { hash, .. } => Value::clone(run.blobs.get(hash).unwrap()),
        },
        other => panic!("the run did not complete: {other:?}"),
    }
}

fn failure(run: &Runner) -> &Failure {
    match run.log.last() {
        Some(EventBody::RunFailed(failed)) => &failed.failure,
        other => panic!("the run did not fail: {other:?}"),
    }
}

#[test]
fn results_stand_by_the_places_of_the_items_whatever_order_they_end_in() {
    let mut run = calls(json!(["x", "y", "z"]), |_| {});
    assert_eq!(open(&run), ["a[0]", "a[1]", "a[2]", "m.gather"]);
    let prompts: Vec<String> = run
        .calls
        .iter()
        .map(|call| format!("{:?}", call.effect))
        .collect();
    assert!(prompts[1].contains("do y at 1"), "{}", prompts[1]);
    let keys: std::collections::BTreeSet<_> = run.calls.iter().map(|call| call.key).collect();
    assert_eq!(keys.len(), 3, "each item has a key of its own");
    run.answers("a[2]", 1, "Z")
        .answers("a[0]", 1, "X")
        .answers("a[1]", 1, "Y");
    assert_eq!(output(&run), json!(["X", "Y", "Z"]));
}

#[test]
fn so_many_items_are_under_way_at_once_as_the_map_says() {
    let mut run = calls(json!([0, 1, 2, 3]), |map| map.items_at_once = 2);
    assert_eq!(open(&run), ["a[0]", "a[1]", "m.gather"]);
    run.answers("a[1]", 1, "1");
    assert_eq!(open(&run), ["a[0]", "a[2]", "m.gather"]);
    run.answers("a[2]", 1, "2")
        .answers("a[3]", 1, "3")
        .answers("a[0]", 1, "0");
    assert_eq!(output(&run), json!(["0", "1", "2", "3"]));
}

#[test]
fn a_batch_waits_for_the_one_before_it_and_for_the_pause() {
    let mut run = calls(json!([0, 1, 2, 3, 4]), |map| {
        (map.batch_size, map.pause_ms) = (2, 5_000);
    });
    assert_eq!(open(&run), ["a[0]", "a[1]", "m.gather"]);
    run.answers("a[0]", 1, "0");
    assert_eq!(
        open(&run),
        ["a[1]", "m.gather"],
        "the first batch is not over"
    );
    run.answers("a[1]", 1, "1");
    assert_eq!(open(&run), ["m.gather"], "the pause is not over");
    assert_eq!(run.state.status, RunStatus::Waiting);
    assert_eq!(run.state.due_at(), Some(Millis::new(6_000)));
    run.wake_at(5_999);
    assert_eq!(open(&run), ["m.gather"]);
    run.wake_at(6_000);
    assert_eq!(open(&run), ["a[2]", "a[3]", "m.gather"]);
    run.at = 20_000;
    run.answers("a[3]", 1, "3")
        .answers("a[2]", 1, "2")
        .answers("a[4]", 1, "4");
    assert_eq!(output(&run), json!(["0", "1", "2", "3", "4"]));
}

#[test]
fn batches_go_side_by_side_if_they_may() {
    let run = calls(json!([0, 1, 2, 3, 4]), |map| {
        (map.batch_size, map.batches_at_once) = (2, 2);
    });
    assert_eq!(open(&run), ["a[0]", "a[1]", "a[2]", "a[3]", "m.gather"]);
}

#[test]
fn the_first_failure_ends_the_map_or_stands_among_the_results() {
    let mut run = calls(json!(["x", "y", "z"]), |_| {});
    run.fails("a[1]", 1, FailureKind::Refused);
    assert_eq!(failure(&run).kind, FailureKind::Refused);
    assert_eq!(failure(&run).message, "item 1 failed at node `a`: scripted");
    let lines = run.lines(0);
    assert!(
        lines.contains("stage.skipped a[0] (another item of the map failed)"),
        "{lines}"
    );
    assert!(run.state.branches.is_empty());

    let mut run = calls(json!(["x", "y"]), |map| map.goes_on = true);
    run.fails("a[0]", 1, FailureKind::Refused)
        .answers("a[1]", 1, "Y");
    let failed = json!({"error": {"kind": "refused", "message": "scripted"}});
    assert_eq!(output(&run), json!([failed, "Y"]));
}

#[test]
fn a_failed_map_is_caught() {
    let [first, gather] = map(3, |map| map.on_error = Some(OpId(4)));
    let ops = vec![
        first,
        gather,
        call("a", "do it", 1),
        end("end", json!("fine")),
        end("sorry", json!("{{nodes.m.output.error.message}}")),
    ];
    let mut run = Runner::start(ops.clone(), json!({"items": [1, 2]}));
    run.wake().fails("a[0]", 1, FailureKind::Refused);
    assert_eq!(output(&run), json!("item 0 failed at node `a`: scripted"));
    let mut run = Runner::start(ops, json!({"items": "one, two"}));
    run.wake();
    assert_eq!(output(&run), json!("`items` gives a text, not a list"));
}

#[test]
fn what_is_no_list_or_too_long_fails_at_the_map() {
    for (items, word) in [
        (json!(null), "nothing"),
        (json!({"a": 1}), "an object"),
        (json!(3), "a number"),
    ] {
        let run = calls(items, |_| {});
        assert_eq!(
            failure(&run).message,
            format!("`items` gives {word}, not a list")
        );
    }
    let over = vec![0; limits::MAP_ITEMS_MAX + 1];
    let run = calls(json!(over), |_| {});
    assert_eq!(failure(&run).kind, FailureKind::Limit);
    assert_eq!(
        failure(&run).message,
        "the list has 10001 items, the limit is 10000"
    );
    let most = calls(json!(vec![0; limits::MAP_ITEMS_MAX]), |_| {});
    assert_eq!(most.state.status, RunStatus::Waiting);
    assert_eq!(output(&calls(json!([]), |_| {})), json!([]));
}

#[test]
fn an_item_with_which_nothing_is_done_is_its_own_result() {
    let [first, gather] = map(2, |map| {
        map.way.to = OpId(1);
        map.items_at_once = 2;
    });
    let ops = vec![first, gather, end("end", json!("{{nodes.m.output}}"))];
    let mut run = Runner::start(ops, json!({"items": [1, {"a": 2}, null]}));
    run.wake();
    assert_eq!(output(&run), json!([1, {"a": 2}, null]));
}

#[test]
fn a_loop_in_the_body_counts_for_each_item() {
    let [first, gather] = map(3, |_| {});
    let mut again = call("a", "again", 4);
    again.visits_max = Some(3);
    let choose = op(
        "c",
        OpKind::Choice(lattice_ir::Choice {
            arms: vec![lattice_ir::Arm {
                test: lattice_ir::Test::Equals {
                    target: "{{nodes.a.output}}".to_owned(),
                    value: json!("good"),
                },
                way: Way {
                    port: "yes".to_owned(),
                    to: OpId(1),
                },
            }],
            otherwise: Some(Way {
                port: "no".to_owned(),
                to: OpId(2),
            }),
            on_error: None,
            keeps_port: false,
        }),
    );
    let ops = vec![
        first,
        gather,
        again,
        end("end", json!("{{nodes.m.output}}")),
        choose,
    ];
    let mut run = Runner::start(ops, json!({"items": [1, 2]}));
    run.wake()
        .answers("a[0]", 1, "bad")
        .answers("a[0]@2", 1, "good");
    assert_eq!(open(&run), ["a[1]", "m.gather"]);
    run.answers("a[1]", 1, "bad")
        .answers("a[1]@2", 1, "bad")
        .answers("a[1]@3", 1, "good");
    assert_eq!(output(&run), json!(["good", "good"]));
}

#[test]
fn an_answer_for_one_of_several_items_names_it() {
    let [first, gather] = map(3, |_| {});
    let ask = op(
        "ask",
        OpKind::Wait(lattice_ir::Wait {
            question: Some(lattice_ir::QuestionTemplate {
                text: "{{item}}?".to_owned(),
                options: Vec::new(),
                choice: lattice_journal::Choice::Text,
            }),
            timer: None,
            on_answer: Some(OpId(1)),
            on_timer: None,
            on_error: None,
        }),
    );
    let ops = vec![first, gather, ask, end("end", json!("{{nodes.m.output}}"))];
    let mut run = Runner::start(ops, json!({"items": ["x", "y"]}));
    // Too early, and for nobody in particular.
    run.put_signal("early", "ask", json!("?"));
    run.wake();
    let lines = run.lines(0);
    assert!(
        lines.contains("early refused: node `ask` asks for each item"),
        "{lines}"
    );
    run.signal("s1", "ask", None, json!("?"));
    assert!(
        run.lines(0)
            .contains("s1 refused: node `ask` asks for each item")
    );
    run.signal("s2", "ask", Some("ask[1]"), json!("why"));
    // Only one is left: there is nothing to guess.
    run.signal("s3", "ask", None, json!("ex"));
    assert_eq!(output(&run), json!([{"text": "ex"}, {"text": "why"}]));
}

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
fn the_log_folds_to_the_state_at_every_event() {
    let mut run = calls(json!(["x", "y", "z"]), |map| map.items_at_once = 2);
    run.answers("a[1]", 1, "Y");
    let events = (1..).zip(&run.log).map(|(seq, body)| Event {
        run: Runner::run_id(),
        seq: Seq::from_stored(seq),
        timestamp: Millis::new(1_000),
        body: body.clone(),
    });
    let events: Vec<Event> = events.collect();
    assert_eq!(fold(RunState::empty(), &events), run.state);
    let stored = serde_json::to_string(&run.state).unwrap();
    let read: RunState = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, run.state);
    assert!(matches!(
        run.state.stages[&StageId::new("m.gather")].phase,
        Phase::Mapping(_)
    ));
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
