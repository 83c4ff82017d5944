//! Random graphs, and large ones: no panic, no Program with an error, no Program that does not
//! verify, and a cost that grows with the document and not with its square.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "a test measures time")]

use lattice_compiler::compile;
use lattice_ir::Plan;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn document(nodes: Vec<Value>, edges: Vec<Value>) -> Vec<u8> {
    let document = json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "w", "name": "W",
        "settings": {"variables": {"v0": 0}}, "nodes": nodes, "edges": edges,
    });
    document.to_string().into_bytes()
}

/// A node of one of the kinds that can be told apart by their ports, reads or writes.
fn node(index: usize, kind: u8, other: usize) -> Value {
    let (kind, settings) = match kind {
        0 => (
            "prompt",
            json!({"prompt": format!("{{{{nodes.n{other}.output}}}} {{{{vars.v{}}}}}", other % 3)}),
        ),
        1 => ("prompt", json!({"prompt": "Say hello."})),
        2 => (
            "ifElse",
            json!({"condition": format!("vars.v{} == 1", other % 3)}),
        ),
        3 => (
            "variableStore",
            json!({"operation": "set", "variableName": format!("v{}", other % 3), "value": 1}),
        ),
        4 => (
            "variableStore",
            json!({"operation": "delete", "variableName": format!("v{}", other % 3)}),
        ),
        5 => (
            "dataTransform",
            json!({"transformationType": "jmespath", "expression": "x"}),
        ),
        6 => (
            "askUserQuestion",
            json!({"questionText": "?", "freeText": true, "timeoutMs": 1}),
        ),
        7 => (
            "switch",
            json!({"branches": [{"label": "A", "condition": "It is fine"}, {"label": "B"}]}),
        ),
        8 => ("end", json!({})),
        9 => ("flow", json!({})),
        _ => (
            "delay",
            json!({"delayType": "duration", "duration": 1, "unit": "hours"}),
        ),
    };
    json!({"id": format!("n{index}"), "type": kind, "settings": settings})
}

const PORTS: &[&str] = &[
    "out", "true", "false", "error", "timeout", "branch-0", "branch-1",
];

prop_compose! {
    fn any_graph()(count in 1_usize..12)(
        kinds in prop::collection::vec((0_u8..11, 0_usize..12), count),
        edges in prop::collection::vec((0_usize..=12, 0_usize..PORTS.len(), 0_usize..12), 0..30),
    ) -> Vec<u8> {
        let mut nodes = vec![json!({"id": "n0", "type": "start"})];
        nodes.extend(kinds.iter().enumerate().map(|(i, (kind, other))| node(i + 1, *kind, *other)));
        let edges = edges.iter().enumerate().map(|(i, (from, port, to))| json!({
            "id": format!("e{i}"), "from": format!("n{from}"), "fromPort": PORTS[*port], "to": format!("n{to}"),
        }));
        document(nodes, edges.collect())
    }
}

/// The ports that need an edge, by kind as in `node`.
fn required_ports(kind: u8) -> &'static [&'static str] {
    match kind {
        2 => &["true", "false"],
        6 => &["out", "timeout"],
        7 => &["branch-0", "branch-1"],
        8 => &[],
        _ => &["out"],
    }
}

prop_compose! {
    /// Every port leads to a later node, and the last one is an end: most of these have no error.
    fn whole_graph()(kinds in prop::collection::vec(prop_oneof![Just(1_u8), Just(2), Just(3), Just(6), Just(7), Just(10)], 1..12))(
        steps in prop::collection::vec(1_usize..4, kinds.len() * 3), kinds in Just(kinds),
    ) -> Vec<u8> {
        let last = kinds.len() + 1;
        let mut nodes = vec![json!({"id": "n0", "type": "start"})];
        nodes.extend(kinds.iter().enumerate().map(|(i, kind)| node(i + 1, *kind, 0)));
        nodes.push(json!({"id": format!("n{last}"), "type": "end"}));
        let mut edges = vec![json!({"id": "e", "from": "n0", "to": "n1"})];
        for (i, kind) in kinds.iter().enumerate() {
            for (p, port) in required_ports(*kind).iter().enumerate() {
                let to = (i + 1 + steps[i * 3 + p]).min(last);
                edges.push(json!({"id": format!("e{i}.{p}"), "from": format!("n{}", i + 1), "fromPort": port, "to": format!("n{to}")}));
            }
        }
        document(nodes, edges)
    }
}

