//! Budgets: what a claim reserves, what waits for it, what fails, and what counts of lost attempts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{Cause, Phase, RunState};
use lattice_ir::EffectRequest;
use lattice_journal::{EventBody, FailureKind, RunStatus};
use lattice_model::{Guard, Guards, OpId, StageId, limits};
use serde_json::{Value, json};
use support::budgets::{NEEDED, ask, claimed, failure, fan, run, spending, two, used};
use support::{Runner, end};

#[test]
fn a_claim_reserves_what_the_call_can_use_and_its_end_settles_what_it_did() {
    let mut run = run(NEEDED, vec![ask("a", 1, |_| {}), end("end", json!("x"))]);
    run.wake();
    assert_eq!(spending(&run).reserved(), NEEDED);
    let reserved = run.log.iter().find_map(|event| match event {
        EventBody::StageStarted(claim) => claim.reserved,
        _ => None,
    });
    assert_eq!(reserved, Some(NEEDED));
    used(&mut run, "a", 1, 15);
    let usage = run.state.totals.usage;
    assert_eq!(
        (spending(&run).reserved(), spending(&run).used(usage)),
        (0, 15)
    );
    assert_eq!(spending(&run).left(usage), NEEDED - 15);
    assert_eq!(run.state.status, RunStatus::Completed);
}

#[test]
fn a_run_without_a_budget_reserves_nothing_and_keeps_its_calls_as_they_are() {
    let ops = vec![
        support::call("a", "do a", 1, |_| {}),
        end("end", json!("x")),
    ];
    let mut free = Runner::start(ops.clone(), json!({}));
    free.wake();
    assert_eq!(free.state.spending, None);
    let ceiling = |run: &Runner| {
        let EffectRequest::Model(model) = &run.calls[0].effect;
        model.max_output_tokens
    };
    assert_eq!(ceiling(&free), None);
    let mut bound = run(10_000, ops);
    bound.wake();
    assert_eq!(ceiling(&bound), Some(limits::BUDGET_OUTPUT_TOKENS_DEFAULT));
}

#[test]
fn one_token_too_few_fails_at_once_and_says_why() {
    let mut run = run(
        NEEDED - 1,
        vec![ask("a", 1, |_| {}), end("end", json!("x"))],
    );
    run.wake();
    assert_eq!(claimed(&run), [""; 0]);
    let failure = failure(&run);
    assert_eq!(
        (failure.kind, failure.retryable),
        (FailureKind::Budget, false)
    );
    assert_eq!(
        failure.message,
        "the budget is 99 tokens, 0 are used, 0 are reserved, and the call may need 100"
    );
}

#[test]
fn the_error_port_catches_it() {
    let ops = vec![
        ask("a", 1, |call| call.on_error = Some(OpId(1))),
        end("end", json!("{{nodes.a.output.error.kind}}")),
    ];
    let mut run = run(1, ops);
    run.wake();
    assert_eq!(run.state.status, RunStatus::Completed);
    assert!(run.lines(0).contains("run.completed \"budget\""));
}

#[test]
fn what_is_kept_for_another_branch_is_waited_for() {
    let mut run = two(2 * NEEDED - 1);
    assert_eq!(claimed(&run), ["a"]);
    assert!(run.state.is_held(&StageId::new("b")) && !run.state.has_ready());
    // Whoever looks meanwhile has nothing to do and nothing to write.
    let looked = run.decide(Cause::Wake).unwrap();
    assert!(looked.events.is_empty() && !looked.more);
    used(&mut run, "a", 1, 15);
    assert_eq!(claimed(&run), ["a", "b"]);
    used(&mut run, "b", 1, 15);
    assert_eq!(run.state.status, RunStatus::Completed);
}

#[test]
fn two_that_fit_together_are_claimed_together() {
    assert_eq!(claimed(&two(2 * NEEDED)), ["a", "b"]);
}

#[test]
fn with_the_guard_off_two_claims_count_on_the_same_tokens() {
    let ops = fan(2, vec![ask("a", 1, |_| {}), ask("b", 1, |_| {})]);
    let mut run = run(2 * NEEDED - 1, ops);
    run.guards = Guards::ALL.without(Guard::BudgetReserved);
    run.wake();
    assert_eq!(claimed(&run), ["a", "b"]);
}

