//! Types that move data: transforms, variables, delays, lists and HTTP calls.

use crate::legacy::names::path;
use crate::legacy::ports::Ports;
use crate::legacy::work::Work;
use serde_json::{Value, json};

/// Counted loops longer than this are not written out as a list.
const COUNT_MAX: u64 = 1_000;

/// Reads CSV as RFC 4180 has it: quoted fields, doubled quotes, line breaks inside quotes. The
/// first line names the fields.
const PARSE_CSV: &str = r#"((text, comma) => {
  const rows = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    const row = rows[rows.length - 1];
    const last = row.length - 1;
    if (quoted) {
      if (c !== '"') row[last] += c;
      else if (text[i + 1] === '"') { row[last] += '"'; i++; }
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === comma) row.push("");
    else if (c === "\n") rows.push([""]);
    else if (c !== "\r") row[last] += c;
  }
  const full = rows.filter((row) => row.length > 1 || row[0] !== "");
  const names = full.shift() || [];
  return full.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ""])));
})"#;

/// `dataTransform`: as it was; its input may stand in an `in` block.
pub(crate) fn data_transform(work: &mut Work<'_>) {
    for key in ["transformationType", "expression", "fallbackValue"] {
        // An expression is in a language of its own: its text is no template.
        if let Some(value) = work.take(&[key]) {
            work.put(key, value);
        }
    }
    work.carry(&["input"], "input");
    from_binding(work, &["input", "sourceData", "source", "data"], "input");
}

/// Takes a setting from the `in` block, if it is not set.
fn from_binding(work: &mut Work<'_>, names: &[&str], key: &str) {
    if work.settings.contains_key(key) {
        return;
    }
    if let Some(path) = names.iter().find_map(|name| work.bound(name)) {
        work.change(format!("`{key}` is now `{{{{{path}}}}}`"));
        work.put(key, format!("{{{{{path}}}}}"));
    }
}

/// Takes settings from the `args` block, if they are not set.
fn from_args(work: &mut Work<'_>, keys: &[&str]) {
    for key in keys {
        let value = work.old.keep.get("args").and_then(|args| args.get(*key));
        if let Some(value) = value.filter(|_| !work.settings.contains_key(*key)) {
            let value = value.clone();
            work.change(format!("`{key}` of `args` is now a setting"));
            work.put(key, value);
        }
    }
}

/// `variableStore`: the name was `key` once.
pub(crate) fn variable_store(work: &mut Work<'_>) {
    for (from, to) in [(&["operation"][..], "operation"), (&["scope"], "scope")] {
        if let Some(value) = work.take(from) {
            work.put(to, value);
        }
    }
    if let Some(old) = work.take_text(&["variableName", "key", "name"]) {
        let new = work.variable(&old).unwrap_or(&old).to_owned();
        if new != old {
            work.change(format!("the variable `{old}` is now `{new}`"));
        }
        work.put("variableName", new);
    }
    for (key, default) in [("operation", "set"), ("scope", "workflow")] {
        if !work.settings.contains_key(key) {
            work.change(format!("`{key}` was not set, and is `{default}`"));
            work.put(key, default);
        }
    }
    work.carry(&["value"], "value");
    work.carry(&["ttl"], "ttl");
    from_binding(work, &["value"], "value");
    from_args(work, &["ttl"]);
}

/// `delay`: a duration without a unit was in milliseconds.
pub(crate) fn delay(work: &mut Work<'_>) {
    let until = work.take(&["until", "timestamp", "targetTime"]);
    let kind = work.take(&["delayType"]);
    let is_until = until.is_some() && kind.as_ref().is_none_or(|kind| kind != "duration");
    work.put("delayType", if is_until { "until" } else { "duration" });
    if let Some(until) = until {
        let until = work.rewritten(until);
        work.put("until", until);
    }
    if let Some(duration) = work.take(&["duration", "durationMs"]) {
        work.put("duration", duration);
        let unit = work.take(&["unit"]).unwrap_or_else(|| {
            work.change("the duration had no unit, and is in milliseconds");
            Value::from("milliseconds")
        });
        work.put("unit", unit);
    }
}

