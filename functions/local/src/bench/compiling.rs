//! What compiling costs, at three sizes.

use serde::Serialize;
use serde_json::{Value, json};
use std::time::Instant;

/// The cost at one size.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compiled {
    /// Nodes of the document.
    pub nodes: usize,
    /// Edges of the document.
    pub edges: usize,
    /// Bytes of the document.
    pub bytes: usize,
    /// From bytes to Program, in milliseconds: the median of several times.
    pub ms: f64,
    /// Problems found; none, or the figure means nothing.
    pub problems: usize,
}

/// Times per size.
const TIMES: usize = 5;

/// Compiles a chain of prompts and choices of so many nodes, in which each node reads what the one
/// before it gave.
pub fn measure(nodes: usize) -> Compiled {
    let document = document(nodes);
    let bytes = document.to_string().into_bytes();
    let mut times: Vec<f64> = Vec::new();
    let mut problems = 0;
    for _ in 0..TIMES {
        let began = Instant::now();
        let compiled = lattice_compiler::compile(&bytes);
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
        problems = compiled.problems.len();
    }
    times.sort_by(f64::total_cmp);
    let edges = document
        .get("edges")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let ms = times.get(TIMES / 2).copied().unwrap_or_default();
    Compiled {
        nodes,
        edges,
        bytes: bytes.len(),
        ms,
        problems,
    }
}

fn document(nodes: usize) -> Value {
    let between = nodes.saturating_sub(2);
    let node = |n: usize| {
        let before = match n {
            0 => "{{in.topic}}".to_owned(),
            _ => format!("{{{{nodes.n{}.output}}}}", n - 1),
        };
        let prompt = format!("Go on from {before}");
        json!({ "id": format!("n{n}"), "type": "prompt", "settings": { "prompt": prompt } })
    };
    let mut all = vec![json!({ "id": "start", "type": "start", "settings": {} })];
    all.extend((0..between).map(node));
    all.push(json!({ "id": "end", "type": "end", "settings": {} }));
    let ids: Vec<Value> = all.iter().map(|node| node["id"].clone()).collect();
    let edges: Vec<Value> = ids
        .windows(2)
        .enumerate()
        .map(|(n, pair)| json!({ "id": format!("e{n}"), "from": pair[0], "to": pair[1] }))
        .collect();
    json!({
        "format": "agent-lattice/workflow",
        "formatVersion": 1,
        "id": "bench",
        "name": "Bench",
        "nodes": all,
        "edges": edges,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_measured_document_has_no_problems() {
        let compiled = super::measure(100);
        assert_eq!(
            (compiled.nodes, compiled.edges, compiled.problems),
            (100, 99, 0)
        );
    }
}
