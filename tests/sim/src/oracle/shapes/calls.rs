//! Shapes of calls: in a chain, tried again, timed out, failing for good, caught and not.

use super::Shape;
use super::build::{ask, ask_or, call, choice, end, equal, eval, judging, program, retry};
use crate::oracle::world::{World, fail, succeed};
use lattice_ir::{Call, Effect, ModelCall, OnUnknown, OpKind};
use lattice_journal::FailureKind;
use lattice_model::OpId;
use serde_json::json;

pub(super) fn shapes() -> Vec<Shape> {
    vec![
        chain(),
        retry_then_success(),
        caught(),
        uncaught(),
        timeout_way(),
        timeout_as_error(),
        exhausted(),
        malformed(),
        judge(),
        unrenderable(),
        never_twice(),
        secret(),
    ]
}

fn plain() -> World {
    World::new(json!({ "topic": "rain" }))
}

fn chain() -> Shape {
    let ops = vec![
        ("first", ask("about {{in.topic}}", 1)),
        ("second", ask("shorten {{nodes.first.output}}", 2)),
        (
            "third",
            ask("{{nodes.first.output}} or {{nodes.second.output}}", 3),
        ),
        ("end", end(json!({ "text": "{{nodes.third.output}}" }))),
    ];
    Shape::new("chain", program("chain", ops), plain)
}

fn retry_then_success() -> Shape {
    let ops = vec![
        ("flaky", ask("about {{in.topic}}", 1)),
        ("after", ask("polish {{nodes.flaky.output}}", 2)),
        ("end", end(json!("{{nodes.after.output}}"))),
    ];
    let world = || {
        plain().calling(|stage, failures, prompt| match (stage, failures) {
            ("flaky", 0) => fail(FailureKind::RateLimit),
            ("flaky", 1) => fail(FailureKind::Network),
            _ => succeed(format!("{stage}{failures}({prompt})")),
        })
    };
    Shape::new(
        "retry_then_success",
        program("retry_then_success", ops),
        world,
    )
    .noted("two failures in five attempts: up to two attempts may be lost")
}

fn caught() -> Shape {
    let sorry = eval(json!({ "sorry": "{{nodes.write.output.error.kind}}" }), 3);
    let ops = vec![
        ("write", ask_or("about {{in.topic}}", 1, 2)),
        ("end", end(json!("{{nodes.write.output}}"))),
        ("excuse", OpKind::Eval(sorry)),
        ("end-2", end(json!("{{nodes.excuse.output}}"))),
    ];
    let world = || plain().calling(|_, _, _| fail(FailureKind::Auth));
    Shape::new("caught", program("caught", ops), world)
}

fn uncaught() -> Shape {
    let ops = vec![
        ("write", ask("about {{in.topic}}", 1)),
        ("check", ask_or("check {{nodes.write.output}}", 2, 2)),
        ("send", ask("send {{nodes.write.output}}", 3)),
        ("end", end(json!("{{nodes.send.output}}"))),
    ];
    let world = || {
        plain().calling(|stage, _, _| match stage {
            "write" => succeed("a poem"),
            "check" => fail(FailureKind::ContextLength),
            _ => fail(FailureKind::Refused),
        })
    };
    Shape::new("uncaught", program("uncaught", ops), world)
}

/// A call that times out each time, with both ways out.
fn slow(name: &'static str, on_timeout: Option<u32>) -> Shape {
    let slow = OpKind::Call(Call {
        timeout_ms: 600_000,
        retry: retry(2),
        on_error: Some(OpId(1)),
        on_timeout: on_timeout.map(OpId),
        ..call("think about {{in.topic}}", 3)
    });
    let ops = vec![
        ("slow", slow),
        (
            "end-error",
            end(json!({ "error": "{{nodes.slow.output.error.kind}}" })),
        ),
        (
            "end-timeout",
            end(json!({ "late": "{{nodes.slow.output.error.kind}}" })),
        ),
        ("end", end(json!("{{nodes.slow.output}}"))),
    ];
    let world = || plain().calling(|_, _, _| fail(FailureKind::Timeout));
    Shape::new(name, program(name, ops), world).noted(
        "lost attempts count: with one lost there is one recorded failure less; if the last one is \
         lost, the failure is `attempts_exhausted`, which is not a timeout",
    )
}

fn timeout_way() -> Shape {
    slow("timeout_way", Some(2))
}

fn timeout_as_error() -> Shape {
    slow("timeout_as_error", None)
}