fn check(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let compiled = compile(bytes);
    let has_error = compiled.problems.iter().any(|problem| problem.is_error());
    prop_assert_eq!(compiled.program.is_none(), has_error);
    if let Some(program) = compiled.program {
        let planned = Plan::new(Arc::new(program));
        prop_assert!(planned.is_ok(), "{:?}", planned.err());
    }
    prop_assert!(
        compiled
            .problems
            .iter()
            .all(|problem| problem.code != lattice_compiler::codes::DEFECT)
    );
    Ok(!has_error)
}

proptest! {
    #[test]
    fn any_graph_is_answered(bytes in any_graph()) {
        check(&bytes)?;
    }

    #[test]
    fn a_graph_without_errors_gives_a_program_that_verifies(bytes in whole_graph()) {
        check(&bytes)?;
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&bytes)?;
    }
}

#[test]
fn the_whole_graphs_of_the_property_are_mostly_without_errors() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut good = 0;
    for _ in 0..100 {
        let tree = whole_graph().new_tree(&mut runner).unwrap();
        good += usize::from(check(&tree.current()).unwrap());
    }
    assert!(good > 50, "only {good} of 100 compile");
}

/// A chain in which every node reads what the one before it gave, and a variable of its own.
fn chain(count: usize) -> Vec<u8> {
    let mut nodes = vec![json!({"id": "n0", "type": "start"})];
    let mut edges = Vec::new();
    for i in 1..count - 1 {
        let value = match i {
            1 => json!("{{in}}"),
            _ => json!(format!(
                "{{{{nodes.n{}.output}}}} {{{{vars.x{}}}}}",
                i - 1,
                i / 2
            )),
        };
        let settings = json!({"operation": "set", "variableName": format!("x{i}"), "value": value});
        nodes.push(json!({"id": format!("n{i}"), "type": "variableStore", "settings": settings}));
    }
    nodes.push(json!({"id": format!("n{}", count - 1), "type": "end"}));
    for i in 1..count {
        edges.push(
            json!({"id": format!("e{i}"), "from": format!("n{}", i - 1), "to": format!("n{i}")}),
        );
        // An error edge far ahead, so that dominators have ways to compare.
        if i < count / 2 && i > 2 {
            edges.push(json!({"id": format!("f{i}"), "from": format!("n{i}"), "fromPort": "error", "to": format!("n{}", count - 1)}));
        }
    }
    document(nodes, edges)
}

fn fastest(bytes: &[u8]) -> Duration {
    let times = (0..3).map(|_| {
        let begin = Instant::now();
        compile(bytes);
        begin.elapsed()
    });
    times.min().unwrap()
}

#[test]
fn ten_thousand_nodes_compile_and_the_cost_is_not_quadratic() {
    let (small, large) = (chain(2_000), chain(10_000));
    let compiled = compile(&large);
    let errors: Vec<_> = compiled
        .problems
        .iter()
        .filter(|problem| problem.is_error())
        .collect();
    assert!(errors.is_empty(), "{}", errors[0]);
    let (small, large) = (fastest(&small), fastest(&large));
    // Five times the nodes: 25 times the time would be quadratic.
    assert!(
        large < small * 15,
        "2,000 nodes {small:?}, 10,000 nodes {large:?}"
    );
}

#[test]
fn ten_thousand_mistakes_are_answered_in_time() {
    let mut nodes = vec![
        json!({"id": "n0", "type": "start"}),
        json!({"id": "end", "type": "end"}),
    ];
    let mut edges = vec![json!({"id": "e0", "from": "n0", "to": "n1"})];
    for i in 1..9_990 {
        let prompt = format!(
            "{{{{nodes.m{i}.output}}}} {{{{nodes.n{}.output}}}} {{{{vars.y{i}}}}}",
            (i * 7) % 9_990
        );
        nodes.push(json!({"id": format!("n{i}"), "type": "prompt", "settings": {"prompt": prompt, "mistake": i}}));
        edges.push(json!({"id": format!("e{i}"), "from": format!("n{i}"), "to": format!("n{}", (i * 13 + 1) % 9_990)}));
        edges.push(json!({"id": format!("f{i}"), "from": format!("n{i}"), "fromPort": "error", "to": format!("m{i}")}));
    }
    let bytes = document(nodes, edges);
    let begin = Instant::now();
    let compiled = compile(&bytes);
    let took = begin.elapsed();
    assert_eq!(
        compiled.problems.len(),
        lattice_model::limits::PROBLEMS_MAX + 1
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
}
