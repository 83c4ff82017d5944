//! Shapes of waits: delays, questions, both; answered, refused, early and never.

use super::Shape;
use super::build::{ask, choice, delay, end, equal, eval, program, question};
use crate::oracle::world::World;
use lattice_ir::{Choice, OpKind, QuestionTemplate, Timer, Wait};
use lattice_journal::Choice as AnswerChoice;
use lattice_model::OpId;
use serde_json::json;

const DAY_MS: u64 = 86_400_000;

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        delay_then_call(),
        until(),
        bad_moment(),
        one_option(),
        free_text(),
        several_options(),
        question_timeout(),
        answer_before_timeout(),
        nobody_answers(),
        early_answer(),
        refused_then_accepted(),
        two_questions(),
        long_run(),
    ]
}

fn world() -> World {
    World::new(json!({ "title": "Plan" }))
}

fn delay_then_call() -> Shape {
    let ops = vec![
        ("rest", OpKind::Wait(delay(Timer::After(3 * DAY_MS), 1))),
        ("write", ask("about {{in.title}}", 2)),
        ("nap", OpKind::Wait(delay(Timer::After(0), 3))),
        ("end", end(json!("{{nodes.write.output}}"))),
    ];
    Shape::new("delay_then_call", program("delay_then_call", ops), world)
        .noted("three days, longer than a queue can delay; then none at all")
}

fn until() -> Shape {
    let later = Timer::Until("{{in.later}}".to_owned());
    let past = Timer::Until("2001-02-03T04:05:06Z".to_owned());
    let ops = vec![
        ("later", OpKind::Wait(delay(later, 1))),
        ("past", OpKind::Wait(delay(past, 2))),
        ("write", ask("about {{in.title}}", 3)),
        ("end", end(json!("{{nodes.write.output}}"))),
    ];
    let world = || World::new(json!({ "title": "Plan", "later": "2025-11-25T08:00:00Z" }));
    Shape::new("until", program("until", ops), world)
        .noted("the moment comes 16 hours after the start; the second is long past")
}

fn bad_moment() -> Shape {
    let caught = Wait {
        on_error: Some(OpId(1)),
        ..delay(Timer::Until("{{in.title}}".to_owned()), 2)
    };
    let ops = vec![
        ("rest", OpKind::Wait(caught)),
        (
            "ask",
            OpKind::Wait(question("{{nodes.rest.output.waitedUntil}}", &[], 2)),
        ),
        ("end", end(json!({}))),
    ];
    let world = || world().answering("ask", &[json!("yes")]);
    Shape::new("bad_moment", program("bad_moment", ops), world)
        .noted("the question cannot be asked, so the answer is never taken")
}

