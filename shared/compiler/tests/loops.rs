//! Small random graphs with loops, branches and maps, whose ways lead anywhere: whatever compiles
//! verifies, and whatever does not is answered with something that its author can mend.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_compiler::{codes, compile};
use lattice_ir::{OpKind, Plan, Program};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::sync::Arc;

const KINDS: &[(&str, &[&str])] = &[
    ("prompt", &["out"]),
    ("prompt", &["out", "error"]),
    ("ifElse", &["true", "false"]),
    ("parallel", &["branch-0", "branch-1"]),
    ("batchIterator", &["each", "out"]),
];

fn settings(kind: &str) -> Value {
    match kind {
        "prompt" => json!({"prompt": "Say hello."}),
        "ifElse" => json!({"condition": "run.attempt == 1"}),
        "parallel" => json!({"branchCount": 2}),
        _ => json!({"items": [1, 2]}),
    }
}

/// A kind, and where the ways out of it lead.
type Drawn = (usize, [usize; 2]);

/// A node, and what stands in its body if it has one.
fn any_node() -> impl Strategy<Value = (Drawn, [Drawn; 2])> {
    let ways = || [0_usize..9, 0_usize..9];
    let inside = || (0..KINDS.len() - 1, ways());
    ((0..KINDS.len(), ways()), [inside(), inside()])
}

/// A node with its edges; `to` names the node at the end of a way, if it leads somewhere.
fn draw(id: &str, node: &Drawn, to: &dyn Fn(&str, usize) -> Option<String>) -> (Value, Vec<Value>) {
    let (kind, ports) = KINDS[node.0];
    let mut drawn = json!({"id": id, "type": kind, "settings": settings(kind)});
    if matches!(kind, "prompt" | "ifElse") {
        drawn["maxVisits"] = json!(3);
    }
    let ways = ports.iter().zip(node.1);
    let edges = ways.filter_map(|(port, way)| {
        let edge = json!({"id": format!("{id}.{port}"), "from": id, "fromPort": port, "to": to(port, way)?});
        Some(edge)
    });
    (drawn, edges.collect())
}

prop_compose! {
    /// Up to five nodes between a start and an end, whose ways lead anywhere or nowhere. Behind each
    /// map stand two more, whose ways mostly stay among them or lead nowhere.
    fn graph()(nodes in prop::collection::vec(any_node(), 1..6)) -> Vec<u8> {
        let last = nodes.len() + 1;
        let mut drawn = vec![json!({"id": "n0", "type": "start"}), json!({"id": format!("n{last}"), "type": "end"})];
        let mut edges = vec![json!({"id": "e", "from": "n0", "to": "n1"})];
        let mut add = |(node, links): (Value, Vec<Value>)| {
            drawn.push(node);
            edges.extend(links);
        };
        for (index, (node, body)) in nodes.iter().enumerate() {
            let id = format!("n{}", index + 1);
            let anywhere = |port: &str, way: usize| match (port, way) {
                ("each", _) => Some(format!("{id}a")),
                (_, 0) => None,
                // Mostly on, so that enough of them have an end.
                (_, 1..=5) => Some(format!("n{}", (index + 1 + way).min(last))),
                (_, way) => Some(format!("n{}", (way - 5).min(last))),
            };
            add(draw(&id, node, &anywhere));
            if KINDS[node.0].0 == "batchIterator" {
                let inside = |_: &str, way: usize| match way {
                    0..=4 => None,
                    5 => Some(format!("{id}a")),
                    6 | 7 => Some(format!("{id}b")),
                    _ => Some(id.clone()),
                };
                add(draw(&format!("{id}a"), &body[0], &inside));
                add(draw(&format!("{id}b"), &body[1], &inside));
            }
        }
        let document = json!({
            "format": "agent-lattice/workflow", "formatVersion": 1, "id": "w", "name": "W",
            "nodes": drawn, "edges": edges,
        });
        document.to_string().into_bytes()
    }
}

fn check(bytes: &[u8]) -> Result<Option<Program>, TestCaseError> {
    let compiled = compile(bytes);
    let defect = compiled.problems.iter().find(|it| it.code == codes::DEFECT);
    prop_assert_eq!(defect, None);
    if let Some(program) = &compiled.program {
        let planned = Plan::new(Arc::new(program.clone()));
        prop_assert!(planned.is_ok(), "{:?}", planned.err());
    }
    Ok(compiled.program)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn loops_with_branches_and_maps_give_no_defect(bytes in graph()) {
        check(&bytes)?;
    }
}

/// The property says something: enough of its graphs compile, also those with a map whose body goes
/// somewhere, and those with branches.
#[test]
fn the_graphs_of_the_property_are_of_every_kind() {
    let mut runner = TestRunner::deterministic();
    let (mut good, mut maps, mut splits) = (0, 0, 0);
    for _ in 0..4000 {
        let tree = graph().new_tree(&mut runner).unwrap();
        let Some(program) = check(&tree.current()).unwrap() else {
            continue;
        };
        good += 1;
        let mut ops = program.ops.iter();
        let has_body = |kind: &OpKind| matches!(kind, OpKind::Map(map) if map.way.to != map.gather);
        maps += usize::from(ops.clone().any(|op| has_body(&op.kind)));
        splits += usize::from(ops.any(|op| matches!(op.kind, OpKind::Split(_))));
    }
    assert!(
        good > 200 && maps > 30 && splits > 100,
        "{good} of 4000 compile, {maps} with a body, {splits} with branches"
    );
}
