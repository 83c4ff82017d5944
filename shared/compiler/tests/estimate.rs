//! What a workflow may cost, against figures worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_compiler::compile;
use lattice_compiler::estimate::{Cost, Estimate, Span, estimate};
use serde_json::{Value, json};

fn of(nodes: Value, edges: Value, items: Option<u64>) -> Estimate {
    let edges: Vec<Value> = edges
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .map(|(place, edge)| {
            let [from, port, to] = [0, 1, 2].map(|part| edge[part].as_str().unwrap());
            json!({"id": format!("e{place}"), "from": from, "fromPort": port, "to": to})
        })
        .collect();
    let document = json!({"format": "agent-lattice/workflow", "formatVersion": 1, "id": "w",
        "name": "W", "nodes": nodes, "edges": edges});
    let compiled = compile(document.to_string().as_bytes());
    estimate(
        &compiled
            .program
            .unwrap_or_else(|| panic!("{:?}", compiled.problems)),
        items,
    )
}

fn prompt(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "prompt", "settings": {"prompt": text, "model": "small",
        "maxOutputTokens": 100, "maxAttempts": 2, "timeoutMs": 1000}})
}

fn delay(id: &str, ms: u64) -> Value {
    json!({"id": id, "type": "delay", "settings": {"delayType": "duration", "duration": ms as f64 / 1000.0, "unit": "seconds"}})
}

fn end() -> Value {
    json!({"id": "end", "type": "end", "settings": {"output": "done"}})
}

fn span(least: u64, most: u64) -> Span {
    Span {
        least,
        most: Some(most),
    }
}

fn calls(cost: &Cost) -> Span {
    cost.models["small"].calls
}

#[test]
fn a_line_costs_what_its_steps_cost() {
    let nodes = json!([{"id": "start", "type": "start"}, prompt("a", "12345678"), delay("b", 70), prompt("c", "1234{{in.x}}"), end()]);
    let edges = json!([
        ["start", "out", "a"],
        ["a", "out", "b"],
        ["b", "out", "c"],
        ["c", "out", "end"]
    ]);
    let found = of(nodes, edges, None);
    assert_eq!(found.more, 0);
    let [path] = found.paths.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((path.ways.as_slice(), path.end.as_str()), (&[][..], "end"));
    assert_eq!(path.cost, found.all);
    assert_eq!(found.all.steps, Span::exactly(4));
    let model = found.all.models["small"];
    assert_eq!(model.calls, span(2, 4));
    // Eight bytes are two tokens, sent once or twice; what `in.x` holds nobody knows.
    assert_eq!(
        model.prompt_tokens,
        Span {
            least: 3,
            most: None
        }
    );
    assert_eq!(model.answer_tokens, span(0, 400));
    // Two calls of two attempts of a second, with a pause between them, and the delay.
    let time = found.all.time_ms;
    assert_eq!(time.least, 70);
    assert!(time.most.unwrap() >= 4_070, "{time:?}");
}

#[test]
fn each_choice_makes_paths_and_the_span_of_all_holds_them() {
    let either =
        |id: &str| json!({"id": id, "type": "ifElse", "settings": {"condition": "in.x > 3"}});
    let nodes = json!([{"id": "start", "type": "start"}, either("one"), prompt("a", "A"), either("two"), prompt("b", "B"), end()]);
    let edges = json!([
        ["start", "out", "one"],
        ["one", "true", "a"],
        ["one", "false", "two"],
        ["a", "out", "two"],
        ["two", "true", "b"],
        ["two", "false", "end"],
        ["b", "out", "end"]
    ]);
    let found = of(nodes, edges, None);
    let ways: Vec<_> = found
        .paths
        .iter()
        .map(|path| path.ways.join(", "))
        .collect();
    assert_eq!(
        ways,
        [
            "one: true, two: true",
            "one: true, two: false",
            "one: false, two: true",
            "one: false, two: false"
        ]
    );
    let steps: Vec<_> = found.paths.iter().map(|path| path.cost.steps).collect();
    assert_eq!(steps, [5, 4, 4, 3].map(Span::exactly));
    assert_eq!(found.all.steps, span(3, 5));
    assert_eq!(calls(&found.all), span(0, 4));
}