fn exhausted() -> Shape {
    let limited = OpKind::Call(Call {
        retry: retry(3),
        ..call("about {{in.topic}}", 1)
    });
    let ops = vec![("write", limited), ("end", end(json!({})))];
    let world = || plain().calling(|_, _, _| fail(FailureKind::RateLimit));
    Shape::new("exhausted", program("exhausted", ops), world).noted(
        "lost attempts count: with one lost there is one recorded failure less; if the last one is \
         lost, the failure is `attempts_exhausted`",
    )
}

fn malformed() -> Shape {
    let prose = judging(call("which is {{in.topic}}?", 1), &["wet", "dry"]);
    let unfit = judging(call("which is {{in.topic}}?", 3), &["wet", "dry"]);
    let catching = |call: Call, to: u32| {
        OpKind::Call(Call {
            on_error: Some(OpId(to)),
            ..call
        })
    };
    let kinds = json!([
        "{{nodes.prose.output.error.kind}}",
        "{{nodes.unfit.output.error.kind}}"
    ]);
    let ops = vec![
        ("prose", catching(prose, 1)),
        ("unfit", catching(unfit, 2)),
        ("end", end(kinds)),
        ("end-2", end(json!("nothing was malformed"))),
    ];
    let world = || {
        plain().calling(|stage, _, _| match stage {
            "prose" => succeed("I would say that it is wet."),
            _ => succeed("{\"label\": \"damp\"}"),
        })
    };
    Shape::new("malformed", program("malformed", ops), world)
        .noted("a malformed answer is used up all the same, and it is not asked for again")
}

fn judge() -> Shape {
    let judge = judging(call("is {{in.topic}} wet?", 1), &["yes", "no"]);
    let arms = vec![
        equal("{{nodes.judge.output.label}}", json!("no"), "no", 3),
        equal("{{nodes.judge.output.label}}", json!("yes"), "yes", 2),
    ];
    let ops = vec![
        ("judge.model", OpKind::Call(judge)),
        ("judge", OpKind::Choice(choice(arms))),
        ("wet", ask("dry it: {{nodes.judge.output}}", 4)),
        ("dry", ask("water it", 4)),
        ("end", end(json!("{{nodes.wet.output}}"))),
    ];
    let world = || {
        plain().calling(|stage, _, prompt| match stage {
            "judge.model" => succeed(" {\"label\":\"yes\"}\n"),
            _ => succeed(format!("{stage}({prompt})")),
        })
    };
    Shape::new("judge", program("judge", ops), world)
}

fn unrenderable() -> Shape {
    let Effect::Model(model) = call("about {{in.topic}}", 2).effect;
    let effect = Effect::Model(ModelCall {
        system: Some("you are {{vars.role}}".to_owned()),
        ..model
    });
    let instructed = OpKind::Call(Call {
        effect,
        on_error: Some(OpId(1)),
        ..call("", 2)
    });
    let ops = vec![
        ("instructed", instructed),
        (
            "asked",
            ask("{{nodes.instructed.output.error.kind}} in {{in.place}}", 2),
        ),
        ("end", end(json!({}))),
    ];
    Shape::new("unrenderable", program("unrenderable", ops), plain)
        .noted("no call is made: the first is caught, the second is not")
}

fn never_twice() -> Shape {
    let once = OpKind::Call(Call {
        on_unknown: OnUnknown::Fail,
        on_error: Some(OpId(2)),
        ..call("send about {{in.topic}}", 1)
    });
    let ops = vec![
        ("send", once),
        ("end", end(json!("{{nodes.send.output}}"))),
        (
            "end-2",
            end(json!({ "unsure": "{{nodes.send.output.error.kind}}" })),
        ),
    ];
    Shape::new("never_twice", program("never_twice", ops), plain).noted(
        "if the attempt is lost, the stage fails with `unknown_outcome`: the run then completes at \
         `end-2`, and no second attempt is made",
    )
}

fn secret() -> Shape {
    let ops = vec![
        ("login", ask("as {{secret.USER}} about {{in.topic}}", 1)),
        ("end", end(json!("{{nodes.login.output}}"))),
    ];
    let world = || {
        let input = json!({ "topic": "{{secret.OTHER}}" });
        World::new(input).calling(|_, _, prompt| match prompt {
            "as {{secret.USER}} about {{secret.OTHER}}" => succeed("in"),
            _ => fail(FailureKind::Auth),
        })
    };
    Shape::new("secret", program("secret", ops), world).noted(
        "`secret.USER` is a reference in the prompt, `secret.OTHER` is only a text of the input",
    )
}