#[test]
fn who_waits_fails_when_too_much_was_used_meanwhile() {
    let mut run = two(2 * NEEDED - 1);
    used(&mut run, "a", 1, NEEDED);
    assert_eq!(claimed(&run), ["a"]);
    assert_eq!(failure(&run).kind, FailureKind::Budget);
}

#[test]
fn a_failed_attempt_gives_back_what_it_did_not_use_before_the_next_one() {
    let mut run = run(
        NEEDED + 3,
        vec![ask("a", 1, |_| {}), end("end", json!("x"))],
    );
    run.wake().fails("a", 1, FailureKind::RateLimit);
    assert_eq!(spending(&run).reserved(), 0);
    // 3 tokens were used, and as many were to spare.
    run.wake_later(2_000);
    assert_eq!(run.calls.len(), 2);
}

#[test]
fn a_lost_attempt_counts_as_used() {
    let mut run = run(
        2 * NEEDED,
        vec![ask("a", 1, |_| {}), end("end", json!("x"))],
    );
    run.wake().loses("a", 1);
    assert_eq!(
        (spending(&run).lost, spending(&run).reserved()),
        (NEEDED, NEEDED)
    );
    assert_eq!(run.calls.len(), 2);
    run.loses("a", 2);
    assert_eq!(failure(&run).kind, FailureKind::Budget);
}

#[test]
fn the_successor_of_a_lost_attempt_waits_too_and_nothing_is_due_meanwhile() {
    let mut run = two(3 * NEEDED - 1);
    assert_eq!(claimed(&run), ["a", "b"]);
    run.loses("a", 1);
    let a = StageId::new("a");
    let phase = &run.state.stages[&a].phase;
    assert!(
        matches!(
            phase,
            Phase::Backoff {
                attempt: 1,
                epoch: 0,
                ..
            }
        ),
        "{phase:?}"
    );
    assert!(run.state.is_held(&a));
    assert_eq!(run.state.due_at(), Some(run.state.deadline));
    run.wake_later(60_000);
    assert_eq!(run.calls.len(), 2, "nothing is free yet");
    used(&mut run, "b", 1, 15);
    let keys: Vec<_> = run
        .calls
        .iter()
        .map(|call| (call.attempt, call.key))
        .collect();
    assert_eq!(keys.len(), 3);
    assert_eq!((keys[2].0, keys[2].1), (2, keys[0].1), "the same key");
    used(&mut run, "a", 2, 15);
    assert_eq!(run.state.status, RunStatus::Completed);
}

#[test]
fn what_is_skipped_while_it_is_under_way_counts_as_used() {
    let mut run = two(2 * NEEDED);
    run.cancel("stop");
    assert_eq!(run.state.status, RunStatus::Cancelled);
    assert_eq!(spending(&run).unrecorded(), 2 * NEEDED);
    assert_eq!(spending(&run).reserved(), 0);
}

#[test]
fn a_state_with_a_budget_is_read_back_as_it_was() {
    let mut run = two(3 * NEEDED - 1);
    run.loses("a", 1);
    let text = serde_json::to_string(&run.state).unwrap();
    assert_eq!(serde_json::from_str::<RunState>(&text).unwrap(), run.state);
    // A checkpoint of an older build knows no budgets.
    let older: Value = serde_json::to_value(RunState::empty()).unwrap();
    assert_eq!(older.get("spending"), None);
}

/// Sixteen branches with a budget for one at a time: each has its turn.
#[test]
fn however_many_wait_each_has_its_turn() {
    let arms = (0..16).map(|index| ask(&format!("c{index:02}"), 1, |_| {}));
    let mut run = run(NEEDED + 15 * 15, fan(16, arms.collect()));
    run.wake();
    for turn in 0..16 {
        // What others give back is enough for a second one at some time.
        assert!(run.calls.len() > turn, "nobody is at it in turn {turn}");
        let (stage, attempt) = (run.calls[turn].stage.clone(), run.calls[turn].attempt);
        used(&mut run, stage.as_str(), attempt, 15);
    }
    assert_eq!(run.state.status, RunStatus::Completed);
    assert_eq!(run.state.totals.usage.total(), 240);
}
