//! Forks: a new run begins with what another one was at a seq, and goes on as that one did.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{
    ForkError, ForkRequest, NoRedrive, RunState, before_failure, fold, fork, state_hash, whole,
};
use lattice_ir::{
    Assign, Gather, Join, JoinPolicy, Map, Merge, Op, OpKind, Split, SplitBranch, Timer, Wait, Way,
};
use lattice_journal::{Event, EventBody, FailureKind, QuestionOption, ValueRef};
use lattice_model::{Hash, Millis, OpId, RunId, Seq, limits};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::{Runner, end, op};

fn call(name: &str, prompt: &str, next: u32) -> Op {
    support::call(name, prompt, next, |_| {})
}

fn assign(name: &str, variable: &str, value: Value, next: u32) -> Op {
    let kind = OpKind::Assign(Assign {
        variable: variable.to_owned(),
        value: Some(value),
        next: OpId(next),
        on_error: None,
    });
    op(name, kind)
}

fn fork_of(ops: &[Op], policy: JoinPolicy) -> Vec<Op> {
    let branch = |(index, to): (usize, &u32)| SplitBranch {
        way: Way {
            port: format!("branch-{index}"),
            to: OpId(*to),
        },
        timeout_ms: Some(60_000),
    };
    let split = OpKind::Split(Split {
        branches: [3, 4].iter().enumerate().map(branch).collect(),
        join: OpId(2),
    });
    let join = OpKind::Join(Join {
        split: OpId(1),
        policy,
        merge: Merge::Collect,
        next: OpId(5),
        on_error: None,
        on_timeout: None,
    });
    let join = Op {
        name: "p.join".to_owned(),
        ..op("p", join)
    };
    let mut all = vec![call("a", "begin with {{in.name}}", 1), op("p", split), join];
    all.extend(ops.iter().cloned());
    all
}

/// A call, two branches (a call, and an assignment), an assignment, an end.
fn branching(policy: JoinPolicy) -> Vec<Op> {
    let ops = [
        call("b", "then {{nodes.a.output}}", 2),
        assign("c", "seen", json!("{{nodes.a.output}}!"), 2),
        assign("d", "count", json!("{{vars.seen}}?"), 6),
        end(
            "end",
            json!({"seen": "{{vars.count}}", "p": "{{nodes.p.output}}"}),
        ),
    ];
    fork_of(&ops, policy)
}

fn begin(ops: Vec<Op>) -> Runner {
    let mut program = support::program(ops);
    program
        .variables
        .insert("seen".to_owned(), json!("nothing"));
    program.variables.insert("count".to_owned(), json!(0));
    let mut run = Runner::of(program, json!({"name": "Ada"}));
    run.wake();
    run
}

/// Answers every call with its stage's name until nothing is claimed.
fn answer_all(run: &mut Runner) {
    loop {
        let claimed = run.state.claims().next();
        let Some(claimed) = claimed else { return };
        let stage = claimed.stage.as_str().to_owned();
        run.answers(&stage, claimed.attempt, &format!("said {stage}"));
    }
}

fn events(run: &Runner) -> Vec<Event> {
    let event = |(place, body): (usize, &EventBody)| Event {
        run: Runner::run_id(),
        seq: Seq::FIRST.plus(place),
        timestamp: Millis::new(1_000),
        body: body.clone(),
    };
    run.log.iter().enumerate().map(event).collect()
}

fn state_at(run: &Runner, at: Seq) -> RunState {
    let events = events(run);
    let until = events.iter().take_while(|event| event.seq <= at);
    fold(RunState::empty(), until)
}

fn wanted(set: &[(&str, Value)]) -> ForkRequest {
    let set = set
        .iter()
        .map(|(path, it)| ((*path).to_owned(), it.clone()));
    ForkRequest {
        run: Runner::run_id(),
        named: None,
        set: set.collect(),
        request: Hash::of(b"request"),
        at: Millis::new(500_000),
    }
}