#[test]
fn branches_cost_all_that_they_do_and_last_as_long_as_the_join_waits() {
    for (join, calls_least, time_least) in [("wait-all", 0, 500), ("any", 0, 20)] {
        let nodes = json!([{"id": "start", "type": "start"},
            {"id": "both", "type": "parallel", "settings": {"branchCount": 2, "failureStrategy": join}},
            delay("a", 20), delay("b", 500), {"id": "meet", "type": "end", "settings": {"output": "done"}}]);
        let edges = json!([
            ["start", "out", "both"],
            ["both", "branch-0", "a"],
            ["both", "branch-1", "b"],
            ["a", "out", "meet"],
            ["b", "out", "meet"]
        ]);
        let found = of(nodes, edges, None);
        assert_eq!(found.all.time_ms, span(time_least, 500), "{join}");
        assert_eq!(found.all.models.len(), calls_least);
        // Split, join and end are certain.
        let least = if join == "wait-all" { 5 } else { 3 };
        assert_eq!(found.all.steps, span(least, 5), "{join}");
    }
}

#[test]
fn a_loop_costs_one_round_at_least_and_its_ceiling_at_most() {
    let mut draft = prompt("draft", "D");
    draft["maxVisits"] = json!(5);
    let nodes = json!([{"id": "start", "type": "start"}, draft,
        {"id": "good", "type": "ifElse", "settings": {"condition": "in.x > 3"}}, delay("rest", 10), end()]);
    let edges = json!([
        ["start", "out", "draft"],
        ["draft", "out", "good"],
        ["good", "true", "end"],
        ["good", "false", "rest"],
        ["rest", "out", "draft"]
    ]);
    let found = of(nodes, edges, None);
    assert_eq!(found.paths.len(), 1);
    // Five drafts of two attempts, with what comes between them.
    assert_eq!(calls(&found.all), span(1, 10));
    assert_eq!(found.all.steps.least, 2);
    // draft 5, good and rest 6 each, the end.
    assert_eq!(found.all.steps.most, Some(18));
}

#[test]
fn a_list_costs_its_items() {
    let nodes = json!([{"id": "start", "type": "start"},
        {"id": "each", "type": "batchIterator", "settings": {"items": "{{in.list}}", "batchSize": 4}},
        prompt("a", "{{item}}"), end()]);
    let edges = json!([
        ["start", "out", "each"],
        ["each", "each", "a"],
        ["each", "out", "end"]
    ]);
    let found = of(nodes.clone(), edges.clone(), Some(100));
    assert_eq!(calls(&found.all), span(100, 200));
    assert_eq!(found.all.steps, Span::exactly(103));
    let any = of(nodes, edges, None);
    assert_eq!(calls(&any.all), span(0, 20_000));
}

#[test]
fn more_paths_than_are_listed_are_counted() {
    let mut nodes = vec![json!({"id": "start", "type": "start"})];
    let mut edges = vec![json!(["start", "out", "c0"])];
    for place in 0..40 {
        let (id, next) = (format!("c{place}"), format!("c{}", place + 1));
        let next = if place == 39 { "end".to_owned() } else { next };
        nodes.push(json!({"id": id, "type": "ifElse", "settings": {"condition": "in.x > 3"}}));
        nodes.push(delay(&format!("d{place}"), 10));
        edges.push(json!([id, "true", format!("d{place}")]));
        edges.push(json!([format!("d{place}"), "out", next]));
        edges.push(json!([id, "false", next]));
    }
    nodes.push(end());
    let found = of(json!(nodes), json!(edges), None);
    assert_eq!(found.paths.len() as u64 + found.more, 1 << 40);
    assert_eq!(found.all.time_ms, span(0, 400));
}

#[test]
fn ten_thousand_nodes_in_a_line_are_no_trouble() {
    let mut nodes = vec![json!({"id": "start", "type": "start"})];
    let mut edges = vec![json!(["start", "out", "d0"])];
    for place in 0..9_998 {
        let next = format!("d{}", place + 1);
        let next = if place == 9_997 {
            "end".to_owned()
        } else {
            next
        };
        nodes.push(delay(&format!("d{place}"), 1));
        edges.push(json!([format!("d{place}"), "out", next]));
    }
    nodes.push(end());
    let found = of(json!(nodes), json!(edges), None);
    assert_eq!(found.all.time_ms.least, 9_998);
}
