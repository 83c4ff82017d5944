//! Splits and joins: what stands in the log, in which commit, and what a branch sees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use expect_test::expect;
use lattice_engine::Cause;
use lattice_ir::{Assign, Join, JoinPolicy, Merge, Op, OpKind, Split, SplitBranch, Way};
use lattice_journal::{EventBody, FailureKind, RunStatus};
use lattice_model::{Guard, Guards, OpId, StageId, limits};
use serde_json::{Value, json};
use support::{Runner, end, op};

fn call(name: &str, prompt: &str, next: u32) -> Op {
    support::call(name, prompt, next, |_| {})
}

fn assign(name: &str, variable: &str, value: Option<Value>, next: u32) -> Op {
    let kind = OpKind::Assign(Assign {
        variable: variable.to_owned(),
        value,
        next: OpId(next),
        on_error: None,
    });
    op(name, kind)
}

/// A split of the given first ops, whose join leads on to `next`.
fn split(place: u32, firsts: &[u32], timeouts: &[u64]) -> Op {
    let branches = firsts.iter().enumerate().map(|(index, to)| SplitBranch {
        way: Way {
            port: format!("branch-{index}"),
            to: OpId(*to),
        },
        timeout_ms: timeouts.get(index).copied().filter(|ms| *ms > 0),
    });
    let kind = OpKind::Split(Split {
        branches: branches.collect(),
        join: OpId(place + 1),
    });
    op("p", kind)
}

fn join(split: u32, policy: JoinPolicy, merge: Merge, next: u32) -> Op {
    let kind = OpKind::Join(Join {
        split: OpId(split),
        policy,
        merge,
        next: OpId(next),
        on_error: None,
        on_timeout: None,
    });
    Op {
        name: "p.join".to_owned(),
        ..op("p", kind)
    }
}

/// Two calls side by side, `a` and `b`, and an end with the join's output.
fn two_calls(policy: JoinPolicy, merge: Merge) -> Runner {
    let ops = vec![
        split(0, &[2, 3], &[]),
        join(0, policy, merge, 4),
        call("a", "do a", 1),
        call("b", "do b", 1),
        end("end", json!("{{nodes.p.output}}")),
    ];
    let mut run = Runner::start(ops, json!({}));
    run.wake();
    run
}

fn output(run: &Runner) -> Value {
    match run.log.last() {
        Some(EventBody::RunCompleted(done)) => Value::clone(done.output.inline().unwrap()),
        other => panic!("the run did not complete: {other:?}"),
    }
}

