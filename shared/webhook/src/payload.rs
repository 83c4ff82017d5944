//! The body as a value: only if its type is the one that the webhook takes, named once.

use crate::refused::Refused;
use crate::request::{Field, Request};
use lattice_ir::Payload;
use lattice_model::json_depth;
use lattice_model::limits::{JSON_DEPTH_MAX, WEBHOOK_FIELDS_MAX};
use serde_json::{Map, Value};

/// The method that has no body.
pub(crate) const GET: &str = "GET";

/// Checks the type of the body before anything is made of it.
pub(crate) fn check_type(request: &Request<'_>, payload: Payload) -> Result<(), Refused> {
    if request.method == GET {
        return Ok(());
    }
    let wanted = match payload {
        Payload::Json => "application/json",
        Payload::Form => "application/x-www-form-urlencoded",
        Payload::Text => "text/plain",
    };
    let refused = Refused::ContentType { wanted };
    let Field::Once(given) = request.field("content-type") else {
        return Err(refused);
    };
    let mut parts = given
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    let is_json = |kind: &str| {
        kind.strip_prefix("application/")
            .is_some_and(|rest| rest.ends_with("+json"))
    };
    let is_wanted = kind == wanted || payload == Payload::Json && is_json(&kind);
    // Other encodings are not read, so they are not taken for UTF-8 either.
    let is_utf8 = |part: String| match part.split_once('=') {
        Some((name, value)) if name.trim() == "charset" => {
            matches!(
                value.trim().trim_matches('"'),
                "utf-8" | "utf8" | "us-ascii"
            )
        }
        _ => true,
    };
    match is_wanted && parts.all(is_utf8) {
        true => Ok(()),
        false => Err(refused),
    }
}

/// Reads the body. A `GET` has none, which is null.
pub(crate) fn read(request: &Request<'_>, payload: Payload) -> Result<Value, Refused> {
    let refuse = |reason: String| Refused::Payload { reason };
    if request.method == GET {
        return match request.body {
            [] => Ok(Value::Null),
            _ => Err(refuse("a `GET` has no body".to_owned())),
        };
    }
    let text = std::str::from_utf8(request.body)
        .map_err(|error| refuse(format!("byte {} is not UTF-8", error.valid_up_to())))?;
    match payload {
        Payload::Text => Ok(Value::from(text)),
        Payload::Form => fields(text).map(Value::Object),
        Payload::Json => {
            // The parser's own message may quote what was sent.
            let value: Value = serde_json::from_str(text).map_err(|error| {
                let (line, column) = (error.line(), error.column());
                refuse(format!("it is not JSON at line {line}, column {column}"))
            })?;
            match json_depth(&value) {
                depth if depth > JSON_DEPTH_MAX => Err(refuse(format!(
                    "it is nested {depth} levels deep, the limit is {JSON_DEPTH_MAX}"
                ))),
                _ => Ok(value),
            }
        }
    }
}

/// The fields of a form or of a query: a text each, or a list of them if a name is repeated.
pub(crate) fn fields(text: &str) -> Result<Map<String, Value>, Refused> {
    let mut fields = Map::new();
    for (count, (name, value)) in form_urlencoded::parse(text.as_bytes()).enumerate() {
        if count >= WEBHOOK_FIELDS_MAX {
            return Err(Refused::Payload {
                reason: format!("it has more than {WEBHOOK_FIELDS_MAX} fields"),
            });
        }
        let value = Value::from(value.into_owned());
        match fields.get_mut(name.as_ref()) {
            None => {
                fields.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(only) => *only = Value::from(vec![only.take(), value]),
        }
    }
    Ok(fields)
}
