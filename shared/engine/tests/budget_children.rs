//! Budgets of runs that are called: what is kept for them, and what counts when they are left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{Origin, Phase, start};
use lattice_ir::{Invoke, Op, OpKind, Plan, Program};
use lattice_journal::payload::{ChildOutcome, Parent};
use lattice_journal::{Budget, InboxBody, RunStatus, Usage, ValueRef};
use lattice_model::{Hash, Millis, OpId, RunId, StageId, Tenant, WorkflowId};
use serde_json::json;
use std::sync::Arc;
use support::budgets::{NEEDED, ask, claimed, fan, run, spending, used};
use support::{Runner, end, op, program};

fn invoke(name: &str, own: Option<u64>, next: u32) -> Op {
    let kind = OpKind::Invoke(Invoke {
        workflow: WorkflowId::new("other"),
        program: Hash::of(b"other"),
        input: json!({}),
        budget: own.map(|tokens| Budget { tokens }),
        timeout_ms: Some(50_000),
        next: OpId(next),
        on_error: None,
        on_timeout: Some(OpId(next)),
    });
    op(name, kind)
}

fn child(run: &Runner, stage: &str) -> (RunId, Option<Budget>) {
    match &run.state.stages[&StageId::new(stage)].phase {
        Phase::Calling(child) => (child.run.clone(), child.budget),
        other => panic!("{other:?}"),
    }
}

fn ends(run: &mut Runner, stage: &str, child: &RunId, tokens: u64, lost: u64) {
    let body = InboxBody::ChildEnded {
        stage: StageId::new(stage),
        child: child.clone(),
        outcome: ChildOutcome::Completed {
            output: ValueRef::Inline(Arc::new(json!("x"))),
        },
        usage: Usage {
            input_tokens: tokens,
            output_tokens: 0,
        },
        lost,
    };
    run.item(&format!("end_{child}"), body).wake();
}

#[test]
fn a_called_run_is_given_what_is_left_and_whoever_comes_next_waits_for_its_end() {
    let mut run = run(
        500,
        fan(2, vec![invoke("a", None, 1), invoke("b", None, 1)]),
    );
    run.wake();
    let (first, budget) = child(&run, "a");
    assert_eq!(budget, Some(Budget { tokens: 500 }));
    assert_eq!(run.state.stages[&StageId::new("b")].phase, Phase::Ready);
    assert_eq!(run.state.status, RunStatus::Waiting);
    ends(&mut run, "a", &first, 120, 30);
    let (second, budget) = child(&run, "b");
    assert_eq!(budget, Some(Budget { tokens: 350 }));
    ends(&mut run, "b", &second, 350, 0);
    assert_eq!(run.state.status, RunStatus::Completed);
    assert_eq!(spending(&run).left(run.state.totals.usage), 0);
}

#[test]
fn a_workflow_with_a_smaller_budget_of_its_own_is_given_no_more() {
    let arms = vec![invoke("a", Some(200), 1), invoke("b", Some(900), 1)];
    let mut run = run(500, fan(2, arms));
    run.wake();
    let budgets = ["a", "b"].map(|stage| child(&run, stage).1.unwrap().tokens);
    assert_eq!(budgets, [200, 300]);
}

#[test]
fn with_nothing_left_and_nothing_reserved_a_run_is_called_all_the_same() {
    let ops = vec![
        ask("a", 1, |_| {}),
        invoke("b", None, 2),
        end("end", json!("x")),
    ];
    let mut run = run(NEEDED, ops);
    run.wake();
    used(&mut run, "a", 1, NEEDED);
    // It may need no model: the first call that it makes would fail.
    assert_eq!(child(&run, "b").1, Some(Budget { tokens: 0 }));
}

#[test]
fn a_run_that_is_left_behind_counts_until_it_says_what_it_used() {
    let ops = vec![
        invoke("a", Some(200), 1),
        ask("b", 2, |call| call.timeout_ms = 400_000),
        end("end", json!("x")),
    ];
    let mut run = run(500, ops);
    run.wake();
    let (left, _) = child(&run, "a");
    run.wake_later(50_000);
    assert_eq!(claimed(&run), ["b"]);
    assert_eq!(spending(&run).unrecorded(), 200);
    ends(&mut run, "a", &left, 20, 5);
    assert_eq!(spending(&run).unrecorded(), 5);
    assert_eq!(spending(&run).used(run.state.totals.usage), 25);
}

#[test]
fn the_smaller_of_two_budgets_counts_for_a_called_run() {
    for (own, kept, counts) in [
        (None, None, None),
        (Some(7), None, Some(7)),
        (None, Some(9), Some(9)),
        (Some(7), Some(9), Some(7)),
        (Some(9), Some(7), Some(7)),
    ] {
        let budget = |tokens: Option<u64>| tokens.map(|tokens| Budget { tokens });
        let program = Program {
            budget: budget(own),
            ..program(vec![end("end", json!("x"))])
        };
        let plan = Plan::new(Arc::new(program)).unwrap();
        let origin = Origin::Parent {
            parent: Parent {
                run: Runner::run_id(),
                stage: StageId::new("a"),
                root: Runner::run_id(),
                depth: 1,
            },
            deadline: Millis::new(90_000),
            budget: budget(kept),
        };
        let begun = start(&plan, Tenant::local(), json!({}), origin, Millis::new(1)).unwrap();
        let spending = begun.state.spending.map(|it| it.budget);
        assert_eq!(spending, budget(counts));
    }
}
