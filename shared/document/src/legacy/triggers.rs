//! Types that start runs: webhooks and schedules.

use crate::legacy::work::Work;
use serde_json::{Map, Value};

/// Older words for the ways in which a sender proves who it is.
const SCHEMES: &[(&str, &str)] = &[
    ("hmac", "hmac-sha256"),
    ("hmacsha256", "hmac-sha256"),
    ("github", "hmac-sha256"),
    ("apikey", "api-key"),
    ("standardwebhooks", "standard-webhooks"),
];

/// Older words for what the body is.
const FORMATS: &[(&str, &str)] = &[
    ("form-data", "form"),
    ("form-urlencoded", "form"),
    ("raw", "text"),
    ("plain", "text"),
];

/// `webhookTrigger`: the address is given where the workflow runs, and the authentication names its
/// fields otherwise now.
pub(crate) fn webhook_trigger(work: &mut Work<'_>) {
    if work.data.remove("webhookUrl").is_some() {
        work.change(
            "`webhookUrl` is kept under `legacy`: the address is given when the workflow is saved, \
             and its sender has to be told the new one",
        );
    }
    match work.take(&["authentication", "auth"]) {
        Some(Value::Object(old)) => {
            let new = authentication(work, old);
            work.put("authentication", new);
        }
        Some(other) => work.put("authentication", other),
        None => {}
    }
    if let Some(methods) = work.take(&["allowedMethods", "methods"]) {
        let upper = upper_case(methods);
        work.put("allowedMethods", upper);
    }
    if let Some(format) = work.take_text(&["payloadFormat", "format"]) {
        let new = word_of_today(FORMATS, &format);
        if new != format {
            work.change(format!("the payload format `{format}` is now `{new}`"));
        }
        work.put("payloadFormat", new);
    }
    // A schema is no template.
    if let Some(schema) = work.take(&["schema", "payloadSchema"]) {
        work.put("schema", schema);
    }
}

/// `scheduleTrigger`: as it was; the expression may have had another name.
pub(crate) fn schedule_trigger(work: &mut Work<'_>) {
    let expression = [
        "expression",
        "scheduleExpression",
        "cronExpression",
        "cron",
        "schedule",
    ];
    if let Some(text) = work.take(&expression) {
        work.put("expression", text);
    }
    if let Some(zone) = work.take(&["timezone", "timeZone", "tz"]) {
        work.put("timezone", zone);
    }
    if let Some(input) = work.take(&["input", "payload"]) {
        work.put("input", input);
    }
}

fn authentication(work: &mut Work<'_>, mut old: Map<String, Value>) -> Map<String, Value> {
    let mut new = Map::new();
    for (names, name) in [
        (
            &["secret", "secretKey", "key", "apiKey", "token"][..],
            "secret",
        ),
        (&["header", "headerName"][..], "header"),
    ] {
        let found = names
            .iter()
            .find_map(|old_name| Some((old_name, old.remove(*old_name)?)));
        if let Some((old_name, value)) = found {
            if *old_name != name {
                work.change(format!(
                    "`authentication.{old_name}` is now `authentication.{name}`"
                ));
            }
            new.insert(name.to_owned(), work.rewritten(value));
        }
    }
    if let Some(scheme) = old.get("type").and_then(Value::as_str) {
        let today = word_of_today(SCHEMES, scheme);
        if today != scheme {
            work.change(format!("the authentication `{scheme}` is now `{today}`"));
        }
        old.insert("type".to_owned(), Value::from(today));
    }
    new.append(&mut old);
    new
}

/// The word of today for an older one, whose case and hyphens differ from tool to tool.
fn word_of_today(words: &[(&str, &str)], old: &str) -> String {
    let lower = old.to_ascii_lowercase().replace('_', "-");
    let bare = lower.replace('-', "");
    let known = words
        .iter()
        .find(|(word, today)| *word == lower || *word == bare || today.replace('-', "") == bare);
    known.map_or(lower, |(_, today)| (*today).to_owned())
}

fn upper_case(methods: Value) -> Value {
    match methods {
        Value::String(method) => Value::from(vec![method.to_ascii_uppercase()]),
        Value::Array(methods) => methods
            .into_iter()
            .map(|method| match method {
                Value::String(method) => Value::from(method.to_ascii_uppercase()),
                other => other,
            })
            .collect(),
        other => other,
    }
}
