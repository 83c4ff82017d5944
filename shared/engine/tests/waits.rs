//! Waits: answers early, late, wrong and right; timers; cancel; lifetime.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use expect_test::{Expect, expect};
use lattice_ir::{Op, OpKind, QuestionTemplate, Timer, Wait};
use lattice_journal::{Choice, QuestionOption};
use lattice_model::{Guard, Guards, OpId, limits};
use serde_json::json;
use support::{Runner, call, end, op};

fn check(runner: &Runner, expect: Expect) {
    expect.assert_eq(&runner.lines(2));
}

fn ask(name: &str, timer: Option<Timer>, next: u32, late: u32) -> Op {
    let option = |label: &str| QuestionOption {
        label: label.to_owned(),
        value: json!(label),
        description: None,
    };
    let question = QuestionTemplate {
        text: "Send {{in.what}}?".to_owned(),
        options: vec![option("yes"), option("no")],
        choice: Choice::One,
    };
    op(
        name,
        OpKind::Wait(Wait {
            question: Some(question),
            on_timer: timer.is_some().then_some(OpId(late)),
            timer,
            on_answer: Some(OpId(next)),
            on_error: None,
        }),
    )
}

fn asking() -> Vec<Op> {
    vec![
        ask("ask", Some(Timer::After(60_000)), 1, 2),
        end("end", json!("{{nodes.ask.output.label}}")),
        end("late", json!("{{nodes.ask.output}}")),
    ]
}

fn after_a_call() -> Vec<Op> {
    vec![
        call("think", "x", 1, |_| {}),
        ask("ask", None, 2, 0),
        end("end", json!("{{nodes.ask.output.label}}")),
    ]
}

