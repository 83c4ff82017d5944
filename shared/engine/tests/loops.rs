//! Loops: each visit is a stage of its own, and a ceiling ends what goes round.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use expect_test::{Expect, expect};
use lattice_engine::{RunState, fold};
use lattice_ir::{Arm, Assign, Choice, Eval, Op, OpKind, Test, Transform, TransformLanguage, Way};
use lattice_journal::{Event, EventBody, FailureKind, RunStatus};
use lattice_model::{Guard, Guards, Hash, Millis, NodeId, OpId, Seq, StageId, limits};
use serde_json::{Value, json};
use support::{Runner, call, end, op, program};

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

/// Asks a model until it says `good`.
fn until_good(max: u32, on_error: Option<u32>) -> Vec<Op> {
    let draft = call("draft", "Write.", 1, |call| {
        call.on_error = on_error.map(OpId);
    });
    vec![
        at_most(max, draft),
        again("again", "nodes.draft.output != 'good'", 0, 2),
        end("end", json!("{{nodes.draft.output}}")),
        end("gaveUp", json!("{{nodes.draft.output.error.kind}}")),
    ]
}

/// The fold of the log is the live state, at each event also after it was written and read.
fn check_fold(run: &Runner) {
    let mut state = RunState::empty();
    for (place, body) in run.log.iter().enumerate() {
        let event = Event {
            run: Runner::run_id(),
            seq: Seq::FIRST.plus(place),
            timestamp: Millis::new(run.at),
            body: body.clone(),
        };
        state = fold(state, [&event]);
        let stored = serde_json::to_vec(&state).unwrap();
        state = serde_json::from_slice(&stored).unwrap();
    }
    assert_eq!(state.visits, run.state.visits);
    assert_eq!(state.stages, run.state.stages);
    assert_eq!(state.outputs, run.state.outputs);
    assert_eq!((state.status, state.seq), (run.state.status, run.state.seq));
}

