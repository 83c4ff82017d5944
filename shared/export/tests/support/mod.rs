//! Documents for the tests of exports: the examples, the older documents, and one with everything.
#![allow(dead_code, reason = "each test file uses a part")]

use lattice_document::{Document, read};
use serde_json::{Value, json};
use std::path::Path;

/// Every document with its name, sorted.
pub fn documents() -> Vec<(String, Document)> {
    let mut found = vec![("everything".to_owned(), document(&everything()))];
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".json") && name.matches('.').count() == 1 {
            let document = read(&std::fs::read(&path).unwrap()).document.unwrap();
            found.push((name.trim_end_matches(".json").to_owned(), document));
        }
    }
    for fixture in lattice_fixtures::legacy().unwrap() {
        let name = format!("{}.{}", fixture.shape, fixture.node_type);
        found.push((name, read(&fixture.bytes).document.unwrap()));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// A document of our own format.
pub fn document(value: &Value) -> Document {
    let reading = read(value.to_string().as_bytes());
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    reading.document.unwrap()
}

/// A document in which the nodes follow each other.
pub fn chain(nodes: &[Value]) -> Value {
    let mut all = vec![json!({"id": "start", "type": "start"})];
    all.extend(nodes.iter().cloned());
    all.push(json!({"id": "end", "type": "end", "settings": {"output": "done"}}));
    let pairs = all.windows(2).enumerate();
    let edges: Vec<_> = pairs
        .map(|(place, pair)| {
            let id = format!("e{place}");
            json!({"id": id, "from": pair[0]["id"], "to": pair[1]["id"]})
        })
        .collect();
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "chain", "name": "Chain",
        "nodes": all, "edges": edges,
    })
}

/// Sub-agents, skills, servers and permissions of every kind.
pub fn everything() -> Value {
    let mut value = chain(&[
        json!({"id": "look", "type": "subAgent", "label": "Look", "settings": {
            "name": "Reviewer", "description": "Reads a change: finds \"faults\"",
            "prompt": "List what is wrong with {{in.change}}.\n---\nBe brief.", "model": "medium",
            "tools": ["Read", "Grep", "mcp__web__open"], "maxTurns": 8, "memory": "project"}}),
        json!({"id": "write", "type": "subAgent", "settings": {
            "prompt": "Mend it: {{nodes.look.output}}", "model": "some-model",
            "tools": "Read, Edit, Telepathy", "disallowedTools": ["Bash"]}}),
        json!({"id": "think", "type": "subAgent", "settings": {
            "name": "thinker", "description": "Thinks, and uses nothing", "prompt": "Write \\{{x}} out.",
            "tools": []}}),
        json!({"id": "style", "type": "skill", "settings": {
            "name": "house-style", "description": "How we write", "instructions": "Write short sentences.",
            "allowedTools": "Read,Grep", "executionMode": "load"}}),
        json!({"id": "log", "type": "skill", "settings": {
            "name": "changelog", "skillPath": "skills/changelog/SKILL.md",
            "executionPrompt": "From {{in.from}} on."}}),
        json!({"id": "open", "type": "mcp", "settings": {
            "serverId": "web", "server": {"command": ["npx", "web-server", "--quiet"],
                "env": {"TOKEN": "{{secret.TOKEN}}", "LEVEL": "2"}},
            "toolName": "open", "parameterValues": {"url": "{{in.page}}"}, "permission": "allow"}}),
        json!({"id": "drop", "type": "mcp", "settings": {
            "serverId": "tracker", "server": {"url": "https://tracker.example.com/mcp",
                "headers": {"Authorization": "Bearer {{secret.TRACKER}}", "X-Team": "{{secret.TEAM}}"}},
            "toolName": "delete.issue", "mode": "aiParameterConfig",
            "aiParameterConfig": {"description": "The issue of {{in.change}}"}, "permission": "deny"}}),
        json!({"id": "post", "type": "httpRequest", "settings": {
            "method": "POST", "url": "https://api.example.com/{{in.change}}", "body": {"a": "{{nodes.write.output}}"},
            "authentication": {"type": "bearer", "token": "{{secret.API}}"}, "timeout": 30000,
            "retryStrategy": {"maxRetries": 2}}}),
        json!({"id": "count", "type": "codeExecutor", "settings": {
            "code": "return input.length; // `x`", "input": "{{in.change}}", "timeout": 1000}}),
    ]);
    value["id"] = json!("everything");
    value["name"] = json!("Everything: \"all\" of it");
    value["description"] = json!("Has one of each.\n---\nkey: value");
    value
}
