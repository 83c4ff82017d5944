//! What each shape comes to, worked out by hand from the rules. The run's id stands as `RUN`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::shapes;
use crate::oracle::interpret;
use lattice_ir::{Plan, verify};
use std::sync::Arc;

/// The facts of each shape, one a line: see `Display` of `Outcome`.
const EXPECTED: &[(&str, [&str; 5])] = &[
    (
        "chain",
        [
            r#"completed {"text":"third(first(about rain) or second(shorten first(about rain)))"}"#,
            "path first second third end",
            r#"outputs {"first":"first(about rain)","second":"second(shorten first(about rain))","third":"third(first(about rain) or second(shorten first(about rain)))"}"#,
            "variables {}",
            "calls first*1 second*1 third*1 usage 30+15",
        ],
    ),
    (
        "retry_then_success",
        [
            r#"completed "after0(polish flaky2(about rain))""#,
            "path flaky after end",
            r#"outputs {"after":"after0(polish flaky2(about rain))","flaky":"flaky2(about rain)"}"#,
            "variables {}",
            "calls after*1 flaky*3 usage 34+10",
        ],
    ),
    (
        "caught",
        [
            r#"completed {"sorry":"auth"}"#,
            "path write excuse end-2",
            r#"outputs {"excuse":{"sorry":"auth"},"write":{"error":{"kind":"auth"}}}"#,
            "variables {}",
            "calls write*1 usage 7+0",
        ],
    ),
    (
        "uncaught",
        [
            "failed refused at send",
            "path write check send",
            r#"outputs {"check":{"error":{"kind":"context_length"}},"write":"a poem"}"#,
            "variables {}",
            "calls check*1 send*1 write*1 usage 24+5",
        ],
    ),
    (
        "timeout_way",
        [
            r#"completed {"late":"timeout"}"#,
            "path slow end-timeout",
            r#"outputs {"slow":{"error":{"kind":"timeout"}}}"#,
            "variables {}",
            "calls slow*2 usage 14+0",
        ],
    ),
    (
        "timeout_as_error",
        [
            r#"completed {"error":"timeout"}"#,
            "path slow end-error",
            r#"outputs {"slow":{"error":{"kind":"timeout"}}}"#,
            "variables {}",
            "calls slow*2 usage 14+0",
        ],
    ),
    (
        "exhausted",
        [
            "failed rate_limit at write",
            "path write",
            "outputs {}",
            "variables {}",
            "calls write*3 usage 21+0",
        ],
    ),
    (
        "malformed",
        [
            r#"completed ["malformed_output","malformed_output"]"#,
            "path prose unfit end",
            r#"outputs {"prose":{"error":{"kind":"malformed_output"}},"unfit":{"error":{"kind":"malformed_output"}}}"#,
            "variables {}",
            "calls prose*1 unfit*1 usage 20+10",
        ],
    ),
    (
        "judge",
        [
            r#"completed "wet(dry it: yes)""#,
            "path judge.model judge wet end",
            r#"outputs {"judge":"yes","wet":"wet(dry it: yes)"}"#,
            "variables {}",
            "calls judge.model*1 wet*1 usage 20+10",
        ],
    ),
    (
        "unrenderable",
        [
            "failed expression at asked",
            "path instructed asked",
            r#"outputs {"instructed":{"error":{"kind":"expression"}}}"#,
            "variables {}",
            "calls usage 0+0",
        ],
    ),
    (
        "never_twice",
        [
            r#"completed "send(send about rain)""#,
            "path send end",
            r#"outputs {"send":"send(send about rain)"}"#,
            "variables {}",
            "calls send*1 usage 10+5",
        ],
    ),
    (
        "secret",
        [
            r#"completed "in""#,
            "path login end",
            r#"outputs {"login":"in"}"#,
            "variables {}",
            "calls login*1 usage 10+5",
        ],
    ),
    (
        "if_true",
        [
            r#"completed {"praise":"praise(true: praise 7)"}"#,
            "path check praise end",
            r#"outputs {"check":"true","praise":"praise(true: praise 7)"}"#,
            r#"variables {"open":true}"#,
            "calls praise*1 usage 10+5",
        ],
    ),
    (
        "if_false",
        [
            r#"completed {"comfort":"console(false: console 3)"}"#,
            "path check console end-2",
            r#"outputs {"check":"false","console":"console(false: console 3)"}"#,
            r#"variables {"open":true}"#,
            "calls console*1 usage 10+5",
        ],
    ),
    (
        "switch",
        [
            r#"completed "branch-2""#,
            "path switch three end",
            r#"outputs {"switch":"branch-2","three":"three(three)"}"#,
            "variables {}",
            "calls three*1 usage 10+5",
        ],
    ),
    (
        "no_way",
        [
            "failed expression at check",
            "path write check",
            r#"outputs {"write":"write(about 5)"}"#,
            "variables {}",
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "failing_test",
        [
            "failed expression at second",
            "path first note second",
            r#"outputs {"first":{"error":{"kind":"expression"}},"note":"note(expression)"}"#,
            "variables {}",
            "calls note*1 usage 10+5",
        ],
    ),
    (
        "diamond",
        [
            r#"completed ["left of 1","write({\"count\":2,\"way\":\"left of 1\"})"]"#,
            "path split left join write end",
            r#"outputs {"join":{"count":2,"way":"left of 1"},"left":"left of 1","write":"write({\"count\":2,\"way\":\"left of 1\"})"}"#,
            r#"variables {"way":"left of 1"}"#,
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "pure",
        [
            r#"completed {"copy":{"list":[1,null,2.5]},"n":2}"#,
            "path copy end",
            r#"outputs {"copy":{"list":[1,null,2.5]}}"#,
            "variables {}",
            "calls usage 0+0",
        ],
    ),
    (
        "variables",
        [
            "completed [4,4]",
            "path count more write again look end",
            r#"outputs {"again":"write(4+4 of 10)","count":4,"look":{"count":"write(4+4 of 10)","more":{"list":[4,4],"text":"4+4"},"start":10},"more":{"list":[4,4],"text":"4+4"},"write":"write(4+4 of 10)"}"#,
            r#"variables {"count":"write(4+4 of 10)","more":{"list":[4,4],"text":"4+4"},"start":10}"#,
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "deleted_variable",
        [
            "failed expression at read",
            "path set write drop read",
            r#"outputs {"set":"n, 4","write":"write(n, 4)"}"#,
            r#"variables {"b":1}"#,
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "transforms",
        [
            r#"completed {"ages":[41,29,35]}"#,
            "path names ages write end",
            r#"outputs {"ages":[41,29,35],"names":["Al","Zoe"],"write":"write([\"Al\",\"Zoe\"] 41)"}"#,
            "variables {}",
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "fallback",
        [
            r#"completed ["expression","{{not a template}}"]"#,
            "path saved caught end",
            r#"outputs {"caught":{"error":{"kind":"expression"}},"saved":{"text":"{{not a template}}"}}"#,
            "variables {}",
            "calls usage 0+0",
        ],
    ),
    (
        "facts",
        [
            r#"completed ["RUN","write(wf-facts)"]"#,
            "path write end",
            r#"outputs {"write":"write(wf-facts)"}"#,
            "variables {}",
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "large_values",
        [
            r#"completed {"both":["writewri.. of 8193 bytes","doubledo.. of 16386 bytes"],"seed":"seed see.. of 8193 bytes"}"#,
            "path write keep double both end",
            r#"outputs {"both":["writewri.. of 8193 bytes","doubledo.. of 16386 bytes"],"double":"doubledo.. of 16386 bytes","keep":{"n":1,"text":"writewri.. of 8193 bytes"},"write":"writewri.. of 8193 bytes"}"#,
            r#"variables {"kept":{"n":1,"text":"writewri.. of 8193 bytes"}}"#,
            "calls double*1 write*1 usage 20+10",
        ],
    ),
    (
        "too_large",
        [
            "failed limit at end-2",
            "path fits bursts write end-2",
            r#"outputs {"bursts":{"error":{"kind":"limit"}},"fits":"a list of 63","write":"write(limit)"}"#,
            "variables {}",
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "delay_then_call",
        [
            r#"completed "write(about Plan)""#,
            "path rest write nap end",
            r#"outputs {"nap":{"waitedUntil":"a moment"},"rest":{"waitedUntil":"a moment"},"write":"write(about Plan)"}"#,
            "variables {}",
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "until",
        [
            r#"completed "write(about Plan)""#,
            "path later past write end",
            r#"outputs {"later":{"waitedUntil":"a moment"},"past":{"waitedUntil":"a moment"},"write":"write(about Plan)"}"#,
            "variables {}",
            "calls write*1 usage 10+5",
        ],
    ),
    (
        "bad_moment",
        [
            "failed expression at ask",
            "path rest ask",
            r#"outputs {"rest":{"error":{"kind":"expression"}}}"#,
            "variables {}",
            "calls usage 0+0",
        ],
    ),
    (
        "one_option",
        [
            r#"completed "send back""#,
            "path ask ask.choice mend end",
            r#"outputs {"ask":{"label":"Send back","option":1,"value":"send back"},"mend":"mend(mend Plan: Send back)"}"#,
            "variables {}",
            "calls mend*1 usage 10+5",
        ],
    ),
    (
        "free_text",
        [
            r#"completed "mend(mend: shorter)""#,
            "path draft ask mend end",
            r#"outputs {"ask":{"text":"shorter"},"draft":"draft(draft Plan)","mend":"mend(mend: shorter)"}"#,
            "variables {}",
            "calls draft*1 mend*1 usage 20+10",
        ],
    ),
    (
        "several_options",
        [
            r#"completed ["Red","Blue"]"#,
            "path ask end",
            r#"outputs {"ask":{"labels":["Red","Blue"],"options":[0,2],"values":["red","blue"]}}"#,
            "variables {}",
            "calls usage 0+0",
        ],
    ),
    (
        "question_timeout",
        [
            r#"completed {"timedOut":true}"#,
            "path ask remind end",
            r#"outputs {"ask":{"timedOut":true},"remind":"remind(remind: true)"}"#,
            "variables {}",
            "calls remind*1 usage 10+5",
        ],
    ),
    (
        "answer_before_timeout",
        [
            r#"completed {"label":"Yes","option":0,"value":"yes"}"#,
            "path ask send end",
            r#"outputs {"ask":{"label":"Yes","option":0,"value":"yes"},"send":"send(send: Yes)"}"#,
            "variables {}",
            "calls send*1 usage 10+5",
        ],
    ),
    (
        "nobody_answers",
        [
            "waiting",
            "path draft ask",
            r#"outputs {"draft":"draft(draft Plan)"}"#,
            "variables {}",
            "calls draft*1 usage 10+5",
        ],
    ),
    (
        "early_answer",
        [
            r#"completed "send(no: send draft(draft Plan))""#,
            "path draft rest ask send end",
            r#"outputs {"ask":{"label":"No","option":1,"value":"no"},"draft":"draft(draft Plan)","rest":{"waitedUntil":"a moment"},"send":"send(no: send draft(draft Plan))"}"#,
            "variables {}",
            "calls draft*1 send*1 usage 20+10",
        ],
    ),
    (
        "refused_then_accepted",
        [
            r#"completed {"label":"Approve","option":0,"value":"approve"}"#,
            "path ask ask.choice send end",
            r#"outputs {"ask":{"label":"Approve","option":0,"value":"approve"},"send":"send(send Plan)"}"#,
            "variables {}",
            "calls send*1 usage 10+5",
        ],
    ),
    (
        "two_questions",
        [
            r#"completed ["Ada","Ulm"]"#,
            "path name place both end",
            r#"outputs {"both":["Ada","Ulm"],"name":{"text":"Ada"},"place":{"text":"Ulm"}}"#,
            "variables {}",
            "calls usage 0+0",
        ],
    ),
    (
        "long_run",
        [
            r#"completed "thank(thank for send(send Plan: approve))""#,
            "path ask ask.choice rest send thank end",
            r#"outputs {"ask":{"label":"Approve","option":0,"value":"approve"},"rest":{"waitedUntil":"a moment"},"send":"send(send Plan: approve)","thank":"thank(thank for send(send Plan: approve))"}"#,
            "variables {}",
            "calls send*1 thank*1 usage 20+10",
        ],
    ),
];

#[test]
fn every_shape_has_an_outcome_that_was_worked_out_by_hand() {
    let shapes: Vec<_> = shapes().iter().map(|shape| shape.name).collect();
    let expected: Vec<_> = EXPECTED.iter().map(|(name, _)| *name).collect();
    assert_eq!(shapes, expected);
}

#[test]
fn every_shape_verifies_and_every_expression_of_it_parses() {
    for shape in shapes() {
        assert_eq!(verify(&shape.program), Ok(()), "{}", shape.name);
        if let Err(errors) = Plan::new(Arc::new(shape.program)) {
            panic!("{}: {errors:?}", shape.name);
        }
    }
}

#[test]
fn every_shape_comes_to_what_was_worked_out() {
    let mut wrong = Vec::new();
    for (shape, (_, expected)) in shapes().iter().zip(EXPECTED) {
        let world = (shape.world)();
        let outcome = interpret(&shape.program, &world);
        let found = outcome.to_string().replace(world.run_id.as_str(), "RUN");
        let expected = expected.join("\n");
        if found != expected {
            wrong.push(format!("{}\n{found}\nexpected\n{expected}", shape.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
