//! Eval, Assign, Choice and End; commits that are cut; large values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use expect_test::{Expect, expect};
use lattice_engine::{Cause, DecideError, Origin, StartError, start};
use lattice_ir::{
    Arm, Assign, Choice, Eval, Op, OpKind, Plan, Test, Transform, TransformLanguage, Way,
};
use lattice_model::{Millis, OpId, limits};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{Runner, end, op, program};

fn check(runner: &Runner, expect: Expect) {
    expect.assert_eq(&runner.lines(2));
}

fn assign(name: &str, variable: &str, value: Option<Value>, next: u32) -> Op {
    let (variable, next) = (variable.to_owned(), OpId(next));
    op(
        name,
        OpKind::Assign(Assign {
            variable,
            value,
            next,
            on_error: None,
        }),
    )
}

fn eval(name: &str, input: Value, query: &str, fallback: Option<Value>, next: u32) -> Op {
    let transform = Transform {
        language: TransformLanguage::Jmespath,
        expression: query.to_owned(),
    };
    op(
        name,
        OpKind::Eval(Eval {
            input,
            transform: Some(transform),
            fallback,
            next: OpId(next),
            on_error: None,
        }),
    )
}

fn choice(name: &str, arms: Vec<(Test, u32)>, otherwise: Option<u32>) -> Op {
    let way = |to: u32| Way {
        port: format!("to-{to}"),
        to: OpId(to),
    };
    op(
        name,
        OpKind::Choice(Choice {
            arms: arms
                .into_iter()
                .map(|(test, to)| Arm { test, way: way(to) })
                .collect(),
            otherwise: otherwise.map(way),
            on_error: None,
            keeps_port: true,
        }),
    )
}