/// The fork of a run at the last whole step at or before a seq.
fn forked(run: &Runner, at: u64, set: &[(&str, Value)]) -> Result<Runner, ForkError> {
    let at = whole(&events(run), Seq::from_stored(at)).unwrap();
    let decision = fork(&run.plan, &state_at(run, at), &wanted(set), &run.blobs)?;
    let mut fork = Runner::of((**run.plan.program()).clone(), json!({"name": "Ada"}));
    fork.log.clear();
    fork.blobs = run.blobs.clone();
    fork.at = 500_000;
    fork.take(decision);
    fork.wake();
    Ok(fork)
}

fn output(run: &Runner) -> Value {
    match run.log.last() {
        Some(EventBody::RunCompleted(done)) => Value::clone(done.output.inline().unwrap()),
        other => panic!("the run did not complete: {other:?}"),
    }
}

/// Stages that a log completes.
fn completed(log: &[EventBody]) -> BTreeSet<String> {
    let stages = log.iter().filter_map(|body| match body {
        EventBody::StageCompleted(it) => Some(it.stage.to_string()),
        _ => None,
    });
    stages.collect()
}

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

/// A map over four items, two at once, each with a call.
fn mapping() -> Vec<Op> {
    let map = OpKind::Map(Map {
        items: json!("{{in.list}}"),
        way: Way {
            port: "item".to_owned(),
            to: OpId(2),
        },
        gather: OpId(1),
        batch_size: 1,
        batches_at_once: 2,
        items_at_once: 2,
        pause_ms: 0,
        goes_on: false,
        on_error: None,
    });
    let gather = OpKind::Gather(Gather {
        map: OpId(0),
        next: OpId(3),
        on_error: None,
    });
    let gather = Op {
        name: "m.gather".to_owned(),
        ..op("m", gather)
    };
    vec![
        op("m", map),
        gather,
        call("x", "look at {{item}}", 1),
        end("end", json!("{{nodes.m.output}}")),
    ]
}