#[test]
fn each_visit_has_a_name_and_a_key_and_the_output_is_that_of_the_last() {
    let mut run = Runner::start(until_good(5, None), json!({}));
    run.wake()
        .answers("draft", 1, "bad")
        .answers("draft@2", 1, "worse");
    check_fold(&run);
    assert_eq!(run.state.visits.get(&OpId(0)), Some(&3));
    run.answers("draft@3", 1, "good");
    check(
        &run,
        expect![[r#"
        stage.started draft attempt 1 epoch 0 key e062
        llm.step.started draft "Write."
        llm.step.completed draft "bad"
        stage.completed draft "bad" -> again
        stage.completed again [true] - -> draft@2
        stage.started draft@2 attempt 1 epoch 0 key 62b5
        llm.step.started draft@2 "Write."
        llm.step.completed draft@2 "worse"
        stage.completed draft@2 "worse" -> again@2
        stage.completed again@2 [true] - -> draft@3
        stage.started draft@3 attempt 1 epoch 0 key 024a
        llm.step.started draft@3 "Write."
        llm.step.completed draft@3 "good"
        stage.completed draft@3 "good" -> again@3
        stage.completed again@3 [false] - -> end
        stage.completed end "good"
        run.completed "good"
    "#]],
    );
    check_fold(&run);
    let keys: Vec<Hash> = run.calls.iter().map(|call| call.key).collect();
    let key = |stage: &str| {
        let (run, epoch) = (Runner::run_id(), 0_u32.to_be_bytes());
        Hash::of_parts(&[run.as_str().as_bytes(), stage.as_bytes(), &epoch])
    };
    assert_eq!(keys, ["draft", "draft@2", "draft@3"].map(key));
}

#[test]
fn one_visit_too_many_fails_the_run_before_anything_is_done() {
    let mut run = Runner::start(until_good(2, None), json!({}));
    run.wake()
        .answers("draft", 1, "bad")
        .answers("draft@2", 1, "worse");
    check(
        &run,
        expect![[r#"
        stage.started draft attempt 1 epoch 0 key e062
        llm.step.started draft "Write."
        llm.step.completed draft "bad"
        stage.completed draft "bad" -> again
        stage.completed again [true] - -> draft@2
        stage.started draft@2 attempt 1 epoch 0 key 62b5
        llm.step.started draft@2 "Write."
        llm.step.completed draft@2 "worse"
        stage.completed draft@2 "worse" -> again@2
        stage.completed again@2 [true] - -> draft@3
        stage.failed draft@3 after 0 limit
        run.failed limit: the loop came here more often than 2 times
    "#]],
    );
    assert_eq!(run.calls.len(), 2);
    assert!(run.state.visits.is_empty(), "nothing comes behind the end");
}

#[test]
fn a_caught_ceiling_leads_on_and_is_the_output() {
    let mut run = Runner::start(until_good(1, Some(3)), json!({}));
    run.wake().answers("draft", 1, "bad");
    check(
        &run,
        expect![[r#"
        stage.started draft attempt 1 epoch 0 key e062
        llm.step.started draft "Write."
        llm.step.completed draft "bad"
        stage.completed draft "bad" -> again
        stage.completed again [true] - -> draft@2
        stage.failed draft@2 after 0 limit -> gaveUp
        stage.completed gaveUp "limit"
        run.completed "limit"
    "#]],
    );
}

/// The last visit that a ceiling allows is as good as the first.
#[test]
fn as_many_visits_as_the_ceiling_says_are_fine() {
    let mut run = Runner::start(until_good(2, None), json!({}));
    run.wake()
        .answers("draft", 1, "bad")
        .answers("draft@2", 1, "good");
    assert_eq!(run.state.status, RunStatus::Completed);
}

#[test]
fn an_op_on_no_loop_keeps_its_name_and_is_not_counted() {
    let mut ops = until_good(2, None);
    ops[2] = at_most(1, call("after", "x", 3, |_| {}));
    let mut run = Runner::start(ops, json!({}));
    run.wake()
        .answers("draft", 1, "bad")
        .answers("draft@2", 1, "good");
    let visits: Vec<u32> = run.state.visits.keys().map(|op| op.0).collect();
    assert_eq!(visits, [0, 1]);
    let mut started = run.log.iter().filter_map(|event| match event {
        EventBody::StageCompleted(done) => Some((done.stage.as_str(), done.next.clone()?)),
        _ => None,
    });
    let last = started.next_back().unwrap();
    assert_eq!(last.0, "again@2");
    assert_eq!((last.1.stage.as_str(), last.1.visit), ("after", None));
}

/// A loop that nobody has to be asked for, longer than a commit.
#[test]
fn a_loop_of_pure_ops_goes_round_in_as_many_commits_as_it_takes() {
    let transform = Transform {
        language: TransformLanguage::Jmespath,
        expression: "[]".to_owned(),
    };
    let grow = OpKind::Eval(Eval {
        input: json!(["{{vars.list}}", ["x"]]),
        transform: Some(transform),
        fallback: None,
        next: OpId(1),
        on_error: None,
    });
    let keep = OpKind::Assign(Assign {
        variable: "list".to_owned(),
        value: Some(json!("{{nodes.grow.output}}")),
        next: OpId(2),
        on_error: None,
    });
    let ops = vec![
        op("grow", grow),
        at_most(50, op("keep", keep)),
        again("again", "size(vars.list) < 40", 0, 3),
        end("end", json!("{{vars.list}}")),
    ];
    let mut program = program(ops);
    program.variables.insert("list".to_owned(), json!([]));
    let mut run = Runner::of(program, json!({}));
    let (mut decisions, mut most) = (0, 0);
    while !run.state.status.is_terminal() {
        let decision = run.decide(lattice_engine::Cause::Wake).unwrap();
        most = most.max(decision.events.len());
        run.take(decision);
        check_fold(&run);
        decisions += 1;
    }
    let most_allowed = limits::COMMIT_EVENTS_MAX;
    assert!(
        decisions > 2 && most <= most_allowed,
        "{decisions} decisions, {most} events: {}",
        run.lines(0)
    );
    let EventBody::RunCompleted(done) = run.log.last().unwrap() else {
        panic!("{}", run.lines(0));
    };
    let list = done.output.inline().unwrap();
    assert_eq!(list.as_array().unwrap().len(), 40);
}

#[test]
fn attempts_and_epochs_begin_anew_with_each_visit() {
    let mut run = Runner::start(until_good(3, None), json!({}));
    run.wake()
        .fails("draft", 1, FailureKind::RateLimit)
        .wake_later(10_000)
        .answers("draft", 2, "bad");
    run.fails("draft@2", 1, FailureKind::Network)
        .wake_later(10_000)
        .loses("draft@2", 2)
        .answers("draft@2", 3, "good");
    check(
        &run,
        expect![[r#"
        stage.started draft attempt 1 epoch 0 key e062
        llm.step.started draft "Write."
        llm.step.failed draft rate_limit
        stage.retrying draft epoch 1 rate_limit until 1861
        stage.started draft attempt 2 epoch 1 key 8ec4
        llm.step.started draft "Write."
        llm.step.completed draft "bad"
        stage.completed draft "bad" -> again
        stage.completed again [true] - -> draft@2
        stage.started draft@2 attempt 1 epoch 0 key 62b5
        llm.step.started draft@2 "Write."
        llm.step.failed draft@2 network
        stage.retrying draft@2 epoch 1 network until 11917
        stage.started draft@2 attempt 2 epoch 1 key 55c6
        llm.step.started draft@2 "Write."
        stage.started draft@2 attempt 3 epoch 1 key 55c6
        llm.step.started draft@2 "Write."
        llm.step.completed draft@2 "good"
        stage.completed draft@2 "good" -> again@2
        stage.completed again@2 [false] - -> end
        stage.completed end "good"
        run.completed "good"
    "#]],
    );
}

#[test]
fn a_result_of_an_earlier_visit_is_late() {
    let mut run = Runner::start(until_good(3, None), json!({}));
    run.wake().answers("draft", 1, "bad");
    let before = run.log.len();
    run.answers("draft", 1, "good");
    assert_eq!(run.state.status, RunStatus::Running);
    assert!(run.state.stages.contains_key(&StageId::new("draft@2")));
    expect![[r#"
        trace.breadcrumb result.late {"afterSeq":9,"attempt":1,"usage":{"inputTokens":10,"outputTokens":5}}
    "#]].assert_eq(&run.lines(before));
}

#[test]
fn a_cancel_ends_whichever_visit_is_open() {
    let mut run = Runner::start(until_good(3, None), json!({}));
    run.wake().answers("draft", 1, "bad").cancel("c1");
    let before = run.log.len() - 3;
    expect![[r#"
        cancel.requested
        stage.skipped draft@2 (the run was cancelled)
        run.cancelled
    "#]]
    .assert_eq(&run.lines(before));
    check_fold(&run);
}

/// What the guards keep: a visit that is taken for an earlier one, and a loop without an end.
#[test]
fn without_its_guards_a_visit_has_the_key_of_another_and_nothing_ends_it() {
    let keys = |guards: Guards| {
        let mut run = Runner::start(until_good(1, None), json!({}));
        run.guards = guards;
        run.wake().answers("draft", 1, "bad");
        run.calls.iter().map(|call| call.key).collect::<Vec<Hash>>()
    };
    assert_eq!(keys(Guards::ALL).len(), 1);
    let endless = Guards::ALL.without(Guard::VisitCeiling);
    let [first, second] = keys(endless).try_into().unwrap();
    assert_ne!(first, second);
    let [first, second] = keys(endless.without(Guard::VisitIsStage))
        .try_into()
        .unwrap();
    assert_eq!(first, second);
}

/// A checkpoint keeps the visits; one that has none is written as it was before there were any.
#[test]
fn a_checkpoint_keeps_the_visits() {
    let mut run = Runner::start(until_good(3, None), json!({}));
    run.wake().answers("draft", 1, "bad");
    let stored = serde_json::to_value(&run.state).unwrap();
    assert_eq!(stored["visits"], json!({ "0": 2, "1": 1 }));
    let back: RunState = serde_json::from_value(stored).unwrap();
    assert_eq!(back, run.state);
    let draft = back.outputs.get(&NodeId::new("draft")).unwrap();
    assert_eq!(
        draft.inline().map(|value| Value::clone(value)),
        Some(json!("bad"))
    );
    let plain = Runner::start(vec![end("end", json!({}))], json!({}));
    let stored = serde_json::to_value(&plain.state).unwrap();
    assert!(stored.get("visits").is_none());
}
