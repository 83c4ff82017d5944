//! The workflows whose runs are killed.

use serde_json::{Value, json};

/// Three branches, and a model call behind their join: two model calls; a delay, a question and a
/// model call; one model call.
pub fn branches() -> Value {
    workflow("killed", call("weigh", "Weigh."), json!([]), "end")
}

/// The same, but the third branch is a run of another workflow, and behind the join a list follows
/// whose items go in two runs of their own.
pub fn families() -> Value {
    let flow = json!({"id": "weigh", "type": "flow",
        "settings": {"flowId": "below", "inputMapping": {}}});
    let items: Vec<u32> = (0..ITEMS).collect();
    let list = json!([
        {"id": "each", "type": "batchIterator",
         "settings": {"items": items, "batchSize": 9, "processingMode": "parallel"}},
        call("item", "Item {{item}}."),
    ]);
    let mut workflow = workflow("killed", flow, list, "each");
    if let Some(edges) = workflow["edges"].as_array_mut() {
        edges.push(json!({"id": "l1", "from": "each", "fromPort": "each", "to": "item"}));
        edges.push(json!({"id": "l2", "from": "each", "to": "end"}));
    }
    workflow
}

/// The workflow that `families` calls.
pub fn below() -> Value {
    json!({"format": "agent-lattice/workflow", "formatVersion": 1,
    "id": "below", "name": "Called",
    "nodes": [
        {"id": "start", "type": "start"}, call("weigh", "Weigh."), {"id": "end", "type": "end"}
    ],
    "edges": [
        {"id": "e1", "from": "start", "to": "weigh"}, {"id": "e2", "from": "weigh", "to": "end"}
    ]})
}

/// Items of the list: one more than go in one run.
const ITEMS: u32 = 17;

/// The model calls of `families`, for the head of the table.
pub const CALLS: &[&str] = &["draft", "check", "send", "weigh", "sum", "17 x item"];

fn call(id: &str, prompt: &str) -> Value {
    json!({"id": id, "type": "prompt",
        "settings": {"prompt": prompt, "model": "small", "maxAttempts": 5}})
}

fn workflow(id: &str, third: Value, more: Value, behind: &str) -> Value {
    let mut nodes = vec![
        json!({"id": "start", "type": "start"}),
        json!({"id": "all", "type": "parallel", "settings": {"branchCount": 3}}),
        call("draft", "Draft."),
        call("check", "Check."),
        json!({"id": "rest", "type": "delay",
            "settings": {"delayType": "duration", "duration": 40, "unit": "milliseconds"}}),
        json!({"id": "ask", "type": "askUserQuestion", "settings": {
            "questionText": "Send it?", "options": [{"label": "Send"}, {"label": "Drop"}]}}),
        call("send", "Send."),
        third,
        call("sum", "Sum up."),
    ];
    nodes.extend(more.as_array().into_iter().flatten().cloned());
    nodes.push(json!({"id": "end", "type": "end"}));
    json!({"format": "agent-lattice/workflow", "formatVersion": 1,
    "id": id, "name": "Killed often", "nodes": nodes,
    "edges": [
        {"id": "e1", "from": "start", "to": "all"},
        {"id": "e2", "from": "all", "fromPort": "branch-0", "to": "draft"},
        {"id": "e3", "from": "all", "fromPort": "branch-1", "to": "rest"},
        {"id": "e4", "from": "all", "fromPort": "branch-2", "to": "weigh"},
        {"id": "e5", "from": "draft", "to": "check"}, {"id": "e6", "from": "check", "to": "sum"},
        {"id": "e7", "from": "rest", "to": "ask"},
        {"id": "e8", "from": "ask", "fromPort": "branch-0", "to": "send"},
        {"id": "e9", "from": "ask", "fromPort": "branch-1", "to": "sum"},
        {"id": "e10", "from": "send", "to": "sum"}, {"id": "e11", "from": "weigh", "to": "sum"},
        {"id": "e12", "from": "sum", "to": behind}
    ]})
}
