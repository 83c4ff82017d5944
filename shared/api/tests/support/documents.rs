//! Workflows for the tests, and what is said to them.

use serde_json::{Value, json};

/// The secret `HOOK`.
pub const SECRET: &str = "it is a secret to everybody";
/// The secret `STANDARD`, as Standard Webhooks writes one.
pub const STANDARD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The secret `KEY`.
pub const KEY: &str = "a key that only two know";

/// Asks whether to go on.
pub fn asks(id: &str) -> Value {
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": "Asks",
        "input": {
            "type": "object", "properties": { "title": { "type": "string" } }, "required": ["title"],
        },
        "nodes": [
            { "id": "start", "type": "start" },
            { "id": "ok", "type": "askUserQuestion", "settings": {
                "questionText": "Publish {{in.title}}?",
                "options": [{ "label": "Yes", "value": true }, { "label": "No" }],
            } },
            { "id": "end", "type": "end", "settings": { "output": "{{nodes.ok.output.value}}" } },
            { "id": "no", "type": "end", "settings": { "output": {} } },
        ],
        "edges": [
            { "id": "e1", "from": "start", "to": "ok" },
            { "id": "e2", "from": "ok", "fromPort": "branch-0", "to": "end" },
            { "id": "e3", "from": "ok", "fromPort": "branch-1", "to": "no" },
        ],
    })
}

/// Ends at once.
pub fn quick(id: &str) -> Value {
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": "Quick",
        "nodes": [
            { "id": "start", "type": "start" },
            { "id": "end", "type": "end", "settings": { "output": { "done": true } } },
        ],
        "edges": [{ "id": "e1", "from": "start", "to": "end" }],
    })
}

/// Asks a model, twice if need be.
pub fn talks(id: &str) -> Value {
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": "Talks",
        "nodes": [
            { "id": "start", "type": "start" },
            { "id": "draft", "type": "prompt", "settings": {
                "prompt": "Write about {{in.title}}.", "model": "small", "maxAttempts": 2,
            } },
            { "id": "end", "type": "end", "settings": { "output": "{{nodes.draft.output}}" } },
        ],
        "edges": [
            { "id": "e1", "from": "start", "to": "draft" },
            { "id": "e2", "from": "draft", "to": "end" },
        ],
    })
}

/// A document with an error: an edge leads nowhere.
pub fn broken(id: &str) -> Value {
    let mut document = quick(id);
    document["edges"][0]["to"] = json!("nowhere");
    document
}

pub fn input() -> Value {
    json!({ "title": "Spring" })
}

/// An answer to the question of `asks`.
pub fn answer(value: &str) -> Value {
    json!({ "node": "ok", "value": value })
}
