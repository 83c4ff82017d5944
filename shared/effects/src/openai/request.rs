//! The body of the question.

use super::Dialect;
use crate::outcome::Ask;
use serde_json::{Map, Value, json};

/// The body. Streamed, so that silence in the middle can be told from a long answer, and with the
/// usage at the end.
pub(super) fn body(dialect: Dialect, ask: &Ask<'_>) -> Value {
    let mut messages = Vec::new();
    if let Some(system) = &ask.system {
        messages.push(json!({"role": "system", "content": system.expose()}));
    }
    messages.push(json!({"role": "user", "content": ask.prompt.expose()}));
    let mut body = json!({
        "model": ask.model,
        "messages": messages,
        "stream": true,
        "stream_options": {"include_usage": true},
    });
    if let Some(schema) = &ask.request.output_schema {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": {
                "name": schema_name(ask.stage.as_str()),
                // OpenAI refuses a schema as strict that leaves anything open.
                "strict": is_closed(schema),
                "schema": schema,
            },
        });
    }
    if let Some(most) = ask.request.max_output_tokens {
        let word = match dialect {
            Dialect::OpenAi => "max_completion_tokens",
            Dialect::Compatible => "max_tokens",
        };
        body[word] = json!(most);
    }
    // Sent only where the node sets it: some models take no temperature.
    if let Some(milli) = ask.request.temperature_milli {
        body["temperature"] = json!(f64::from(milli) / 1000.0);
    }
    body
}

/// At most 64 letters, digits, `_` and `-`, as the API reference asks.
fn schema_name(stage: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let name: String = stage
        .chars()
        .take(64)
        .map(|letter| if allowed(letter) { letter } else { '_' })
        .collect();
    if name.is_empty() {
        "answer".to_owned()
    } else {
        name
    }
}

/// Whether every object of the schema forbids other fields and requires all of its own.
fn is_closed(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => is_closed_object(fields) && fields.values().all(is_closed),
        Value::Array(items) => items.iter().all(is_closed),
        _ => true,
    }
}

fn is_closed_object(fields: &Map<String, Value>) -> bool {
    let is_object = fields.get("type").and_then(Value::as_str) == Some("object");
    let Some(properties) = fields.get("properties").and_then(Value::as_object) else {
        return !is_object;
    };
    let required = fields.get("required").and_then(Value::as_array);
    let requires = |name: &String| {
        required.is_some_and(|names| names.iter().any(|required| required.as_str() == Some(name)))
    };
    fields.get("additionalProperties") == Some(&Value::Bool(false))
        && properties.keys().all(requires)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use lattice_expr::Rendered;
    use lattice_ir::ModelRequest;
    use lattice_model::{Hash, Secret, StageId};
    use std::time::Duration;

    fn request() -> ModelRequest {
        ModelRequest {
            model: "small".to_owned(),
            system: None,
            prompt: Rendered::of_text("hi"),
            output_schema: None,
            max_output_tokens: None,
            temperature_milli: None,
        }
    }

    fn body_of(dialect: Dialect, request: &ModelRequest, system: Option<&str>) -> Value {
        let stage = StageId::new("judge.a@1/2");
        let ask = Ask {
            stage: &stage,
            attempt: 1,
            key: Hash::ZERO,
            timeout: Duration::from_secs(1),
            model: "m".to_owned(),
            system: system.map(|text| Secret::new(text.to_owned())),
            prompt: Secret::new("hi".to_owned()),
            request,
        };
        body(dialect, &ask)
    }

    #[test]
    fn a_plain_question_holds_nothing_that_was_not_set() {
        let wanted = json!({
            "model": "m",
            "messages": [{"role": "user", "content": "hi"}],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        assert_eq!(body_of(Dialect::OpenAi, &request(), None), wanted);
    }

    #[test]
    fn settings_are_said_in_the_words_of_the_dialect() {
        let mut request = request();
        request.max_output_tokens = Some(9);
        request.temperature_milli = Some(250);
        let openai = body_of(Dialect::OpenAi, &request, Some("be brief"));
        assert_eq!(openai["max_completion_tokens"], 9);
        assert_eq!(openai["temperature"], 0.25);
        assert_eq!(
            openai["messages"][0],
            json!({"role": "system", "content": "be brief"})
        );
        let other = body_of(Dialect::Compatible, &request, None);
        assert_eq!(other["max_tokens"], 9);
        assert!(other.get("max_completion_tokens").is_none());
    }

    #[test]
    fn a_schema_is_strict_only_if_it_is_closed() {
        let closed = json!({
            "type": "object", "properties": {"a": {"type": "string"}},
            "required": ["a"], "additionalProperties": false,
        });
        let open = json!({"type": "array", "items": {"type": "object", "properties": {"a": {}}}});
        for (schema, strict) in [
            (closed, true),
            (open, false),
            (json!({"type": "object"}), false),
        ] {
            let mut request = request();
            request.output_schema = Some(schema.clone());
            let format =
                &body_of(Dialect::OpenAi, &request, None)["response_format"]["json_schema"];
            assert_eq!(format["strict"], strict, "{schema}");
            assert_eq!(
                (&format["schema"], &format["name"]),
                (&schema, &json!("judge_a_1_2"))
            );
        }
    }
}
