//! A Program whose splits and joins do not nest is refused, whoever made it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_ir::{
    Choice, End, IR_VERSION, Join, JoinPolicy, Merge, Op, OpKind, Program, Split, SplitBranch, Way,
    verify,
};
use lattice_model::{NodeId, OpId, WorkflowId, limits};
use serde_json::json;
use std::collections::BTreeMap;

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

fn split(name: &str, firsts: &[u32], join: u32) -> Op {
    let branches = firsts.iter().map(|to| SplitBranch {
        way: way(*to),
        timeout_ms: None,
    });
    let (branches, join) = (branches.collect(), OpId(join));
    op(name, OpKind::Split(Split { branches, join }))
}

fn join_with(name: &str, split: u32, policy: JoinPolicy, next: u32) -> Op {
    let kind = OpKind::Join(Join {
        split: OpId(split),
        policy,
        merge: Merge::Collect,
        next: OpId(next),
        on_error: None,
        on_timeout: None,
    });
    op(name, kind)
}

fn join(name: &str, split: u32, next: u32) -> Op {
    join_with(name, split, JoinPolicy::All, next)
}

/// A step that goes one of the ways.
fn step(name: &str, ways: &[u32]) -> Op {
    let kind = OpKind::Choice(Choice {
        arms: Vec::new(),
        otherwise: ways.first().map(|to| way(*to)),
        on_error: ways.get(1).map(|to| OpId(*to)),
        keeps_port: false,
    });
    op(name, kind)
}

fn end(name: &str) -> Op {
    op(name, OpKind::End(End { output: json!({}) }))
}

fn said(ops: Vec<Op>) -> String {
    let program = Program {
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
    };
    match verify(&program) {
        Ok(()) => "fine".to_owned(),
        Err(errors) => {
            let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
            lines.join("; ")
        }
    }
}

#[test]
fn splits_that_nest_are_fine_and_so_is_an_empty_branch() {
    let ops = vec![
        split("p", &[2, 1], 1),
        join("p.join", 0, 6),
        split("q", &[4, 5], 3),
        join("q.join", 2, 1),
        step("a", &[3]),
        step("b", &[3]),
        end("end"),
    ];
    assert_eq!(said(ops), "fine");
}

#[test]
fn each_way_to_nest_badly_is_named() {
    let two = |first: Op, second: Op| {
        vec![
            split("p", &[2, 3], 1),
            join("p.join", 0, 4),
            first,
            second,
            end("end"),
        ]
    };
    let cases = [
        (two(step("a", &[1]), step("b", &[1])), "fine"),
        // Past the join, out of the branch.
        (two(step("a", &[1, 4]), step("b", &[1])), "past the join"),
        // From one branch into the other.
        (two(step("a", &[3]), step("b", &[1])), "past the join"),
        // The end of the run inside a branch.
        (
            vec![
                split("p", &[2, 3], 1),
                join("p.join", 0, 3),
                step("a", &[1]),
                end("end"),
            ],
            "past the join",
        ),
        // A join that is reached without its split.
        (
            vec![
                step("s", &[1, 2]),
                split("p", &[3, 4], 2),
                join("p.join", 1, 5),
                step("a", &[2]),
                step("b", &[2]),
                end("end"),
            ],
            "from outside of what it waits for",
        ),
        // Two splits with one join.
        (
            vec![
                split("p", &[2, 3], 1),
                join("p.join", 0, 4),
                step("a", &[1]),
                split("q", &[1, 1], 1),
                end("end"),
            ],
            "no join of its own",
        ),
    ];
    for (ops, expected) in cases {
        let said = said(ops);
        assert!(said.contains(expected), "expected `{expected}`: {said}");
    }
}

#[test]
fn a_join_asks_for_no_more_than_there_is() {
    for (needed, expected) in [
        (1, "fine"),
        (2, "fine"),
        (0, "for 0 branches"),
        (3, "than there are"),
    ] {
        let policy = JoinPolicy::Quorum { needed };
        let ops = vec![
            split("p", &[1, 1], 1),
            join_with("p.join", 0, policy, 2),
            end("end"),
        ];
        let said = said(ops);
        assert!(said.contains(expected), "{needed}: {said}");
    }
}

/// `outer` branches, in each of them a split with `inner` of them.
fn nested(outer: u32, inner: usize) -> Vec<Op> {
    let firsts: Vec<u32> = (0..outer).map(|place| 2 + 2 * place).collect();
    let mut ops = vec![split("p", &firsts, 1), join("p.join", 0, 2 + 2 * outer)];
    for first in firsts {
        let own = first + 1;
        ops.push(split(&format!("q{first}"), &vec![own; inner], own));
        ops.push(join(&format!("q{first}.join"), first, 1));
    }
    ops.push(end("end"));
    ops
}

#[test]
fn what_is_open_at_once_is_bounded() {
    // Three joins around 36 branches, and the join around them: 40.
    assert_eq!(1 + 3 * (1 + 12), limits::OPEN_STAGES_MAX);
    assert_eq!(said(nested(3, 12)), "fine");
    assert!(said(nested(3, 13)).contains("more than 40 stages"));
    let count = |branches: usize| {
        vec![
            split("p", &vec![1; branches], 1),
            join("p.join", 0, 2),
            end("end"),
        ]
    };
    assert_eq!(said(count(limits::SPLIT_BRANCHES_MAX)), "fine");
    for wrong in [1, limits::SPLIT_BRANCHES_MAX + 1] {
        assert!(said(count(wrong)).contains("branches"), "{wrong}");
    }
}

#[test]
fn splits_stand_four_deep_and_no_deeper() {
    // Each split is the only step of the first branch of the one around it.
    let deep = |depth: u32| {
        let mut ops = Vec::new();
        for level in 0..depth {
            let own = 2 * level;
            let inner = if level + 1 < depth { own + 2 } else { own + 1 };
            ops.push(split(&format!("p{level}"), &[inner, own + 1], own + 1));
            let next = if level == 0 { 2 * depth } else { own - 1 };
            ops.push(join(&format!("p{level}.join"), own, next));
        }
        ops.push(end("end"));
        ops
    };
    assert_eq!(said(deep(limits::SPLIT_DEPTH_MAX as u32)), "fine");
    let said = said(deep(limits::SPLIT_DEPTH_MAX as u32 + 1));
    assert!(said.contains("stands in 4 splits"), "{said}");
}
