//! Loops in a branch: begun with it, joined with it, and ended with it by their ceiling.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use expect_test::{Expect, expect};
use lattice_ir::{Arm, Choice, Join, JoinPolicy, Merge, Op, OpKind, Split, SplitBranch, Test, Way};
use lattice_journal::EventBody;
use lattice_model::OpId;
use serde_json::json;
use support::{Runner, call, end, op};

fn check(runner: &Runner, expect: Expect) {
    expect.assert_eq(&runner.lines(2));
}

fn at_most(max: u32, op: Op) -> Op {
    let visits_max = Some(max);
    Op { visits_max, ..op }
}

fn way(port: &str, to: u32) -> Way {
    let (port, to) = (port.to_owned(), OpId(to));
    Way { port, to }
}

/// Goes back while the test holds. Its node keeps the output that it had.
fn again(name: &str, test: &str, back: u32, on: u32) -> Op {
    let arm = Arm {
        test: Test::Cel(test.to_owned()),
        way: way("true", back),
    };
    let kind = OpKind::Choice(Choice {
        arms: vec![arm],
        otherwise: Some(way("false", on)),
        on_error: None,
        keeps_port: false,
    });
    op(name, kind)
}

/// A split with a loop in its first branch, and a call in the other.
fn in_branch() -> Runner {
    let branches = [2, 4].map(|to| SplitBranch {
        way: way(&format!("branch-{to}"), to),
        timeout_ms: None,
    });
    let split = OpKind::Split(Split {
        branches: branches.to_vec(),
        join: OpId(1),
    });
    let join = OpKind::Join(Join {
        split: OpId(0),
        policy: JoinPolicy::All,
        merge: Merge::Collect,
        next: OpId(5),
        on_error: Some(OpId(5)),
        on_timeout: None,
    });
    let ops = vec![
        op("p", split),
        op("p.join", join),
        at_most(2, call("a", "a", 3, |_| {})),
        again("again", "nodes.a.output != 'good'", 2, 1),
        call("b", "b", 1, |_| {}),
        end("end", json!("{{nodes.p.output}}")),
    ];
    let mut run = Runner::start(ops, json!({}));
    run.wake();
    run
}

#[test]
fn a_loop_in_a_branch_begins_with_it_and_ends_in_its_join() {
    let mut run = in_branch();
    run.answers("a", 1, "bad").answers("b", 1, "b");
    run.answers("a@2", 1, "good");
    check(
        &run,
        expect![[r#"
        branch.started p/0 at a
        branch.started p/1 at b
        stage.completed p -
        stage.started a attempt 1 epoch 0 key 4d48
        llm.step.started a "a"
        stage.started b attempt 1 epoch 0 key 45a3
        llm.step.started b "b"
        llm.step.completed a "bad"
        stage.completed a "bad" -> again
        stage.completed again [true] - -> a@2
        stage.started a@2 attempt 1 epoch 0 key 5d1e
        llm.step.started a@2 "a"
        llm.step.completed b "b"
        stage.completed b "b" -> p.join
        branch.ended p/1 Completed { output: Inline(String("b")) }
        llm.step.completed a@2 "good"
        stage.completed a@2 "good" -> again@2
        stage.completed again@2 [false] - -> p.join
        branch.ended p/0 Completed { output: Inline(String("good")) }
        join.fired p.join counted [0, 1] skipped []
        stage.completed p.join ["good","b"] -> end
        stage.completed end ["good","b"]
        run.completed ["good","b"]
    "#]],
    );
}

#[test]
fn the_ceiling_of_a_loop_in_a_branch_ends_the_branch() {
    let mut run = in_branch();
    run.answers("a", 1, "bad").answers("a@2", 1, "worse");
    let before = run.log.len();
    run.answers("b", 1, "b");
    let ended = run.log.iter().find_map(|event| match event {
        EventBody::BranchEnded(ended) => Some(format!("{:?}", ended.outcome)),
        _ => None,
    });
    let ended = ended.unwrap();
    assert!(
        ended.contains("Limit") && ended.contains("\"a\""),
        "{ended}"
    );
    expect![[r#"
        llm.step.completed b "b"
        stage.completed b "b" -> p.join
        branch.ended p/1 Completed { output: Inline(String("b")) }
        join.fired p.join counted [] skipped []
        stage.failed p.join after 0 limit -> end
        stage.completed end {"error":{"kind":"limit","message":"branch 0 failed at node `a`: the loop came here more often than 2 times"}}
        run.completed {"error":{"kind":"limit","message":"branch 0 failed at node `a`: the loop came here more often than 2 times"}}
    "#]].assert_eq(&run.lines(before));
}
