//! The workflows that the cloud test stores.

use serde_json::{Value, json};

/// Time for one attempt of a model call: its lease ends 5 s later, which is how long a killed
/// function's claim stands.
const TIMEOUT_MS: u64 = 1_500;

/// One node after the other, from a start to an end.
pub fn line(id: &str, nodes: Vec<Value>) -> Value {
    let start = json!({"id": "start", "type": "start"});
    from(id, start, nodes)
}

/// The same, begun by this node.
pub fn from(id: &str, first: Value, nodes: Vec<Value>) -> Value {
    let mut all = vec![first];
    all.extend(nodes);
    all.push(json!({"id": "end", "type": "end"}));
    let name = |node: &Value| node["id"].as_str().unwrap_or_default().to_owned();
    let edges: Vec<Value> = all
        .iter()
        .zip(all.iter().skip(1))
        .enumerate()
        .map(|(at, (from, to))| json!({"id": format!("e{at}"), "from": name(from), "to": name(to)}))
        .collect();
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": id,
        "nodes": all, "edges": edges,
    })
}

/// A call of the model.
pub fn prompt(id: &str) -> Value {
    json!({"id": id, "type": "prompt", "settings": {
        "prompt": format!("Say what {id} says."), "model": "small",
        "timeoutMs": TIMEOUT_MS, "maxAttempts": 5,
    }})
}

/// A wait.
pub fn delay(id: &str, duration: u64, unit: &str) -> Value {
    json!({"id": id, "type": "delay", "settings": {
        "delayType": "duration", "duration": duration, "unit": unit,
    }})
}

/// A call, a question, and a call behind each answer.
pub fn question(id: &str) -> Value {
    let mut document = line(id, vec![prompt("draft")]);
    document["nodes"] = json!([
        {"id": "start", "type": "start"}, prompt("draft"),
        {"id": "ask", "type": "askUserQuestion", "settings": {
            "questionText": "Send it?", "options": [{"label": "Send"}, {"label": "Drop"}]}},
        prompt("send"), {"id": "end", "type": "end"},
    ]);
    document["edges"] = json!([
        {"id": "e1", "from": "start", "to": "draft"}, {"id": "e2", "from": "draft", "to": "ask"},
        {"id": "e3", "from": "ask", "fromPort": "branch-0", "to": "send"},
        {"id": "e4", "from": "ask", "fromPort": "branch-1", "to": "end"},
        {"id": "e5", "from": "send", "to": "end"},
    ]);
    document
}

/// This many calls in a row.
pub fn chain(id: &str, calls: usize) -> Value {
    line(
        id,
        (1..=calls).map(|at| prompt(&format!("step{at}"))).collect(),
    )
}

/// Branches side by side, each of so many calls; they meet at the end.
pub fn branches(id: &str, settings: Value, branches: usize, calls: usize) -> Value {
    let mut all = json!({"branchCount": branches});
    for (name, value) in settings.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    let mut nodes = vec![
        json!({"id": "start", "type": "start"}),
        json!({"id": "both", "type": "parallel", "settings": all}),
    ];
    let mut edges = vec![json!({"id": "e", "from": "start", "to": "both"})];
    for branch in 0..branches {
        let name = |at: usize| match at < calls {
            true => format!("step{branch}-{at}"),
            false => "end".to_owned(),
        };
        nodes.extend((0..calls).map(|at| prompt(&name(at))));
        edges.push(json!({
            "id": format!("b{branch}"), "from": "both",
            "fromPort": format!("branch-{branch}"), "to": name(0),
        }));
        edges.extend((0..calls).map(
            |at| json!({"id": format!("b{branch}-{at}"), "from": name(at), "to": name(at + 1)}),
        ));
    }
    nodes.push(json!({"id": "end", "type": "end",
        "settings": {"output": {"all": "{{nodes.both.output}}"}}}));
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": id,
        "nodes": nodes, "edges": edges,
    })
}

/// A run of another workflow.
pub fn flow(id: &str, workflow: &str) -> Value {
    json!({"id": id, "type": "flow", "settings": {"flowId": workflow, "inputMapping": {}}})
}

/// One call for each of so many numbers.
pub fn list(id: &str, items: usize, mut settings: Value) -> Value {
    settings["items"] = (0..items).collect();
    let mut call = prompt("step");
    call["settings"]["prompt"] = json!("Say what number {{item}} says.");
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": id,
        "nodes": [
            {"id": "start", "type": "start"},
            {"id": "each", "type": "batchIterator", "settings": settings},
            call,
            {"id": "end", "type": "end", "settings": {"output": {"all": "{{nodes.each.output}}"}}}
        ],
        "edges": [
            {"id": "e1", "from": "start", "to": "each"},
            {"id": "e2", "from": "each", "fromPort": "each", "to": "step"},
            {"id": "e3", "from": "each", "to": "end"}
        ]
    })
}

/// The document with this time for each of its model calls.
pub fn patient(mut document: Value, timeout_ms: u64) -> Value {
    for node in document["nodes"].as_array_mut().into_iter().flatten() {
        if node["type"] == "prompt" {
            node["settings"]["timeoutMs"] = json!(timeout_ms);
        }
    }
    document
}

/// This many calls, each behind a wait of a second.
pub fn waits(id: &str, calls: usize) -> Value {
    let nodes = (1..=calls).flat_map(|at| {
        [
            delay(&format!("nap{at}"), 1, "seconds"),
            prompt(&format!("step{at}")),
        ]
    });
    line(id, nodes.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn calls_are_given_time() {
        let document = patient(chain("c", 1), 7);
        assert_eq!(document["nodes"][1]["settings"]["timeoutMs"], 7);
        assert!(document["nodes"][0].get("settings").is_none());
    }

    #[test]
    fn branches_leave_from_their_ports_and_meet_at_the_end() {
        let document = branches("b", json!({"failureStrategy": "any"}), 3, 2);
        assert_eq!(document["nodes"].as_array().unwrap().len(), 2 + 6 + 1);
        let edges = document["edges"].as_array().unwrap();
        let meeting = edges.iter().filter(|edge| edge["to"] == "end").count();
        assert_eq!((edges.len(), meeting), (1 + 3 * 3, 3));
        assert_eq!(document["nodes"][1]["settings"]["failureStrategy"], "any");
    }

    #[test]
    fn a_line_leads_from_its_start_to_its_end() {
        let document = chain("c", 3);
        let edges = document["edges"].as_array().unwrap();
        let pairs: Vec<_> = edges
            .iter()
            .map(|edge| (edge["from"].as_str().unwrap(), edge["to"].as_str().unwrap()))
            .collect();
        let expected = [
            ("start", "step1"),
            ("step1", "step2"),
            ("step2", "step3"),
            ("step3", "end"),
        ];
        assert_eq!(pairs, expected);
        assert_eq!(waits("h", 2)["nodes"].as_array().unwrap().len(), 6);
    }
}
