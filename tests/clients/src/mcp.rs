//! A tiny MCP server with two tools, so that a client really lists what a server offers: over standard
//! input and output here, over HTTP by the mock.

use serde_json::{Value, json};
use std::io::{BufRead, Write};

/// The tools that it has.
pub const TOOLS: &[&str] = &["open", "delete_issue"];

/// The answer to one message, if it wants one.
pub fn answer(message: &Value) -> Option<Value> {
    let id = message.get("id").filter(|id| !id.is_null())?;
    let result = match message["method"].as_str()? {
        "initialize" => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "tiny", "version": "1.0.0"},
        }),
        "tools/list" => {
            let tools = TOOLS.iter().map(|name| {
                json!({"name": name, "description": format!("The tool {name}"),
                    "inputSchema": {"type": "object", "properties": {}}})
            });
            json!({"tools": tools.collect::<Vec<_>>()})
        }
        "ping" => json!({}),
        _ => {
            let error = json!({"code": -32601, "message": "no such method"});
            return Some(json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

/// Serves until standard input ends.
pub fn serve() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?).unwrap_or(Value::Null);
        if let Some(answer) = answer(&message) {
            writeln!(out, "{answer}")?;
            out.flush()?;
        }
    }
    Ok(())
}