/// Asks for one of two options and goes its way, as the compiler has it: two ops of one node.
fn approval(next: [u32; 2]) -> [(&'static str, OpKind); 2] {
    let asked = question("Send {{in.title}}?", &["Approve", "Send back"], 1);
    let arms = vec![
        equal("{{nodes.ask.output.option}}", json!(0), "branch-0", next[0]),
        equal("{{nodes.ask.output.option}}", json!(1), "branch-1", next[1]),
    ];
    let chosen = OpKind::Choice(Choice {
        keeps_port: false,
        ..choice(arms)
    });
    [("ask", OpKind::Wait(asked)), ("ask.choice", chosen)]
}

fn one_option() -> Shape {
    let mut ops = approval([2, 3]).to_vec();
    ops.extend([
        ("send", ask("send {{in.title}}", 4)),
        (
            "mend",
            ask("mend {{in.title}}: {{nodes.ask.output.label}}", 4),
        ),
        ("end", end(json!("{{nodes.ask.output.value}}"))),
    ]);
    let world = || world().answering("ask", &[json!("Send back")]);
    Shape::new("one_option", program("one_option", ops), world)
}

fn free_text() -> Shape {
    let ops = vec![
        ("draft", ask("draft {{in.title}}", 1)),
        (
            "ask",
            OpKind::Wait(question("What of {{nodes.draft.output}}?", &[], 2)),
        ),
        ("mend", ask("mend: {{nodes.ask.output.text}}", 3)),
        ("end", end(json!("{{nodes.mend.output}}"))),
    ];
    let world = || world().answering("ask", &[json!("shorter")]);
    Shape::new("free_text", program("free_text", ops), world)
}

fn several_options() -> Shape {
    let one = question("Which for {{in.title}}?", &["Red", "Green", "Blue"], 1);
    let several = Wait {
        question: one.question.map(|asked| QuestionTemplate {
            choice: AnswerChoice::Many,
            ..asked
        }),
        on_answer: Some(OpId(1)),
        ..delay(Timer::After(DAY_MS), 2)
    };
    let ops = vec![
        ("ask", OpKind::Wait(several)),
        ("end", end(json!("{{nodes.ask.output.labels}}"))),
        ("end-2", end(json!("late"))),
    ];
    let world = || world().answering("ask", &[json!(["3", "Red"])]);
    Shape::new("several_options", program("several_options", ops), world)
}

/// A question with a day to answer it.
fn hurried() -> OpKind {
    OpKind::Wait(Wait {
        timer: Some(Timer::After(DAY_MS)),
        on_timer: Some(OpId(2)),
        ..question("Send {{in.title}}?", &["Yes", "No"], 1)
    })
}

fn hurried_ops() -> Vec<(&'static str, OpKind)> {
    vec![
        ("ask", hurried()),
        ("send", ask("send: {{nodes.ask.output.label}}", 3)),
        ("remind", ask("remind: {{nodes.ask.output.timedOut}}", 3)),
        ("end", end(json!("{{nodes.ask.output}}"))),
    ]
}

fn question_timeout() -> Shape {
    let program = program("question_timeout", hurried_ops());
    Shape::new("question_timeout", program, || {
        world().answering("ask", &[json!("Maybe")])
    })
    .noted("the only answer is refused; the timer goes on and fires")
}

fn answer_before_timeout() -> Shape {
    let program = program("answer_before_timeout", hurried_ops());
    Shape::new("answer_before_timeout", program, || {
        world().answering("ask", &[json!(1)])
    })
    .noted("the timer is due while the run goes on, and must not fire")
}

fn nobody_answers() -> Shape {
    let ops = vec![
        ("draft", ask("draft {{in.title}}", 1)),
        (
            "ask",
            OpKind::Wait(question("Send {{nodes.draft.output}}?", &["Yes", "No"], 2)),
        ),
        ("end", end(json!({}))),
    ];
    let world = || world().answering("ask", &[json!("Perhaps"), json!(3)]);
    Shape::new("nobody_answers", program("nobody_answers", ops), world)
        .noted("both answers are refused and the run waits, until its lifetime is over")
}

fn early_answer() -> Shape {
    let ops = vec![
        ("draft", ask("draft {{in.title}}", 1)),
        ("rest", OpKind::Wait(delay(Timer::After(DAY_MS), 2))),
        ("ask", OpKind::Wait(question("Send it?", &["Yes", "No"], 3))),
        (
            "send",
            ask("{{nodes.ask.output.value}}: send {{nodes.draft.output}}", 4),
        ),
        ("end", end(json!("{{nodes.send.output}}"))),
    ];
    let world = || world().answering("ask", &[json!("No"), json!("Yes")]);
    Shape {
        answers_early: true,
        ..Shape::new("early_answer", program("early_answer", ops), world)
            .noted("both answers are there before anybody asks; the first one counts")
    }
}

fn refused_then_accepted() -> Shape {
    let mut ops = approval([2, 3]).to_vec();
    ops.extend([
        ("send", ask("send {{in.title}}", 4)),
        ("mend", ask("mend {{in.title}}", 4)),
        ("end", end(json!("{{nodes.ask.output}}"))),
    ]);
    let world = || {
        let answers = [
            json!("Later"),
            json!(["Approve"]),
            json!("1"),
            json!("Send back"),
        ];
        world().answering("ask", &answers)
    };
    Shape::new(
        "refused_then_accepted",
        program("refused_then_accepted", ops),
        world,
    )
    .noted("two are refused, the third counts, the fourth comes too late")
}

fn two_questions() -> Shape {
    let both = json!(["{{nodes.name.output.text}}", "{{nodes.place.output.text}}"]);
    let ops = vec![
        ("name", OpKind::Wait(question("Who?", &[], 1))),
        (
            "place",
            OpKind::Wait(question("Where, {{nodes.name.output.text}}?", &[], 2)),
        ),
        ("both", OpKind::Eval(eval(both, 3))),
        ("end", end(json!("{{nodes.both.output}}"))),
    ];
    let world = || {
        world()
            .answering("place", &[json!(7), json!("Ulm")])
            .answering("name", &[json!("Ada")])
    };
    Shape::new("two_questions", program("two_questions", ops), world)
        .noted("no effect at all; an answer to `place` may come before one to `name`")
}

fn long_run() -> Shape {
    let mut ops = approval([2, 5]).to_vec();
    ops.extend([
        ("rest", OpKind::Wait(delay(Timer::After(30 * DAY_MS), 3))),
        (
            "send",
            ask("send {{in.title}}: {{nodes.ask.output.value}}", 4),
        ),
        ("thank", ask("thank for {{nodes.send.output}}", 5)),
        ("end", end(json!("{{nodes.thank.output}}"))),
    ]);
    let world = || world().answering("ask", &[json!("approve")]);
    Shape::new("long_run", program("long_run", ops), world).noted("a question, a month, two calls")
}
