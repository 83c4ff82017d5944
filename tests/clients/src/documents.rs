//! The documents that are exported: every example, every older document, and one with sub-agents,
//! skills, servers and permissions, whose servers really run.

use crate::Failure;
use lattice_document::{Document, read};
use serde_json::{Value, json};
use std::path::Path;

/// Every document with its name, sorted. `program` is what the local server is, `remote` where the
/// other one listens.
pub fn all(program: &str, remote: &str) -> Result<Vec<(String, Document)>, Failure> {
    let mut found = vec![(
        "everything".to_owned(),
        document(&everything(program, remote))?,
    )];
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    for entry in std::fs::read_dir(examples)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".json") && name.matches('.').count() == 1 {
            let reading = read(&std::fs::read(&path)?);
            let document = reading
                .document
                .ok_or_else(|| format!("`{name}` is no document"))?;
            found.push((name.trim_end_matches(".json").to_owned(), document));
        }
    }
    for fixture in lattice_fixtures::legacy()? {
        let name = format!("{}.{}", fixture.shape, fixture.node_type);
        let document = read(&fixture.bytes)
            .document
            .ok_or_else(|| format!("`{name}` is no document"))?;
        found.push((name, document));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found)
}

/// A document of our own format.
pub fn document(value: &Value) -> Result<Document, Failure> {
    let reading = read(value.to_string().as_bytes());
    reading
        .document
        .ok_or_else(|| format!("the document cannot be read: {:?}", reading.problems).into())
}

/// A document in which the nodes follow each other.
pub fn chain(nodes: &[Value]) -> Value {
    let mut all = vec![json!({"id": "start", "type": "start"})];
    all.extend(nodes.iter().cloned());
    all.push(json!({"id": "end", "type": "end", "settings": {"output": "done"}}));
    let next = all.iter().skip(1);
    let edges: Vec<_> = all
        .iter()
        .zip(next)
        .enumerate()
        .map(|(place, (from, to))| json!({"id": format!("e{place}"), "from": from["id"], "to": to["id"]}))
        .collect();
    json!({"format": "agent-lattice/workflow", "formatVersion": 1, "id": "everything",
        "name": "Everything: \"all\" of it", "description": "Has one of each.\n---\nkey: value",
        "nodes": all, "edges": edges})
}

fn everything(program: &str, remote: &str) -> Value {
    chain(&[
        json!({"id": "look", "type": "subAgent", "label": "Look", "settings": {
            "name": "Reviewer", "description": "Reads a change: finds \"faults\" # all of them",
            "prompt": "List what is wrong with {{in.change}}.\n---\nBe brief.", "model": "medium",
            "tools": ["Read", "Grep", "mcp__web__open"], "maxTurns": 8}}),
        json!({"id": "write", "type": "subAgent", "settings": {
            "name": "mender", "description": "Mends: 'what' was found",
            "prompt": "Mend it: {{nodes.look.output}}", "model": "large", "disallowedTools": ["Bash"]}}),
        json!({"id": "think", "type": "subAgent", "settings": {
            "name": "thinker", "description": "Thinks, and uses nothing", "prompt": "Write \\{{x}} out.",
            "tools": []}}),
        json!({"id": "style", "type": "skill", "settings": {
            "name": "house-style", "description": "How: we \"write\" \u{1f680}",
            "instructions": "Write short sentences.", "executionMode": "load"}}),
        json!({"id": "open", "type": "mcp", "settings": {
            "serverId": "web", "server": {"command": [program, "mcp-server"], "env": {"LEVEL": "2"}},
            "toolName": "open", "parameterValues": {"url": "{{in.page}}"}, "permission": "allow"}}),
        json!({"id": "drop", "type": "mcp", "settings": {
            "serverId": "tracker", "server": {"url": remote}, "toolName": "delete_issue",
            "mode": "aiParameterConfig",
            "aiParameterConfig": {"description": "The issue of {{in.change}}"}, "permission": "deny"}}),
    ])
}
