//! Forks: a new run begins with what another one was at a seq, and goes on as that one did.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{ForkError, fork, state_hash, whole};
use lattice_ir::{JoinPolicy, Op, OpKind, Timer, Wait};
use lattice_journal::{EventBody, QuestionOption, ValueRef};
use lattice_model::{Millis, OpId, RunId, Seq, limits};
use serde_json::json;
use std::collections::BTreeMap;
use support::forks::{
    answer_all, begin, branching, completed, events, forked, output, over, state_at, wanted,
};
use support::{Runner, end, op};

/// Forks at every seq: each ends as the run did, and does nothing twice that was done.
fn ends_alike(run: &Runner) {
    let all = completed(&run.log);
    for at in 1..=run.log.len() as u64 {
        let point = whole(&events(run), Seq::from_stored(at));
        let Some(point) = point else {
            // A fork's first event is half of its beginning.
            assert!(at == 1 && run.state.forked_from.is_some(), "{at}");
            continue;
        };
        let mut fork = forked(run, at, &[]).unwrap();
        answer_all(&mut fork);
        assert_eq!(output(&fork), output(run), "forked at {at}");
        let before = completed(&run.log[..point.get() as usize]);
        let after = completed(&fork.log);
        assert!(before.is_disjoint(&after), "at {at}: {before:?}, {after:?}");
        assert_eq!(&before | &after, all, "forked at {at}");
    }
}

#[test]
fn a_fork_at_any_seq_ends_as_the_run_did_and_does_nothing_twice() {
    for policy in [JoinPolicy::All, JoinPolicy::FailFast] {
        let mut run = begin(branching(policy));
        answer_all(&mut run);
        ends_alike(&run);
    }
}

#[test]
fn a_fork_of_a_fork_is_a_fork() {
    let mut run = begin(branching(JoinPolicy::All));
    answer_all(&mut run);
    let mut first = forked(&run, 9, &[]).unwrap();
    answer_all(&mut first);
    ends_alike(&first);
}

#[test]
fn a_fork_inside_a_map_keeps_its_results_and_goes_on_with_its_items() {
    let mut run = over(4);
    answer_all(&mut run);
    ends_alike(&run);
}

#[test]
fn batches_that_were_under_way_are_called_again_under_new_names() {
    let items = limits::MAP_INLINE_ITEMS_MAX as usize + 4;
    let run = over(items);
    let called = |run: &Runner| -> Vec<RunId> {
        run.state.children().map(|(_, it)| it.run.clone()).collect()
    };
    assert_eq!(called(&run).len(), 2);
    let fork = forked(&run, run.log.len() as u64, &[]).unwrap();
    let batches = |run: &Runner| -> Vec<_> {
        let batches = run.state.children().map(|(_, it)| it.batch.clone());
        batches.collect()
    };
    assert_eq!(batches(&fork), batches(&run));
    assert_ne!(called(&fork), called(&run));
    let begun = |run: &Runner| run.state.mappings().next().unwrap().1.begun;
    assert_eq!(begun(&fork), begun(&run));
}

#[test]
fn what_was_under_way_begins_anew_with_keys_times_and_counts_of_its_own() {
    let mut run = begin(branching(JoinPolicy::All));
    run.answers("a", 1, "hello");
    let fork = forked(&run, run.log.len() as u64, &[]).unwrap();
    let b = fork.state.claims().next().unwrap();
    assert_eq!((b.stage.as_str(), b.attempt), ("b", 1));
    assert_eq!(
        (fork.state.totals.stages, fork.state.totals.attempts),
        (0, 1)
    );
    let branch = fork.state.open_branches().next().unwrap().1;
    assert_eq!(branch.due_at, Some(Millis::new(560_000)));
    assert_eq!(fork.state.deadline, Millis::new(500_000 + 3_600_000));
    let from = fork.state.forked_from.clone().unwrap();
    let parent = state_at(&run, from.seq);
    assert_eq!(
        (from.run, from.state_hash),
        (Runner::run_id(), state_hash(&parent))
    );
}

fn asking() -> Vec<Op> {
    let option = |label: &str| QuestionOption {
        label: label.to_owned(),
        value: json!(label),
        description: None,
    };
    let question = lattice_ir::QuestionTemplate {
        text: "Which, {{in.name}}?".to_owned(),
        options: vec![option("a"), option("b")],
        choice: lattice_journal::Choice::One,
    };
    let wait = OpKind::Wait(Wait {
        question: Some(question),
        timer: Some(Timer::After(10_000)),
        on_answer: Some(OpId(1)),
        on_timer: Some(OpId(1)),
        on_error: None,
    });
    vec![op("ask", wait), end("end", json!("{{nodes.ask.output}}"))]
}

#[test]
fn a_question_is_asked_again_and_its_timer_begins_anew() {
    let mut run = begin(asking());
    let fork = forked(&run, run.log.len() as u64, &[("in.name", json!("Bob"))]).unwrap();
    let (_, _, question, due_at) = fork.state.questions().next().unwrap();
    assert_eq!(question.text, "Which, Bob?");
    assert_eq!(due_at, Some(Millis::new(510_000)));
    // Also from between the answer and what became of it.
    run.signal("in_1", "ask", None, json!("a"));
    for at in 1..=run.log.len() as u64 {
        let fork = forked(&run, at, &[]).unwrap();
        let open = fork.state.questions().count();
        let answered = matches!(fork.log.last(), Some(EventBody::RunCompleted(_)));
        assert!(open == 1 || answered, "{at}: {}", fork.lines(0));
    }
}

#[test]
fn values_are_kept_aside_until_the_event_fits_and_what_never_fits_is_said_with_its_size() {
    let mut run = begin(branching(JoinPolicy::All));
    answer_all(&mut run);
    let mut state = state_at(&run, Seq::FIRST);
    let text = |n: usize| ValueRef::of(json!("y".repeat(n))).0;
    let many = |count: usize| -> BTreeMap<String, ValueRef> {
        let name = |n| format!("a-name-{n:04}");
        (0..count).map(|n| (name(n), text(7_000 + n))).collect()
    };
    state.variables = many(500);
    let decision = fork(&run.plan, &state, &wanted(&[]), &run.blobs).unwrap();
    assert!(decision.blobs.len() > 400);
    let stored = serde_json::to_vec(&decision.state).unwrap().len();
    assert!(stored < limits::COMMIT_BYTES_MAX, "{stored}");
    state.variables = many(3_000);
    let error = fork(&run.plan, &state, &wanted(&[]), &run.blobs).unwrap_err();
    assert!(matches!(error, ForkError::TooLarge { bytes } if bytes > limits::FORK_BYTES_MAX));
}

#[test]
fn a_batch_is_forked_with_the_run_above_it() {
    let run = begin(branching(JoinPolicy::All));
    let mut state = run.state.clone();
    let own = json!({"op": 0, "first": 0, "items": {"inline": []}});
    state.batch = Some(serde_json::from_value(own).unwrap());
    let parent =
        json!({"run": Runner::run_id(), "stage": "m", "root": Runner::run_id(), "depth": 1});
    state.parent = Some(serde_json::from_value(parent).unwrap());
    let error = fork(&run.plan, &state, &wanted(&[]), &run.blobs).unwrap_err();
    assert_eq!(
        error,
        ForkError::Batch {
            above: Runner::run_id()
        }
    );
}