/// `batchIterator`: as it was; some settings may stand in `in` and `args` blocks.
pub(crate) fn batch_iterator(work: &mut Work<'_>) {
    work.carry_rest();
    from_binding(work, &["items"], "items");
    from_args(
        work,
        &["continueOnError", "maxConcurrentBatches", "rateLimitMs"],
    );
    work.ports = Ports::AsDrawn;
}

/// `loop`: over a list, or over the numbers of a counted loop.
pub(crate) fn counted_loop(work: &mut Work<'_>) {
    work.become_type("batchIterator");
    work.ports = Ports::AsDrawn;
    work.put("batchSize", 1);
    work.put("processingMode", "sequential");
    let list = work.take(&["items", "collection", "list", "array"]);
    let count = work.data.get("maxIterations").and_then(Value::as_u64);
    match (list, count) {
        (Some(list), _) => {
            let list = match list.as_str() {
                // A bare path named the list.
                Some(path) if !path.contains("{{") && !path.starts_with('$') => {
                    work.template(&format!("{{{{{path}}}}}")).into()
                }
                _ => work.rewritten(list),
            };
            work.put("items", list);
        }
        (None, Some(count)) if count <= COUNT_MAX => {
            work.take(&["maxIterations"]);
            work.put("items", (0..count).map(Value::from).collect::<Vec<_>>());
            work.change(format!(
                "the loop ran {count} times, and now runs over the numbers below {count}"
            ));
        }
        _ => work.look_at_upgrade("this loop has no list", "write the list into `items`"),
    }
    if work.data.contains_key("condition") {
        work.look_at_upgrade(
            "this loop ended by a condition, and now runs over its whole list",
            "draw an edge back to the first step of the loop from an `ifElse` instead",
        );
    }
}

/// `apiCall`: an HTTP request.
pub(crate) fn api_call(work: &mut Work<'_>) {
    work.become_type("httpRequest");
    work.carry(&["url", "endpoint"], "url");
    work.carry(&["query", "params", "queryParams"], "query");
    work.carry_rest();
    if !work.settings.contains_key("method") {
        work.put("method", "GET");
    }
}

/// `webhookPush`: an HTTP request by POST.
pub(crate) fn webhook_push(work: &mut Work<'_>) {
    work.become_type("httpRequest");
    work.carry(&["url", "endpoint"], "url");
    work.carry(&["body", "payload", "data"], "body");
    if !work.settings.contains_key("body")
        && let Some(path) = work.previous()
    {
        work.change(format!(
            "the body is what the node before gives: `{{{{{path}}}}}`"
        ));
        work.put("body", format!("{{{{{path}}}}}"));
    }
    work.carry_rest();
    work.put("method", "POST");
}

/// `jsonCsvParse`: a transform in JavaScript.
pub(crate) fn json_csv_parse(work: &mut Work<'_>) {
    work.become_type("dataTransform");
    let is_csv = work.take(&["format"]).is_some_and(|format| format == "csv");
    let expression = if is_csv {
        let comma = work
            .take_text(&["delimiter", "separator"])
            .unwrap_or_else(|| ",".to_owned());
        format!("{PARSE_CSV}(String(input), {})", json!(comma))
    } else {
        "typeof input === \"string\" ? JSON.parse(input) : input".to_owned()
    };
    work.put("transformationType", "javascript");
    work.put("expression", expression);
    work.carry(&["input", "source", "data"], "input");
    if let Some(Value::String(input)) = work.settings.get("input").cloned()
        && !input.contains("{{")
        && is_plain_name(&input)
    {
        let input = work.template(&format!("{{{{{input}}}}}"));
        work.put("input", input);
    }
    work.change("parsing is now a transform in JavaScript");
}

fn is_plain_name(text: &str) -> bool {
    path("", &[text]) == format!(".{text}")
}
