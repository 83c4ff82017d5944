//! What exporting costs: one document to all four coding agents.

use lattice_document::{Document, read};
use lattice_export::{Target, export_all};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Instant;

/// The cost at one size.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// Nodes of the document; three of ten are sub-agents, tools and skills.
    pub nodes: usize,
    /// Files of all targets; none, or the figure means nothing.
    pub files: usize,
    /// From the document to the files of all four targets, in milliseconds: the median of several times.
    pub ms: f64,
}

/// Times per size.
const TIMES: usize = 5;

/// Exports a chain of so many nodes to every target.
pub fn measure(nodes: usize) -> Exported {
    let Some(document) = document(nodes) else {
        return Exported {
            nodes,
            files: 0,
            ms: 0.0,
        };
    };
    let mut times: Vec<f64> = Vec::new();
    let mut files = 0;
    for _ in 0..TIMES {
        let began = Instant::now();
        let made = export_all(&document, Target::ALL).unwrap_or_default();
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
        files = made.iter().map(|(_, export)| export.files.len()).sum();
    }
    times.sort_by(f64::total_cmp);
    let ms = times.get(TIMES / 2).copied().unwrap_or_default();
    Exported { nodes, files, ms }
}

fn node(place: usize) -> Value {
    let before = match place {
        0 => "{{in.topic}}".to_owned(),
        _ => format!("{{{{nodes.n{}.output}}}}", place - 1),
    };
    let (kind, settings) = match place % 10 {
        0 => (
            "subAgent",
            json!({"name": format!("agent-{place}"), "description": "Reads a change",
                "prompt": format!("List what is wrong with {before}."), "tools": ["Read", "Grep"]}),
        ),
        3 => (
            "skill",
            json!({"name": format!("skill-{place}"), "description": "How we write",
                "instructions": "Write short sentences."}),
        ),
        6 => (
            "mcp",
            json!({"serverId": "web", "server": {"command": ["npx", "web"]},
                "toolName": format!("tool-{place}"), "permission": "allow",
                "parameterValues": {"about": before}}),
        ),
        _ => ("prompt", json!({"prompt": format!("Go on from {before}")})),
    };
    json!({"id": format!("n{place}"), "type": kind, "settings": settings})
}

fn document(nodes: usize) -> Option<Document> {
    let mut all = vec![json!({"id": "start", "type": "start"})];
    all.extend((0..nodes.saturating_sub(2)).map(node));
    all.push(json!({"id": "end", "type": "end"}));
    let edges = all.windows(2).enumerate();
    let edges: Vec<Value> = edges
        .map(|(n, pair)| json!({"id": format!("e{n}"), "from": pair[0]["id"], "to": pair[1]["id"]}))
        .collect();
    let document = json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "bench", "name": "Bench",
        "nodes": all, "edges": edges,
    });
    read(document.to_string().as_bytes()).document
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_measured_document_is_exported_everywhere() {
        // 98 nodes between the ends: ten each of sub-agents, skills and tools.
        let exported = super::measure(100);
        assert!(exported.files > 4 * 20, "{exported:?}");
    }
}
