//! Limits on open runs: what a run counts for, and what it does before it has a place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{Cause, Phase};
use lattice_ir::Concurrency;
use lattice_journal::{EventBody, FailureKind, Limit, RunStatus};
use lattice_model::limits::KEY_CHARS_MAX;
use lattice_model::{Guard, Guards};
use serde_json::{Value, json};
use support::forks::forked;
use support::{Runner, call, end};

fn run(key: Option<&str>, input: Value) -> Runner {
    let mut program = support::program(vec![call("a", "do a", 1, |_| {}), end("end", json!("x"))]);
    program.concurrency = Some(Concurrency {
        max_runs: 2,
        key: key.map(str::to_owned),
    });
    Runner::of(program, input)
}

fn limit(run: &Runner) -> Option<Limit> {
    match &run.log[0] {
        EventBody::RunQueued(queued) => queued.limit.clone(),
        other => panic!("{}", other.kind()),
    }
}

fn kinds(run: &Runner) -> Vec<&'static str> {
    run.log.iter().map(EventBody::kind).collect()
}

#[test]
fn the_key_is_made_of_the_input_when_the_run_is_queued() {
    let of = |key: Option<&str>, input: Value| limit(&run(key, input)).unwrap().key;
    assert_eq!(of(None, json!({"customer": "acme"})), "");
    assert_eq!(
        of(Some("{{in.customer}}"), json!({"customer": "acme"})),
        "acme"
    );
    assert_eq!(
        of(Some("{{in.a}}/{{in.b}}"), json!({"a": 7, "b": null})),
        "7/null"
    );
    assert_eq!(of(Some("all"), json!(null)), "all");
    // An input that is kept aside gives its key too.
    let large = json!({"customer": "acme", "text": "x".repeat(20_000)});
    assert_eq!(of(Some("{{in.customer}}"), large), "acme");
    let longest = "ü".repeat(KEY_CHARS_MAX);
    assert_eq!(of(Some("{{in}}"), json!(longest.clone())), longest);
}

#[test]
fn without_a_place_a_run_stays_queued_whatever_it_is_told() {
    let mut run = run(None, json!({}));
    run.wake();
    assert_eq!(run.state.waits_for_place().unwrap().max_runs, 2);
    run.answers("a", 1, "too early");
    run.signal("in_1", "a", None, json!("hello"));
    assert_eq!(kinds(&run), ["run.queued", "signal.received"]);
    assert_eq!(run.state.status, RunStatus::Queued);
    run.has_place = true;
    run.wake();
    assert_eq!(kinds(&run)[2..4], ["run.started", "stage.started"]);
    assert_eq!(run.state.waits_for_place(), None);
    // A place is asked for once: what has begun goes on without.
    run.has_place = false;
    run.answers("a", 1, "done");
    assert_eq!(run.state.status, RunStatus::Completed);
    assert_eq!(
        run.state.limit.unwrap().max_runs,
        2,
        "who ends it gives the place back"
    );
}

#[test]
fn who_stands_in_line_can_be_cancelled_and_does_not_outlive_its_time() {
    let mut cancelled = run(None, json!({}));
    cancelled.cancel("in_1");
    let expected = [
        "run.queued",
        "cancel.requested",
        "stage.skipped",
        "run.cancelled",
    ];
    assert_eq!(kinds(&cancelled), expected);
    let mut late = run(None, json!({}));
    late.wake_at(3_600_999);
    assert_eq!(late.state.status, RunStatus::Queued);
    late.wake_at(3_601_000);
    assert_eq!(kinds(&late), ["run.queued", "stage.skipped", "run.failed"]);
    assert_eq!(
        failure(&late),
        (
            FailureKind::Lifetime,
            "the run reached its lifetime of 1 h".to_owned()
        )
    );
}

#[test]
fn without_a_key_a_run_is_queued_and_fails_when_it_begins() {
    let long = "x".repeat(KEY_CHARS_MAX + 1);
    for (key, input, reason) in [
        ("{{in.customer}}", json!({}), "there is no `customer`"),
        (
            "{{in.customer}}",
            json!({"customer": long}),
            "it has 257 characters, the limit is 256",
        ),
        (
            "{{in.customer}}",
            json!({"text": "x".repeat(20_000)}),
            "there is no `customer`",
        ),
    ] {
        let mut run = run(Some(key), input);
        assert_eq!(limit(&run), None);
        run.wake();
        let (kind, message) = failure(&run);
        assert_eq!(kind, FailureKind::Expression);
        assert!(
            message.starts_with("the key of the limit on open runs cannot be made: "),
            "{message}"
        );
        assert!(message.contains(reason), "{message}");
        assert_eq!(
            kinds(&run),
            ["run.queued", "run.started", "stage.skipped", "run.failed"]
        );
    }
}

#[test]
fn with_the_guard_off_it_begins_without_a_place() {
    let mut run = run(None, json!({}));
    run.guards = Guards::ALL.without(Guard::SlotBeforeStart);
    run.tell(Cause::Wake);
    let mut stages = run.state.stages.values();
    assert!(stages.all(|stage| matches!(stage.phase, Phase::Claimed { .. })));
    assert_eq!(run.state.status, RunStatus::Running);
}

fn failure(run: &Runner) -> (FailureKind, String) {
    match run.log.last() {
        Some(EventBody::RunFailed(failed)) => (failed.failure.kind, failed.failure.message.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fork_counts_for_the_key_that_its_own_input_gives() {
    let mut parent = run(Some("{{in.customer}}"), json!({"customer": "acme"}));
    parent.has_place = true;
    parent.wake();
    let key = |set: &[(&str, Value)]| limit(&forked(&parent, 3, set).unwrap()).unwrap().key;
    assert_eq!(key(&[]), "acme");
    assert_eq!(key(&[("in.customer", json!("globex"))]), "globex");
    let waits = forked(&parent, 3, &[]).unwrap();
    assert_eq!(waits.state.status, RunStatus::Queued);
}