#[test]
fn values_flow_through_variables_queries_and_choices() {
    let big = Test::Cel("vars.total > 100".to_owned());
    let vip = Test::Equals {
        target: "{{in.kind}}".to_owned(),
        value: json!("vip"),
    };
    let ops = vec![
        eval("sum", json!("{{in.items}}"), "sum([*].price)", None, 1),
        assign("keep", "total", Some(json!("{{nodes.sum.output}}")), 2),
        choice("pick", vec![(big, 3), (vip, 4)], Some(5)),
        end(
            "big",
            json!({ "total": "{{vars.total}}", "way": "{{nodes.pick.output}}" }),
        ),
        end("vip", json!("vip")),
        end("small", json!("{{vars.total}}")),
    ];
    let input = |price: u32, kind: &str| json!({ "items": [{ "price": price }], "kind": kind });
    let mut run = Runner::start(ops.clone(), input(200, "new"));
    run.wake();
    check(
        &run,
        expect![[r#"
        stage.completed sum 200.0 -> keep
        variable.set total = 200.0
        stage.completed keep 200.0 -> pick
        stage.completed pick [to-3] "to-3" -> big
        stage.completed big {"total":200.0,"way":"to-3"}
        run.completed {"total":200.0,"way":"to-3"}
    "#]],
    );
    for (price, kind, output) in [(1, "vip", "\"vip\""), (1, "new", "1.0")] {
        let mut run = Runner::start(ops.clone(), input(price, kind));
        run.wake();
        assert!(
            run.lines(0).ends_with(&format!("run.completed {output}\n")),
            "{}",
            run.lines(0)
        );
    }
}

#[test]
fn what_cannot_be_computed_falls_back_or_fails_at_its_node() {
    let ops = |fallback| {
        vec![
            eval("sum", json!("{{in.items}}"), "sum(@)", fallback, 1),
            end("end", json!("{{nodes.sum.output}}")),
        ]
    };
    let mut run = Runner::start(ops(Some(json!(0))), json!({ "items": "none" }));
    run.wake();
    assert!(run.lines(0).ends_with("run.completed 0\n"));
    let mut run = Runner::start(ops(None), json!({ "items": "none" }));
    run.wake();
    assert!(
        run.lines(0).contains("run.failed expression: "),
        "{}",
        run.lines(0)
    );
}

#[test]
fn a_choice_without_a_way_fails() {
    let ops = vec![
        choice("pick", vec![(Test::Cel("in.x == 1".to_owned()), 1)], None),
        end("end", json!(null)),
    ];
    let mut run = Runner::start(ops, json!({ "x": 2 }));
    run.wake();
    assert!(
        run.lines(0)
            .contains("no branch fits and there is no default branch")
    );
}

#[test]
fn a_deleted_variable_is_gone() {
    let ops = vec![
        assign("set", "x", Some(json!([1, "{{in.y}}"])), 1),
        assign("drop", "x", None, 2),
        end("end", json!("{{vars.x}}")),
    ];
    let mut run = Runner::start(ops, json!({ "y": 2 }));
    run.wake();
    check(
        &run,
        expect![[r#"
        variable.set x = [1,2]
        stage.completed set [1,2] -> drop
        variable.set x = -
        stage.completed drop - -> end
        stage.failed end after 0 expression
        run.failed expression: `vars.x` has no value: the variable `x` is not set
    "#]],
    );
}

#[test]
fn a_long_way_without_effects_is_cut_into_commits_and_every_cut_leads_to_the_same_end() {
    let count = 200;
    let mut ops: Vec<Op> = (0..count)
        .map(|n| assign(&format!("set{n}"), "x", Some(json!(n)), n + 1))
        .collect();
    ops.push(end("end", json!("{{vars.x}}")));
    let mut run = Runner::start(ops, json!({}));
    let mut commits = 0;
    loop {
        let decision = run.decide(Cause::Wake).unwrap();
        assert!(decision.events.len() <= limits::COMMIT_EVENTS_MAX);
        let more = decision.more;
        run.take(decision);
        commits += 1;
        if !more {
            break;
        }
    }
    assert!(commits > 6, "{commits}");
    assert!(run.lines(0).ends_with("run.completed 199\n"));
    assert!(run.decide(Cause::Wake).unwrap().events.is_empty());
}

#[test]
fn large_values_stand_aside_and_are_asked_for_by_hash() {
    let text = "x".repeat(limits::INLINE_VALUE_BYTES_MAX);
    let ops = vec![
        assign("set", "x", Some(json!("{{in.text}}")), 1),
        end("end", json!("{{vars.x}}!")),
    ];
    let mut run = Runner::start(ops, json!({ "text": text }));
    let blobs = std::mem::take(&mut run.blobs);
    let hash = *blobs.keys().next().unwrap();
    assert_eq!(
        run.decide(Cause::Wake),
        Err(DecideError::NeedBlobs(vec![hash]))
    );
    run.blobs = blobs;
    run.wake();
    check(
        &run,
        expect![[r#"
        variable.set x = <8194 bytes>
        stage.completed set <8194 bytes> -> end
        stage.completed end <8195 bytes>
        run.completed <8195 bytes>
    "#]],
    );
}

#[test]
fn an_input_that_does_not_fit_or_is_too_large_starts_nothing() {
    let mut program = program(vec![end("end", json!(null))]);
    program.input = Some(json!({ "type": "object", "required": ["title"] }));
    let plan = Plan::new(Arc::new(program)).unwrap();
    let at = Millis::new(1);
    let local = lattice_model::Tenant::local;
    let begun = |input: serde_json::Value| start(&plan, local(), input, Origin::Request, at);
    let error = begun(json!({})).unwrap_err();
    assert!(error.to_string().contains("title"), "{error}");
    let fits = |bytes: usize| json!({ "title": "x".repeat(bytes - r#"{"title":""}"#.len()) });
    assert!(begun(fits(limits::INPUT_BYTES_MAX)).is_ok());
    let error = begun(fits(limits::INPUT_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(
        error,
        StartError::InputTooLarge {
            bytes: limits::INPUT_BYTES_MAX + 1
        }
    );
}
