//! The bodies of chat completions, streamed and whole.

use serde_json::{Value, json};

/// The answer to a question that nothing was scripted for. The same question gets the same answer.
pub(crate) fn made_answer(question: &Value) -> String {
    if let Some(schema) = question.pointer("/response_format/json_schema/schema")
        && let Some(value) = lattice_effects::sample(schema, 0)
    {
        return value.to_string();
    }
    let prompt = prompt_of(question);
    let words: Vec<&str> = prompt.split_whitespace().take(8).collect();
    format!(
        "The model server heard \"{}\" and has nothing to add.",
        words.join(" ")
    )
}

fn prompt_of(question: &Value) -> &str {
    let messages = question["messages"].as_array();
    let last = messages.and_then(|messages| messages.last());
    last.and_then(|message| message["content"].as_str())
        .unwrap_or_default()
}

fn model_of(question: &Value) -> &str {
    question["model"].as_str().unwrap_or("unnamed")
}

fn usage(question: &Value, answer: &str) -> Value {
    let input = prompt_of(question).split_whitespace().count();
    let output = answer.split_whitespace().count();
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
}

/// One event of a stream.
pub(crate) fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// An event with a piece of the answer.
pub(crate) fn delta(question: &Value, delta: &Value, finish: Option<&str>) -> String {
    event(&json!({
        "id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1,
        "model": model_of(question), "usage": null,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }))
}

/// The pieces of an answer: words with the space behind them.
pub(crate) fn pieces(question: &Value, answer: &str) -> Vec<String> {
    let mut events = vec![delta(
        question,
        &json!({"role": "assistant", "content": ""}),
        None,
    )];
    let words = answer.split_inclusive(' ');
    events.extend(words.map(|word| delta(question, &json!({ "content": word }), None)));
    events
}

/// A whole stream: the answer, its end, the usage if it was asked for, and `[DONE]`.
pub(crate) fn stream(question: &Value, answer: &str, finish: &str) -> Vec<String> {
    let mut events = pieces(question, answer);
    events.push(delta(question, &json!({}), Some(finish)));
    if question["stream_options"]["include_usage"] == true {
        events.push(event(&json!({
            "id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1,
            "model": model_of(question), "choices": [], "usage": usage(question, answer),
        })));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// The answer in one piece.
pub(crate) fn whole(question: &Value, answer: &str) -> String {
    json!({
        "id": "chatcmpl-test", "object": "chat.completion", "created": 1,
        "model": model_of(question), "usage": usage(question, answer),
        "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": answer, "refusal": null},
        }],
    })
    .to_string()
}