#[test]
fn an_answer_goes_on_and_wrong_ones_change_nothing() {
    let mut run = Runner::start(asking(), json!({ "what": "it" }));
    run.wake()
        .signal("s1", "ask", Some("ask"), json!("maybe"))
        .signal("s2", "nobody", None, json!("yes"))
        .signal("s3", "ask", Some("ask@7"), json!("yes"))
        .signal("s4", "ask", Some("ask"), json!("no"));
    check(
        &run,
        expect![[r#"
        wait.opened ask Send it?
        timer.set ask 61000
        run.waiting
        signal.received s1 refused: `maybe` is not an option; expected `yes`, `no`
        signal.received s2 refused: node `nobody` asks nothing
        signal.received s3 refused: `ask@7` does not wait for an answer, or not any more
        signal.received s4 accepted
        run.resumed
        stage.completed ask {"label":"no","option":1,"value":"no"} -> end
        stage.completed end "no"
        run.completed "no"
    "#]],
    );
}

#[test]
fn without_an_answer_the_timer_decides() {
    let mut run = Runner::start(asking(), json!({ "what": "it" }));
    run.wake().wake_at(60_999).wake_at(61_000);
    check(
        &run,
        expect![[r#"
        wait.opened ask Send it?
        timer.set ask 61000
        run.waiting
        run.resumed
        timer.fired ask 61000
        stage.completed ask [timeout] {"timedOut":true} -> late
        stage.completed late {"timedOut":true}
        run.completed {"timedOut":true}
    "#]],
    );
}

#[test]
fn an_early_answer_is_kept_and_an_early_wrong_one_is_refused_at_once() {
    let mut run = Runner::start(after_a_call(), json!({ "what": "it" }));
    run.wake()
        .signal("s1", "ask", None, json!("maybe"))
        .signal("s2", "ask", None, json!("yes"))
        .answers("think", 1, "done");
    check(
        &run,
        expect![[r#"
            stage.started think attempt 1 epoch 0 key b1a0
            llm.step.started think "x"
            signal.received s1 refused: `maybe` is not an option; expected `yes`, `no`
            signal.received s2 buffered
            llm.step.completed think "done"
            stage.completed think "done" -> ask
            wait.opened ask Send it?
            signal.received s2 accepted
            stage.completed ask {"label":"yes","option":0,"value":"yes"} -> end
            stage.completed end "yes"
            run.completed "yes"
        "#]],
    );
}

#[test]
fn early_answers_are_kept_up_to_a_limit() {
    let mut run = Runner::start(after_a_call(), json!({ "what": "it" }));
    run.wake();
    for n in 0..=limits::BUFFERED_SIGNALS_MAX {
        run.signal(&format!("s{n}"), "ask", None, json!("yes"));
    }
    assert_eq!(run.state.buffered.len(), limits::BUFFERED_SIGNALS_MAX);
    assert!(
        run.lines(0)
            .ends_with("refused: 64 early answers are kept already\n")
    );
}

#[test]
fn an_item_is_folded_once_even_if_it_is_shown_again() {
    let mut run = Runner::start(after_a_call(), json!({ "what": "it" }));
    run.wake().signal("s1", "ask", None, json!("yes"));
    let seen = run.log.len();
    run.signal("s1", "ask", None, json!("yes"));
    assert_eq!(run.log.len(), seen);
}

#[test]
fn a_delay_in_the_past_is_over_at_once() {
    let until = Timer::Until("{{in.moment}}".to_owned());
    let wait = Wait {
        question: None,
        timer: Some(until),
        on_answer: None,
        on_timer: Some(OpId(1)),
        on_error: None,
    };
    let ops = vec![op("pause", OpKind::Wait(wait)), end("end", json!("up"))];
    let mut run = Runner::start(ops.clone(), json!({ "moment": "1970-01-01T00:00:00Z" }));
    run.wake();
    check(
        &run,
        expect![[r#"
        wait.opened pause -
        timer.set pause 0
        timer.fired pause 0
        stage.completed pause {"waitedUntil":0} -> end
        stage.completed end "up"
        run.completed "up"
    "#]],
    );
    let mut run = Runner::start(ops, json!({ "moment": "tomorrow" }));
    run.wake();
    check(
        &run,
        expect![[r#"
        stage.failed pause after 0 expression
        run.failed expression: `tomorrow` is not a moment; expected RFC 3339 in UTC, such as `2026-01-31T08:00:00Z`
    "#]],
    );
}

#[test]
fn a_cancel_ends_everything_in_one_decision_and_nothing_follows() {
    let mut run = Runner::start(after_a_call(), json!({ "what": "it" }));
    run.wake()
        .cancel("c1")
        .answers("think", 1, "late")
        .signal("s1", "ask", None, json!("yes"));
    check(
        &run,
        expect![[r#"
        stage.started think attempt 1 epoch 0 key b1a0
        llm.step.started think "x"
        cancel.requested
        stage.skipped think (the run was cancelled)
        run.cancelled
    "#]],
    );
    assert_eq!(run.state.due_at(), None);
}

#[test]
fn a_run_does_not_outlive_its_lifetime() {
    let mut run = Runner::start(after_a_call(), json!({ "what": "it" }));
    run.wake();
    assert_eq!(run.state.due_at().map(|due| due.get()), Some(3_601_000));
    run.wake_at(3_600_999);
    assert!(!run.state.status.is_terminal());
    run.wake_at(3_601_000);
    check(
        &run,
        expect![[r#"
        stage.started think attempt 1 epoch 0 key b1a0
        llm.step.started think "x"
        stage.skipped think (the run failed)
        run.failed lifetime: the run reached its lifetime of 1 h
    "#]],
    );
}

/// What is kept free below a limit, so that the end still fits.
const END_EVENTS: u64 = 64;
const END_BYTES: u64 = 2 * limits::COMMIT_BYTES_MAX as u64;

#[test]
fn a_log_at_its_limit_ends_the_run_with_a_failure_that_names_it() {
    // Three events come before the question has been asked, and then nothing more is begun.
    let (events_max, bytes_max) = (
        limits::RUN_EVENTS_MAX - END_EVENTS - 3,
        limits::RUN_BYTES_MAX - END_BYTES,
    );
    for (events, bytes, said) in [
        (events_max, bytes_max, None),
        (
            events_max + 1,
            bytes_max,
            Some("limit: the run reached the limit of 50000 events"),
        ),
        (
            events_max,
            bytes_max + 1,
            Some("limit: the run reached the limit of 52428800 bytes"),
        ),
    ] {
        let mut run = Runner::start(asking(), json!({ "what": "it" }));
        run.state.seq = lattice_model::Seq::from_stored(events);
        run.log_bytes = bytes;
        run.wake();
        let lines = run.lines(0);
        match said {
            Some(said) => assert!(lines.trim_end().ends_with(said), "{lines}"),
            None => assert!(lines.ends_with("run.waiting\n"), "{lines}"),
        }
    }
}

#[test]
fn without_the_rule_of_the_named_wait_an_old_answer_would_be_taken() {
    let mut run = Runner::start(asking(), json!({ "what": "it" }));
    run.guards = Guards::ALL.without(Guard::AnswerNamesWait);
    run.wake().signal("s3", "ask", Some("ask@7"), json!("yes"));
    assert!(run.lines(0).ends_with("run.completed \"yes\"\n"));
}

#[test]
fn an_answer_after_its_time_is_refused_even_if_nobody_saw_the_timer() {
    let mut run = Runner::start(asking(), json!({ "what": "it" }));
    run.wake();
    run.at = 61_000;
    run.signal("s1", "ask", Some("ask"), json!("yes"));
    check(
        &run,
        expect![[r#"
        wait.opened ask Send it?
        timer.set ask 61000
        run.waiting
        signal.received s1 refused: the time to answer node `ask` is up
        run.resumed
        timer.fired ask 61000
        stage.completed ask [timeout] {"timedOut":true} -> late
        stage.completed late {"timedOut":true}
        run.completed {"timedOut":true}
    "#]],
    );
}

#[test]
fn a_full_page_of_the_inbox_asks_for_the_next_one() {
    let mut run = Runner::start(after_a_call(), json!({ "what": "it" }));
    run.wake();
    for n in 0..limits::FOLD_ITEMS_MAX {
        run.put_signal(&format!("s{n}"), "nobody", json!(n));
    }
    let decision = run.decide(lattice_engine::Cause::Wake).unwrap();
    assert!(decision.more && decision.folds.len() <= limits::FOLD_ITEMS_MAX);
}

#[test]
fn long_answers_questions_and_many_refusals_never_overfill_a_commit() {
    let long = "x".repeat(limits::QUESTION_BYTES_MAX);
    let mut run = Runner::start(asking(), json!({ "what": long }));
    run.wake();
    assert!(
        run.lines(0).contains("run.failed limit: a question of"),
        "{}",
        run.lines(0)
    );

    let mut run = Runner::start(after_a_call(), json!({ "what": "it" }));
    run.wake();
    for n in 0..limits::FOLD_ITEMS_MAX {
        run.put_signal(&format!("s{n}"), "ask", json!("y".repeat(7_000)));
    }
    let mut commits = 0;
    loop {
        let decision = run.decide(lattice_engine::Cause::Wake).unwrap();
        let bytes: usize = decision
            .events
            .iter()
            .map(|event| format!("{event:?}").len())
            .sum();
        assert!(decision.events.len() <= limits::COMMIT_EVENTS_MAX);
        assert!(bytes < limits::COMMIT_BYTES_MAX, "{bytes}");
        let more = decision.more;
        run.take(decision);
        commits += 1;
        if !more {
            break;
        }
    }
    assert!(
        commits >= 2,
        "the refusals fit one commit: the test shows nothing"
    );
    assert!(run.lines(0).contains("... is not an option") || run.lines(0).contains("...` is not"));
}

#[test]
fn an_answer_nested_too_deep_to_be_read_back_is_refused_as_an_output() {
    let mut deep = json!("x");
    for _ in 0..=limits::JSON_DEPTH_MAX {
        deep = json!([deep]);
    }
    let ops = vec![end("end", json!("{{in.deep}}"))];
    let mut program = support::program(ops);
    program.variables.clear();
    let plan = lattice_ir::Plan::new(std::sync::Arc::new(program)).unwrap();
    let at = lattice_model::Millis::new(1);
    let error = lattice_engine::start(
        &plan,
        lattice_model::Tenant::local(),
        json!({ "deep": deep }),
        lattice_engine::Origin::Request,
        at,
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("nested 66 levels deep"),
        "{error}"
    );
}