#[test]
fn both_branches_begin_in_the_first_commit_and_the_join_fires_with_the_last_result() {
    let mut run = two_calls(JoinPolicy::All, Merge::Collect);
    assert_eq!(run.calls.len(), 2);
    let before = run.log.len();
    expect![[r#"
        run.queued
        run.started
        branch.started p/0 at a
        branch.started p/1 at b
        stage.completed p -
        stage.started a attempt 1 epoch 0 key 4d48
        llm.step.started a "do a"
        stage.started b attempt 1 epoch 0 key 45a3
        llm.step.started b "do b"
    "#]]
    .assert_eq(&run.lines(0));
    run.answers("b", 1, "from b");
    assert_eq!(run.state.status, RunStatus::Running);
    run.answers("a", 1, "from a");
    expect![[r#"
        llm.step.completed b "from b"
        stage.completed b "from b" -> p.join
        branch.ended p/1 Completed { output: Inline(String("from b")) }
        llm.step.completed a "from a"
        stage.completed a "from a" -> p.join
        branch.ended p/0 Completed { output: Inline(String("from a")) }
        join.fired p.join counted [0, 1] skipped []
        stage.completed p.join ["from a","from b"] -> end
        stage.completed end ["from a","from b"]
        run.completed ["from a","from b"]
    "#]]
    .assert_eq(&run.lines(before));
    assert_eq!(output(&run), json!(["from a", "from b"]));
}

#[test]
fn several_results_are_taken_in_by_one_decision() {
    let run = two_calls(JoinPolicy::All, Merge::Collect);
    let ended = |stage: &str| Cause::Ended {
        stage: StageId::new(stage),
        attempt: 1,
        outcome: Ok(support::done(stage)),
    };
    let decision = run.decide_all(vec![ended("a"), ended("b")]).unwrap();
    assert_eq!(decision.taken, 2);
    let last = decision.events.last();
    assert!(matches!(last, Some(EventBody::RunCompleted(_))), "{last:?}");
}

#[test]
fn the_first_success_ends_the_others_and_a_late_result_changes_nothing() {
    let mut run = two_calls(JoinPolicy::Quorum { needed: 1 }, Merge::First);
    run.answers("b", 1, "from b");
    assert_eq!(output(&run), json!("from b"));
    let skipped = |event: &&EventBody| matches!(event, EventBody::StageSkipped(skip) if skip.stage.as_str() == "a");
    assert_eq!(run.log.iter().filter(skipped).count(), 1);
    let length = run.log.len();
    run.answers("a", 1, "from a");
    assert_eq!(run.log.len(), length, "nothing follows the end");
}

#[test]
fn a_quorum_that_cannot_be_reached_fails_at_once() {
    let mut run = two_calls(JoinPolicy::Quorum { needed: 2 }, Merge::Collect);
    run.fails("a", 1, FailureKind::Auth);
    assert_eq!(run.state.status, RunStatus::Failed);
    let Some(EventBody::RunFailed(failed)) = run.log.last() else {
        panic!("{:?}", run.log.last());
    };
    assert_eq!(failed.failure.kind, FailureKind::Auth);
    let text = &failed.failure.message;
    assert!(text.contains("branch 0 failed at node `a`"), "{text}");
}

#[test]
fn wait_all_waits_for_the_others_before_it_fails_and_fail_fast_does_not() {
    let mut patient = two_calls(JoinPolicy::All, Merge::Collect);
    patient.fails("a", 1, FailureKind::Auth);
    assert_eq!(patient.state.status, RunStatus::Running);
    patient.answers("b", 1, "from b");
    assert_eq!(patient.state.status, RunStatus::Failed);
    let mut hasty = two_calls(JoinPolicy::FailFast, Merge::Collect);
    hasty.fails("a", 1, FailureKind::Auth);
    assert_eq!(hasty.state.status, RunStatus::Failed);
}

#[test]
fn a_branch_whose_time_is_up_has_failed_and_its_stages_are_skipped() {
    let ops = vec![
        split(0, &[2, 3], &[0, 50]),
        join(0, JoinPolicy::Quorum { needed: 1 }, Merge::Collect, 4),
        call("a", "do a", 1),
        call("b", "do b", 1),
        end("end", json!("{{nodes.p.output}}")),
    ];
    let mut run = Runner::start(ops, json!({}));
    run.wake();
    assert_eq!(run.state.due_at().unwrap().get(), 1_050);
    run.wake_at(1_049);
    assert_eq!(run.state.open_branches().count(), 2);
    run.wake_at(1_050);
    assert_eq!(run.state.open_branches().count(), 1);
    assert_eq!(run.state.claims().count(), 1);
    run.answers("a", 1, "from a");
    assert_eq!(output(&run), json!(["from a", null]));
}

/// Three branches that set `x`, and one of them `y` too, behind a call each.
fn writers(merge: Merge, guards: Guards) -> Runner {
    let ops = vec![
        split(0, &[2, 4, 6], &[]),
        join(0, JoinPolicy::All, merge, 8),
        call("a", "a", 3),
        assign("seta", "x", Some(json!({"from": "a", "a": 1})), 1),
        call("b", "b", 5),
        assign("setb", "x", Some(json!({"from": "b", "b": 2})), 1),
        call("c", "{{vars.x}}", 7),
        assign("setc", "y", Some(json!("{{vars.x}}")), 1),
        end("end", json!({"x": "{{vars.x}}", "y": "{{vars.y}}"})),
    ];
    let mut program = support::program(ops);
    program.variables.insert("x".to_owned(), json!("before"));
    let mut run = Runner::of(program, json!({}));
    run.guards = guards;
    run.wake();
    run
}

#[test]
fn every_merge_gives_the_same_whatever_the_order_of_the_ends() {
    let orders = [["a", "b", "c"], ["b", "a", "c"], ["c", "b", "a"]];
    let (a, b) = (json!({"from": "a", "a": 1}), json!({"from": "b", "b": 2}));
    let both = json!({"from": "b", "a": 1, "b": 2});
    let cases = [
        (Merge::Collect, json!([a, b])),
        (Merge::DeepMerge, both),
        (Merge::First, a.clone()),
        (Merge::Last, b.clone()),
    ];
    for (merge, right) in cases {
        for order in orders {
            let mut run = writers(merge, Guards::ALL);
            for stage in order {
                run.answers(stage, 1, "ok");
            }
            // Branch c saw what stood before the split, also when it was the last to look.
            assert_eq!(
                output(&run),
                json!({"x": right, "y": "before"}),
                "{order:?}"
            );
        }
    }
    let mut run = writers(Merge::Error, Guards::ALL);
    run.answers("a", 1, "ok")
        .answers("b", 1, "ok")
        .answers("c", 1, "ok");
    let Some(EventBody::RunFailed(failed)) = run.log.last() else {
        panic!("{:?}", run.log.last());
    };
    assert_eq!(failed.failure.kind, FailureKind::MergeConflict);
}

#[test]
fn each_guard_of_the_branches_is_what_makes_it_so() {
    let end_of = |guards: Guards, order: &[&str]| {
        let mut run = writers(Merge::Last, guards);
        for stage in order {
            run.answers(stage, 1, "ok");
        }
        run.log.last().cloned()
    };
    let right = end_of(Guards::ALL, &["b", "a", "c"]);
    assert_eq!(right, end_of(Guards::ALL, &["c", "a", "b"]).or(None));
    for guard in [Guard::JoinWaits, Guard::BranchScope, Guard::MergeInOrder] {
        let wrong = end_of(Guards::ALL.without(guard), &["b", "a", "c"]);
        assert_ne!(right, wrong, "{guard:?}");
    }
}

#[test]
fn a_split_in_a_branch_goes_with_it_and_a_cancel_ends_all_in_one_commit() {
    let ops = vec![
        split(0, &[2, 6], &[]),
        join(0, JoinPolicy::Quorum { needed: 1 }, Merge::Collect, 7),
        (op(
            "q",
            OpKind::Split(Split {
                branches: [4, 5]
                    .map(|to| SplitBranch {
                        way: Way {
                            port: format!("branch-{to}"),
                            to: OpId(to),
                        },
                        timeout_ms: None,
                    })
                    .to_vec(),
                join: OpId(3),
            }),
        )),
        Op {
            name: "q.join".to_owned(),
            ..op(
                "q",
                OpKind::Join(Join {
                    split: OpId(2),
                    policy: JoinPolicy::All,
                    merge: Merge::Collect,
                    next: OpId(1),
                    on_error: None,
                    on_timeout: None,
                }),
            )
        },
        call("a", "a", 3),
        call("b", "b", 3),
        call("c", "c", 1),
        end("end", json!("{{nodes.p.output}}")),
    ];
    let start = || {
        let mut run = Runner::start(ops.clone(), json!({}));
        run.wake();
        run
    };
    let mut run = start();
    assert_eq!(run.state.stages.len(), 5, "three calls and two joins");
    run.answers("a", 1, "from a");
    run.answers("c", 1, "from c");
    assert_eq!(output(&run), json!([null, "from c"]));
    let mut run = start();
    run.answers("a", 1, "from a").answers("b", 1, "from b");
    assert_eq!(output(&run), json!([["from a", "from b"], null]));
    let mut run = start();
    let before = run.log.len();
    run.cancel("stop");
    let skipped = run
        .log
        .iter()
        .skip(before)
        .filter(|event| matches!(event, EventBody::StageSkipped(_)));
    assert_eq!(skipped.count(), 5);
    assert_eq!(run.state.status, RunStatus::Cancelled);
    assert!(run.state.branches.is_empty());
}

#[test]
fn an_empty_branch_gives_nothing_and_sixteen_fit() {
    let firsts: Vec<u32> = (0..16).map(|n| if n == 0 { 1 } else { n + 2 }).collect();
    let mut ops = vec![
        split(0, &firsts, &[]),
        join(0, JoinPolicy::All, Merge::Collect, 18),
        assign("unused", "x", None, 1),
    ];
    ops.extend((1..16).map(|n| call(&format!("c{n}"), "go", 1)));
    ops.push(end("end", json!("{{nodes.p.output}}")));
    let mut run = Runner::start(ops, json!({}));
    loop {
        let decision = run.decide(Cause::Wake).unwrap();
        assert!(decision.events.len() <= limits::COMMIT_EVENTS_MAX);
        let more = decision.more;
        run.take(decision);
        if !more {
            break;
        }
    }
    assert_eq!(run.calls.len(), 15);
    for n in (1..16).rev() {
        run.answers(&format!("c{n}"), 1, &n.to_string());
    }
    let right: Vec<Value> = (0..16)
        .map(|n| {
            if n == 0 {
                Value::Null
            } else {
                json!(n.to_string())
            }
        })
        .collect();
    assert_eq!(output(&run), json!(right));
}
