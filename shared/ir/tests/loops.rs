//! A Program whose loops nothing bounds, or which lead around a split, is refused, whoever made it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_ir::{
    Choice, End, IR_VERSION, Join, JoinPolicy, Merge, Op, OpKind, Plan, Program, Split,
    SplitBranch, Way, verify,
};
use lattice_model::{NodeId, OpId, WorkflowId, limits};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

fn op(name: &str, kind: OpKind) -> Op {
    Op {
        name: name.to_owned(),
        node: NodeId::new(name),
        visits_max: None,
        kind,
    }
}

fn way(to: u32) -> Way {
    Way {
        port: "out".to_owned(),
        to: OpId(to),
    }
}

/// A step that goes on, or elsewhere if it fails.
fn step(name: &str, next: u32, on_error: Option<u32>) -> Op {
    let kind = OpKind::Choice(Choice {
        arms: Vec::new(),
        otherwise: Some(way(next)),
        on_error: on_error.map(OpId),
        keeps_port: false,
    });
    op(name, kind)
}

fn at_most(max: u32, op: Op) -> Op {
    let visits_max = Some(max);
    Op { visits_max, ..op }
}

fn split(name: &str, firsts: &[u32], join: u32) -> Op {
    let branches = firsts.iter().map(|to| SplitBranch {
        way: way(*to),
        timeout_ms: None,
    });
    let (branches, join) = (branches.collect(), OpId(join));
    op(name, OpKind::Split(Split { branches, join }))
}

fn join(name: &str, split: u32, next: u32, on_error: Option<u32>) -> Op {
    let kind = OpKind::Join(Join {
        split: OpId(split),
        policy: JoinPolicy::All,
        merge: Merge::Collect,
        next: OpId(next),
        on_error: on_error.map(OpId),
        on_timeout: None,
    });
    op(name, kind)
}

fn end(name: &str) -> Op {
    op(name, OpKind::End(End { output: json!({}) }))
}

fn program(ops: Vec<Op>) -> Program {
    Program {
        ir_version: IR_VERSION,
        workflow: WorkflowId::new("w"),
        name: "W".to_owned(),
        input: None,
        variables: BTreeMap::new(),
        lifetime_ms: 1_000,
        budget: None,
        concurrency: None,
        entry: OpId(0),
        triggers: Vec::new(),
        ops,
        nodes: BTreeMap::new(),
    }
}

fn said(ops: Vec<Op>) -> String {
    match verify(&program(ops)) {
        Ok(()) => "fine".to_owned(),
        Err(errors) => {
            let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
            lines.join("; ")
        }
    }
}

/// `a` and `b` lead to each other; `b` leads out if it fails.
fn ring(a: fn(Op) -> Op, b: fn(Op) -> Op) -> String {
    let (first, second) = (step("a", 1, None), step("b", 0, Some(2)));
    said(vec![a(first), b(second), end("end")])
}

const UNBOUNDED: &str = "is on a way back to itself without a ceiling";

#[test]
fn a_loop_needs_a_ceiling_on_any_of_its_ops() {
    let ceiling = |op| at_most(3, op);
    assert!(ring(|op| op, |op| op).ends_with(UNBOUNDED));
    assert_eq!(ring(ceiling, |op| op), "fine");
    assert_eq!(ring(|op| op, ceiling), "fine");
    assert_eq!(ring(ceiling, ceiling), "fine");
}

#[test]
fn an_op_that_leads_to_itself_is_a_loop() {
    let said = |first: Op| said(vec![first, end("end")]);
    assert!(said(step("a", 0, Some(1))).ends_with(UNBOUNDED));
    assert_eq!(said(at_most(1, step("a", 0, Some(1)))), "fine");
    // Its failure leads back to it, for ever.
    assert!(said(at_most(1, step("a", 0, Some(0)))).ends_with(UNBOUNDED));
}

#[test]
fn a_ceiling_does_not_bound_the_way_of_its_own_failure() {
    let ops = |second: Op| vec![at_most(3, step("a", 1, Some(1))), second, end("end")];
    assert!(said(ops(step("b", 0, Some(2)))).ends_with(UNBOUNDED));
    // Something else on that way does.
    assert_eq!(said(ops(at_most(2, step("b", 0, Some(2))))), "fine");
    assert!(said(ops(at_most(2, step("b", 2, Some(0))))).ends_with(UNBOUNDED));
}

