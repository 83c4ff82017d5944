//! Calls: claims, results, retries, lost attempts, failures and their targets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use expect_test::{Expect, expect};
use lattice_ir::{Effect, OnUnknown, Op};
use lattice_journal::FailureKind;
use lattice_model::OpId;
use serde_json::json;
use support::{Runner, call, end, schema_of_choice};

fn check(runner: &Runner, expect: Expect) {
    expect.assert_eq(&runner.lines(2));
}

fn two() -> Vec<Op> {
    vec![
        call("ask", "Say {{in.word}}", 1, |_| {}),
        end("end", json!({ "said": "{{nodes.ask.output}}" })),
    ]
}

/// With an error target at op 2 and a timeout target at op 3.
fn caught() -> Vec<Op> {
    let targets = |call: &mut lattice_ir::Call| {
        (call.on_error, call.on_timeout) = (Some(OpId(2)), Some(OpId(3)));
    };
    vec![
        call("ask", "Say", 1, targets),
        end("end", json!("good")),
        end("sorry", json!("{{nodes.ask.output.error.kind}}")),
        end("slow", json!("too slow")),
    ]
}

#[test]
fn a_completion_and_what_follows_share_a_decision() {
    let mut run = Runner::start(two(), json!({ "word": "hi" }));
    run.wake().answers("ask", 1, "hi!");
    check(
        &run,
        expect![[r#"
            stage.started ask attempt 1 epoch 0 key c1d3
            llm.step.started ask "Say hi"
            llm.step.completed ask "hi!"
            stage.completed ask "hi!" -> end
            stage.completed end {"said":"hi!"}
            run.completed {"said":"hi!"}
        "#]],
    );
    assert_eq!(run.state.totals.usage.total(), 15);
}

#[test]
fn a_worker_that_cannot_perform_claims_nothing() {
    let mut run = Runner::start(two(), json!({ "word": "hi" }));
    run.claims = false;
    run.wake();
    assert_eq!(run.lines(2), "\n");
    assert!(run.state.has_ready());
}

#[test]
fn a_failure_that_may_pass_is_tried_again_under_a_new_key() {
    let mut run = Runner::start(two(), json!({ "word": "hi" }));
    run.wake().fails("ask", 1, FailureKind::RateLimit);
    run.wake_at(1_500);
    assert!(run.calls.len() == 1, "the pause is not over");
    run.wake_at(2_500).answers("ask", 2, "hi!");
    check(
        &run,
        expect![[r#"
        stage.started ask attempt 1 epoch 0 key c1d3
        llm.step.started ask "Say hi"
        llm.step.failed ask rate_limit
        stage.retrying ask epoch 1 rate_limit until 1858
        stage.started ask attempt 2 epoch 1 key 9219
        llm.step.started ask "Say hi"
        llm.step.completed ask "hi!"
        stage.completed ask "hi!" -> end
        stage.completed end {"said":"hi!"}
        run.completed {"said":"hi!"}
    "#]],
    );
    assert_eq!(run.state.totals.usage.total(), 18);
}

#[test]
fn the_last_attempt_fails_the_run() {
    let mut run = Runner::start(two(), json!({ "word": "hi" }));
    run.wake();
    for attempt in 1..=3 {
        run.fails("ask", attempt, FailureKind::Network)
            .wake_later(60_000);
    }
    check(
        &run,
        expect![[r#"
        stage.started ask attempt 1 epoch 0 key c1d3
        llm.step.started ask "Say hi"
        llm.step.failed ask network
        stage.retrying ask epoch 1 network until 1858
        stage.started ask attempt 2 epoch 1 key 9219
        llm.step.started ask "Say hi"
        llm.step.failed ask network
        stage.retrying ask epoch 2 network until 62501
        stage.started ask attempt 3 epoch 2 key fffd
        llm.step.started ask "Say hi"
        llm.step.failed ask network
        stage.failed ask after 3 network
        run.failed network: scripted
    "#]],
    );
    assert_eq!(run.calls.len(), 3);
}

#[test]
fn a_lost_attempt_is_repeated_under_the_same_key_up_to_the_ceiling() {
    let mut run = Runner::start(two(), json!({ "word": "hi" }));
    run.wake()
        .loses("ask", 1)
        .loses("ask", 1)
        .loses("ask", 2)
        .loses("ask", 3);
    check(
        &run,
        expect![[r#"
        stage.started ask attempt 1 epoch 0 key c1d3
        llm.step.started ask "Say hi"
        stage.started ask attempt 2 epoch 0 key c1d3
        llm.step.started ask "Say hi"
        stage.started ask attempt 3 epoch 0 key c1d3
        llm.step.started ask "Say hi"
        stage.failed ask after 3 attempts_exhausted
        run.failed attempts_exhausted: 3 attempts were lost or failed, and no more are allowed
    "#]],
    );
}

#[test]
fn an_effect_that_must_not_be_repeated_fails_when_it_is_lost() {
    let mut ops = two();
    ops[0] = call("ask", "x", 1, |call| call.on_unknown = OnUnknown::Fail);
    let mut run = Runner::start(ops, json!({}));
    run.wake().loses("ask", 1);
    check(
        &run,
        expect![[r#"
        stage.started ask attempt 1 epoch 0 key c1d3
        llm.step.started ask "x"
        stage.failed ask after 1 unknown_outcome
        run.failed unknown_outcome: the worker was lost and the effect must not be repeated
    "#]],
    );
}

#[test]
fn an_error_goes_to_its_target_and_is_a_value_there() {
    let mut run = Runner::start(caught(), json!({}));
    run.wake().fails("ask", 1, FailureKind::Auth);
    check(
        &run,
        expect![[r#"
        stage.started ask attempt 1 epoch 0 key c1d3
        llm.step.started ask "Say"
        llm.step.failed ask auth
        stage.failed ask after 1 auth -> sorry
        stage.completed sorry "auth"
        run.completed "auth"
    "#]],
    );
}

#[test]
fn a_last_timeout_goes_to_the_timeout_target() {
    let mut run = Runner::start(caught(), json!({}));
    run.wake();
    for attempt in 1..=3 {
        run.fails("ask", attempt, FailureKind::Timeout)
            .wake_later(60_000);
    }
    assert!(
        run.lines(0).ends_with("run.completed \"too slow\"\n"),
        "{}",
        run.lines(0)
    );
}

#[test]
fn a_result_of_an_old_attempt_is_dropped_and_its_use_noted() {
    let mut run = Runner::start(two(), json!({ "word": "hi" }));
    run.wake()
        .loses("ask", 1)
        .answers("ask", 1, "late")
        .answers("ask", 2, "in time");
    check(
        &run,
        expect![[r#"
        stage.started ask attempt 1 epoch 0 key c1d3
        llm.step.started ask "Say hi"
        stage.started ask attempt 2 epoch 0 key c1d3
        llm.step.started ask "Say hi"
        trace.breadcrumb result.late {"afterSeq":6,"attempt":1,"usage":{"inputTokens":10,"outputTokens":5}}
        llm.step.completed ask "in time"
        stage.completed ask "in time" -> end
        stage.completed end {"said":"in time"}
        run.completed {"said":"in time"}
    "#]],
    );
    assert_eq!(
        run.state.totals.usage.total(),
        15,
        "late use is not counted into the run"
    );
}

#[test]
fn an_answer_has_to_fit_its_schema() {
    let with_schema = |call: &mut lattice_ir::Call| {
        let Effect::Model(model) = &mut call.effect;
        model.output_schema = Some(schema_of_choice());
    };
    for (text, said) in [
        (r#"{"choice":"a"}"#, r#"run.completed "a""#),
        (
            r#"{"choice":"c"}"#,
            "run.failed malformed_output: the answer does not fit",
        ),
        (
            "sure!",
            "run.failed malformed_output: the answer is not JSON",
        ),
    ] {
        let ops = vec![
            call("ask", "Choose", 1, with_schema),
            end("end", json!("{{nodes.ask.output.choice}}")),
        ];
        let mut run = Runner::start(ops, json!({}));
        run.wake().answers("ask", 1, text);
        let log = run.lines(0);
        assert!(log.lines().last().unwrap().starts_with(said), "{log}");
    }
}

#[test]
fn a_prompt_that_cannot_be_rendered_fails_before_any_claim() {
    let mut run = Runner::start(two(), json!({}));
    run.wake();
    check(
        &run,
        expect![[r#"
        stage.failed ask after 0 expression
        run.failed expression: `in.word` has no value: there is no `word`
    "#]],
    );
    assert!(run.calls.is_empty());
}