fn over(items: usize) -> Runner {
    let list: Vec<usize> = (0..items).collect();
    let mut run = Runner::of(support::program(mapping()), json!({ "list": list }));
    run.wake();
    run
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
fn what_is_set_counts_from_there_on() {
    let mut run = begin(branching(JoinPolicy::All));
    answer_all(&mut run);
    let place = |kind: &str, stage: &str| {
        let found = run.log.iter().position(|body| {
            body.kind() == kind
                && serde_json::to_string(&Event {
                    run: Runner::run_id(),
                    seq: Seq::FIRST,
                    timestamp: Millis::new(0),
                    body: body.clone(),
                })
                .unwrap()
                .contains(&format!("\"stage\":\"{stage}\""))
        });
        found.unwrap() as u64 + 1
    };
    let result = |at: u64, path: &str, value: Value| {
        let mut fork = forked(&run, at, &[(path, value)]).unwrap();
        answer_all(&mut fork);
        output(&fork)["seen"].clone()
    };
    let after_a = place("stage.completed", "a");
    assert_eq!(
        result(after_a, "nodes.a.output", json!("new")),
        "new!?"
    );
    let after_p = place("stage.completed", "p.join");
    assert_eq!(result(after_p, "vars.seen", json!("mine")), "mine?");
    let after_d = place("stage.completed", "d");
    assert_eq!(
        result(after_d, "vars.count", json!([1])),
        json!([1]).to_string()
    );
}

#[test]
fn what_cannot_be_set_is_named_with_what_can() {
    let mut run = begin(branching(JoinPolicy::All));
    run.answers("a", 1, "hello");
    let last = run.log.len() as u64;
    for (path, said) in [
        ("", "`` cannot be set; a path is `vars.NAME`"),
        ("var.seen", "`var.seen` cannot be set"),
        ("vars", "`vars` cannot be set"),
        ("in.", "`in.` cannot be set"),
        ("in..x", "`in..x` cannot be set"),
        (
            "vars.sean",
            "`vars.sean` is not there at this event; the variables there are `count`, `seen`",
        ),
        ("nodes.b.output", "the outputs of nodes there are `a`"),
        ("nodes.a", "`nodes.a` is not there"),
        ("nodes.a.input", "`nodes.a.input` is not there"),
        (
            "in.name.first",
            "`in.name.first` leads to `first` inside a text",
        ),
        (
            "in.who.first",
            "`in.who.first` leads through `who`, which is not there",
        ),
        ("vars.seen", "`vars.seen` stands in 2 places"),
    ] {
        let error = forked(&run, last, &[(path, json!(1))]).err().unwrap();
        assert!(error.to_string().contains(said), "{path}: {error}");
    }
    let large = json!("x".repeat(limits::VALUE_BYTES_MAX));
    let error = forked(&run, last, &[("vars.count", large)]).err().unwrap();
    assert!(matches!(error, ForkError::ValueTooLarge { .. }), "{error}");
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

fn redriven(run: &Runner) -> Runner {
    let before = before_failure(&events(run)).unwrap();
    forked(run, before.get(), &[]).unwrap()
}

#[test]
fn a_redrive_does_the_failed_stage_again_and_nothing_before_it() {
    let mut run = begin(branching(JoinPolicy::All));
    run.fails("a", 1, FailureKind::Auth);
    let mut again = redriven(&run);
    assert_eq!(again.state.claims().count(), 1);
    answer_all(&mut again);
    assert!(matches!(again.log.last(), Some(EventBody::RunCompleted(_))));
    for policy in [JoinPolicy::All, JoinPolicy::FailFast] {
        let mut run = begin(branching(policy));
        run.answers("a", 1, "said a")
            .fails("b", 1, FailureKind::Auth);
        assert!(matches!(run.log.last(), Some(EventBody::RunFailed(_))));
        let mut again = redriven(&run);
        assert_eq!(again.state.branches.len(), 2);
        answer_all(&mut again);
        assert_eq!(output(&again)["seen"], "said a!?");
        assert!(!completed(&again.log).contains("a"));
    }
}

#[test]
fn a_redrive_of_a_failed_item_keeps_the_others() {
    let mut run = over(4);
    run.answers("x[0]", 1, "said x[0]")
        .answers("x[1]", 1, "said x[1]");
    run.fails("x[2]", 1, FailureKind::Auth);
    assert!(matches!(run.log.last(), Some(EventBody::RunFailed(_))));
    let mut again = redriven(&run);
    answer_all(&mut again);
    let mut whole = over(4);
    answer_all(&mut whole);
    assert_eq!(output(&again), output(&whole));
    assert!(!completed(&again.log).contains("x[0]"));
}

#[test]
fn there_is_no_redrive_of_a_run_that_did_not_fail_at_a_stage() {
    let mut run = begin(branching(JoinPolicy::All));
    let refused = |run: &Runner| before_failure(&events(run)).unwrap_err();
    assert!(matches!(refused(&run), NoRedrive::NotOver(_)));
    answer_all(&mut run);
    assert_eq!(refused(&run), NoRedrive::Completed);
    let mut late = begin(branching(JoinPolicy::All));
    late.wake_at(1_000 + 3_600_000);
    let error = refused(&late);
    assert!(error.to_string().contains("lifetime"), "{error}");
    let mut ended = begin(branching(JoinPolicy::All));
    ended.cancel("in_1");
    assert_eq!(refused(&ended), NoRedrive::Cancelled);
    // A cancelled run can be forked all the same, from the last moment at which it had work.
    let fork = forked(&ended, ended.log.len() as u64, &[]).unwrap();
    assert_eq!(fork.state.claims().count(), 1);
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

#[test]
fn what_is_set_in_a_branch_is_what_the_branch_comes_to() {
    let mut run = begin(branching(JoinPolicy::All));
    run.answers("a", 1, "said a").answers("b", 1, "said b");
    let gave = |body: &EventBody| matches!(body, EventBody::StageCompleted(it) if it.stage.as_str() == "b");
    let after_b = run.log.iter().position(gave).unwrap() as u64 + 1;
    let set = [("nodes.b.output", json!("other"))];
    let mut fork = forked(&run, after_b, &set).unwrap();
    answer_all(&mut fork);
    assert_eq!(output(&fork)["p"][0], "other", "{}", fork.lines(0));
}
