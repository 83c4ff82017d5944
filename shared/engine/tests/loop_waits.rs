//! Waits in loops: each visit asks anew and has a timer of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use expect_test::{Expect, expect};
use lattice_ir::{Arm, Choice, Op, OpKind, QuestionTemplate, Test, Timer, Wait, Way};
use lattice_journal::Choice as AnswerChoice;
use lattice_model::{OpId, StageId};
use serde_json::json;
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

fn question(name: &str, timer: Option<(u64, u32)>, next: u32) -> Op {
    let question = QuestionTemplate {
        text: "Good?".to_owned(),
        options: Vec::new(),
        choice: AnswerChoice::Text,
    };
    let kind = OpKind::Wait(Wait {
        question: Some(question),
        timer: timer.map(|(ms, _)| Timer::After(ms)),
        on_answer: Some(OpId(next)),
        on_timer: timer.map(|(_, to)| OpId(to)),
        on_error: None,
    });
    op(name, kind)
}

/// A question that is asked again until the answer is `yes`, a call between two visits.
fn until_yes() -> Vec<Op> {
    vec![
        at_most(3, question("ask", None, 1)),
        again("again", "nodes.ask.output.text != 'yes'", 2, 3),
        call("mend", "{{nodes.ask.output.text}}", 0, |_| {}),
        end("end", json!("{{nodes.ask.output.text}}")),
    ]
}

#[test]
fn a_question_is_asked_anew_and_older_ones_are_over() {
    let mut run = Runner::start(until_yes(), json!({}));
    run.wake().signal("s1", "ask", Some("ask"), json!("no"));
    // Between two visits: there is an answer, and nobody asks for another one.
    run.signal("s2", "ask", None, json!("yes"))
        .signal("s3", "ask", Some("ask@2"), json!("yes"));
    run.answers("mend", 1, "mended");
    run.signal("s4", "ask", Some("ask"), json!("yes"))
        .signal("s5", "ask", Some("ask@3"), json!("yes"))
        .signal("s6", "ask", None, json!("yes"));
    check(
        &run,
        expect![[r#"
        wait.opened ask Good?
        run.waiting
        signal.received s1 accepted
        run.resumed
        stage.completed ask {"text":"no"} -> again
        stage.completed again [true] - -> mend
        stage.started mend attempt 1 epoch 0 key 9c01
        llm.step.started mend "no"
        signal.received s2 refused: the question of node `ask` is over
        signal.received s3 refused: `ask@2` does not wait for an answer, or not any more
        llm.step.completed mend "mended"
        stage.completed mend "mended" -> ask@2
        wait.opened ask@2 Good?
        run.waiting
        signal.received s4 refused: `ask` does not wait for an answer, or not any more
        signal.received s5 refused: `ask@3` does not wait for an answer, or not any more
        signal.received s6 accepted
        run.resumed
        stage.completed ask@2 {"text":"yes"} -> again@2
        stage.completed again@2 [false] - -> end
        stage.completed end "yes"
        run.completed "yes"
    "#]],
    );
}

#[test]
fn early_answers_are_taken_one_a_visit_in_their_order() {
    let mut ops = until_yes();
    ops.push(call("first", "x", 0, |_| {}));
    let mut program = program(ops);
    program.entry = OpId(4);
    let mut run = Runner::of(program, json!({}));
    run.wake()
        .signal("s1", "ask", None, json!("no"))
        .signal("s2", "ask", None, json!("yes"))
        .signal("s3", "ask", None, json!("never"));
    run.answers("first", 1, "done").answers("mend", 1, "mended");
    check(
        &run,
        expect![[r#"
        stage.started first attempt 1 epoch 0 key 651d
        llm.step.started first "x"
        signal.received s1 buffered
        signal.received s2 buffered
        signal.received s3 buffered
        llm.step.completed first "done"
        stage.completed first "done" -> ask
        wait.opened ask Good?
        signal.received s1 accepted
        stage.completed ask {"text":"no"} -> again
        stage.completed again [true] - -> mend
        stage.started mend attempt 1 epoch 0 key 9c01
        llm.step.started mend "no"
        llm.step.completed mend "mended"
        stage.completed mend "mended" -> ask@2
        wait.opened ask@2 Good?
        signal.received s2 accepted
        stage.completed ask@2 {"text":"yes"} -> again@2
        stage.completed again@2 [false] - -> end
        stage.completed end "yes"
        run.completed "yes"
    "#]],
    );
}

#[test]
fn each_visit_has_a_timer_of_its_own() {
    let ops = vec![
        at_most(3, question("ask", Some((5_000, 0)), 1)),
        end("end", json!("{{nodes.ask.output.text}}")),
    ];
    let mut run = Runner::start(ops, json!({}));
    run.wake().wake_at(6_000);
    // The moment at which the first one would have fired is past; the second one's is not.
    run.wake_at(10_999);
    assert!(run.state.stages.contains_key(&StageId::new("ask@2")));
    run.signal("s1", "ask", Some("ask@2"), json!("yes"));
    check(
        &run,
        expect![[r#"
        wait.opened ask Good?
        timer.set ask 6000
        run.waiting
        run.resumed
        timer.fired ask 6000
        stage.completed ask [timeout] {"timedOut":true} -> ask@2
        wait.opened ask@2 Good?
        timer.set ask@2 11000
        run.waiting
        signal.received s1 accepted
        run.resumed
        stage.completed ask@2 {"text":"yes"} -> end
        stage.completed end "yes"
        run.completed "yes"
    "#]],
    );
}