#[test]
fn each_of_two_loops_needs_a_ceiling_of_its_own() {
    let ops = |first: fn(Op) -> Op, second: fn(Op) -> Op| {
        vec![
            first(step("a", 0, Some(1))),
            second(step("b", 1, Some(2))),
            end("end"),
        ]
    };
    let ceiling: fn(Op) -> Op = |op| at_most(3, op);
    assert_eq!(said(ops(ceiling, ceiling)), "fine");
    assert!(said(ops(ceiling, |op| op)).contains("`b`"));
    assert!(said(ops(|op| op, ceiling)).contains("`a`"));
}

#[test]
fn a_ceiling_has_limits_of_its_own() {
    let most = limits::VISITS_MAX;
    let said = |max| said(vec![at_most(max, step("a", 1, None)), end("end")]);
    for max in [1, most] {
        assert_eq!(said(max), "fine", "{max}");
    }
    for max in [0, most + 1] {
        let why = "may be visited 0 times, or more than 10,000";
        assert!(said(max).ends_with(why), "{max}: {}", said(max));
    }
}

#[test]
fn a_loop_goes_round_inside_a_branch_or_outside_of_all() {
    let why = "is part of a loop, which may not lead around a split or a map";
    let fan = |first: Op, second: Op, met: Op| {
        let ops = vec![
            at_most(3, split("p", &[2, 3], 1)),
            join("p.join", 0, 4, None),
            first,
            second,
            met,
            end("end"),
        ];
        said(ops)
    };
    let (a, b) = (|to| step("a", to, None), |to| step("b", to, Some(1)));
    assert_eq!(fan(a(1), b(1), step("met", 5, None)), "fine");
    let inside = at_most(2, step("a", 2, Some(1)));
    assert_eq!(fan(inside, b(1), step("met", 5, None)), "fine");
    let behind = at_most(2, step("met", 4, Some(5)));
    assert_eq!(fan(a(1), b(1), behind), "fine");
    // Around the split, and from a join to itself.
    let around = fan(a(1), b(1), at_most(3, step("met", 0, Some(5))));
    assert!(around.contains("`p`") && around.contains(why), "{around}");
    let caught = said(vec![
        split("p", &[2, 2], 1),
        at_most(2, join("p.join", 0, 3, Some(1))),
        step("a", 1, None),
        end("end"),
    ]);
    assert!(caught.contains(why), "{caught}");
}

#[test]
fn a_loop_does_not_lead_out_of_its_branch() {
    let crossing = |first: Op, second: Op| {
        let join = join("p.join", 0, 4, None);
        said(vec![
            split("p", &[2, 3], 1),
            join,
            first,
            second,
            end("end"),
        ])
    };
    // To the beginning of another branch, and to an op before the split.
    let (a, b) = (step("a", 3, None), at_most(2, step("b", 2, Some(1))));
    assert!(crossing(a, b).contains("leads into a branch, or out of one"));
    let ops = vec![
        at_most(3, step("before", 1, None)),
        split("p", &[3, 4], 2),
        join("p.join", 1, 5, None),
        step("a", 2, Some(0)),
        step("b", 2, None),
        end("end"),
    ];
    assert_ne!(said(ops), "fine");
}

/// Where both branches go round until they fail, the run goes on behind the join all the same.
#[test]
fn what_follows_a_join_that_no_branch_leads_to_is_looked_at_too() {
    let ops = |behind: Op| {
        vec![
            split("p", &[2, 3], 1),
            join("p.join", 0, 4, Some(4)),
            at_most(2, step("a", 2, None)),
            at_most(2, step("b", 3, None)),
            behind,
            end("end"),
        ]
    };
    assert_eq!(said(ops(step("behind", 5, None))), "fine");
    let back = said(ops(step("behind", 2, Some(5))));
    assert!(
        back.contains("leads into a branch, or out of one"),
        "{back}"
    );
}

#[test]
fn a_plan_knows_what_may_be_visited_again() {
    let ops = vec![
        step("before", 1, None),
        at_most(2, step("a", 2, None)),
        step("b", 1, Some(3)),
        end("end"),
    ];
    let plan = Plan::new(Arc::new(program(ops))).unwrap();
    let on: Vec<bool> = (0..5).map(|place| plan.is_in_loop(OpId(place))).collect();
    assert_eq!(on, [false, true, true, false, false]);
}

/// A stored Program without loops is what it was: its hash names it for ever.
#[test]
fn a_ceiling_is_stored_only_where_there_is_one() {
    let stored = |op: Op| serde_json::to_value(op).unwrap();
    assert!(stored(end("end")).get("visitsMax").is_none());
    let bounded = at_most(4, end("end"));
    assert_eq!(stored(bounded.clone())["visitsMax"], json!(4));
    let back: Op = serde_json::from_value(stored(bounded.clone())).unwrap();
    assert_eq!(back, bounded);
}
