//! A server on 127.0.0.1 that every client takes for its model: it answers each request with one fixed
//! text, in the three wire formats that the clients speak, and keeps what it was sent. It is a remote
//! MCP server too.

use crate::mcp;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What it says, always.
pub const ANSWER: &str = "The mock has spoken.";

/// A request: its path and its body.
pub type Seen = (String, Value);

/// A running server.
pub struct Mock {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Mock {
    /// Starts on a free port.
    pub async fn start() -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, seen })
    }

    /// Where it listens, without a path.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes what has been sent since the last time.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(
    State(seen): State<Arc<Mutex<Vec<Seen>>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let path = uri.path().to_owned();
    if path == "/mcp" {
        return match (method, mcp::answer(&body)) {
            (Method::POST, Some(answer)) => json_of(&answer),
            (Method::POST, None) => StatusCode::ACCEPTED.into_response(),
            _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        };
    }
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((path.clone(), body.clone()));
    let streamed = body["stream"] == true;
    match path.rsplit('/').next().unwrap_or_default() {
        "messages" if streamed => events(&messages_stream()),
        "messages" => json_of(&message()),
        "count_tokens" => json_of(&json!({"input_tokens": 1})),
        "responses" => events(&responses_stream()),
        "completions" if streamed => events(&chat_stream()),
        "completions" => json_of(&json!({
            "id": "c1", "object": "chat.completion", "created": 1, "model": "mock",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": ANSWER}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})),
        "models" => json_of(&json!({"object": "list", "models": [],
            "data": [{"id": "mock", "object": "model", "created": 1, "owned_by": "mock"}]})),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn json_of(value: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        value.to_string(),
    )
        .into_response()
}

/// Server-sent events; one that has a `type` is named by it.
fn events(values: &[Value]) -> Response {
    let mut text = String::new();
    for value in values {
        if let Some(name) = value["type"].as_str() {
            text.push_str(&format!("event: {name}\n"));
        }
        match value.as_str() {
            Some(plain) => text.push_str(&format!("data: {plain}\n\n")),
            None => text.push_str(&format!("data: {value}\n\n")),
        }
    }
    ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
}

fn message() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "mock",
        "content": [{"type": "text", "text": ANSWER}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 1, "output_tokens": 1}})
}

fn messages_stream() -> Vec<Value> {
    let mut begun = message();
    begun["content"] = json!([]);
    begun["stop_reason"] = Value::Null;
    vec![
        json!({"type": "message_start", "message": begun}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": ANSWER}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ]
}

fn responses_stream() -> Vec<Value> {
    let item = json!({"type": "message", "id": "m1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": ANSWER, "annotations": []}]});
    vec![
        json!({"type": "response.created", "response": {"id": "r1"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": "r1", "output": [item],
            "usage": {"input_tokens": 1, "input_tokens_details": null, "output_tokens": 1,
                "output_tokens_details": null, "total_tokens": 2}}}),
    ]
}

fn chat_stream() -> Vec<Value> {
    let chunk = |delta: Value, end: Value| {
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "mock",
            "choices": [{"index": 0, "delta": delta, "finish_reason": end}]})
    };
    vec![
        chunk(json!({"role": "assistant", "content": ANSWER}), Value::Null),
        chunk(json!({}), json!("stop")),
        json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "mock", "choices": [],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
        json!("[DONE]"),
    ]
}
