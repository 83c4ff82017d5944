//! Types that became a model call: `prompt`, `subAgent` and the oldest names for them.

use crate::codes;
use crate::legacy::work::Work;
use serde_json::{Map, Value};

const PROMPT_NAMES: &[&str] = &[
    "prompt",
    "template",
    "text",
    "content",
    "message",
    "userPrompt",
];

/// `prompt`: settings of today under a few older names.
pub(crate) fn prompt(work: &mut Work<'_>) {
    work.carry(PROMPT_NAMES, "prompt");
    work.carry(&["system", "systemPrompt"], "system");
    model(work);
    for (from, to) in [
        (&["outputSchema", "schema"][..], "outputSchema"),
        (&["maxOutputTokens", "maxTokens"], "maxOutputTokens"),
        (&["temperature"], "temperature"),
        (&["timeoutMs", "timeout"], "timeoutMs"),
        (&["maxAttempts"], "maxAttempts"),
    ] {
        if let Some(value) = work.take(from) {
            work.put(to, value);
        }
    }
}

/// `subAgent`: everything as it was, but the model's name.
pub(crate) fn sub_agent(work: &mut Work<'_>) {
    let name = work.data.get("name").and_then(Value::as_str);
    if name.is_some() && (name == work.old.label.as_deref() || name == Some(work.old.id.as_str())) {
        work.data.remove("name");
    }
    model(work);
    work.carry_rest();
}

/// `skill`: everything as it was, but the model's name if it has one.
pub(crate) fn skill(work: &mut Work<'_>) {
    model(work);
    work.carry_rest();
}

/// `sonnet` and its like are model classes here; which model a class is, the configuration says.
fn model(work: &mut Work<'_>) {
    let Some(old) = work.take(&["model"]) else {
        return;
    };
    let class = match old
        .as_str()
        .map(|name| name.strip_prefix("claude-").unwrap_or(name))
    {
        Some("haiku") => "small",
        Some("sonnet") => "medium",
        Some("opus") => "large",
        Some("inherit" | "") => {
            work.change("the model is the one that the configuration gives");
            return;
        }
        _ => {
            work.put("model", old);
            return;
        }
    };
    work.change(format!("the model {old} is now the class `{class}`"));
    work.put("model", class);
}

/// `llmCall`: a `subAgent` without tools. Its prompt often stood in the node before it.
pub(crate) fn llm_call(work: &mut Work<'_>) {
    work.become_type("subAgent");
    work.carry(PROMPT_NAMES, "prompt");
    if !work.settings.contains_key("prompt") {
        prompt_from_before(work, "");
    }
    model(work);
    work.carry_rest();
}

/// Takes what the node before gave as the prompt, below a line of words if there is one.
fn prompt_from_before(work: &mut Work<'_>, words: &str) {
    match work.previous() {
        Some(path) => {
            work.change(format!(
                "the prompt is what the node before gives: `{{{{{path}}}}}`"
            ));
            work.put("prompt", format!("{words}{{{{{path}}}}}"));
        }
        None => work.look_at_upgrade("this step has no prompt", "write its `prompt`"),
    }
}

/// `promptTemplate`: it only prepared a text; it is a model call now.
pub(crate) fn prompt_template(work: &mut Work<'_>) {
    work.become_type("prompt");
    prompt(work);
    work.look_at_upgrade(
        "this step only prepared a text, and calls a model now",
        "move its text into the `prompt` of the step after it, and delete it",
    );
}

/// `systemInstruction`: it spoke for the steps after it; it stands alone now.
pub(crate) fn system_instruction(work: &mut Work<'_>) {
    work.become_type("prompt");
    work.carry(&["instruction", "systemPrompt", "prompt", "text"], "prompt");
    model(work);
    work.look_at_upgrade(
        "this step gave instructions to the model calls after it, and is a model call of its own now",
        "move its text into `system` of the steps that need it, and delete it",
    );
}

/// `fewShotBank`: the examples, written out.
pub(crate) fn few_shot_bank(work: &mut Work<'_>) {
    work.become_type("prompt");
    let examples = match work.take(&["examples"]) {
        Some(Value::Array(examples)) => examples,
        Some(other) => vec![other],
        None => Vec::new(),
    };
    let examples: Vec<_> = examples.iter().map(example).collect();
    let text = format!("Examples:\n\n{}", examples.join("\n\n"));
    let text = work.template(&text);
    work.put("prompt", text);
    model(work);
    work.look_at_upgrade(
        "this step gave examples to the model calls after it, and is a model call of its own now",
        "move the examples into the `prompt` of the steps that need them, and delete it",
    );
}

/// One example: an object becomes a line per field, such as `Input: ...` and `Output: ...`.
fn example(example: &Value) -> String {
    match example {
        Value::Object(fields) => lines(fields),
        other => plain(other),
    }
}

fn lines(fields: &Map<String, Value>) -> String {
    let line = |(key, value): (&String, &Value)| {
        let mut letters = key.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        let name: String = first.into_iter().chain(letters).collect();
        format!("{name}: {}", plain(value))
    };
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// `textResponse`: it showed a text; a model says it now.
pub(crate) fn text_response(work: &mut Work<'_>) {
    work.become_type("prompt");
    work.carry(
        &[
            "text", "template", "response", "content", "message", "prompt",
        ],
        "prompt",
    );
    if !work.settings.contains_key("prompt") {
        prompt_from_before(work, "Repeat this text and add nothing:\n\n");
    }
    model(work);
    work.look_at_upgrade(
        "this step showed a text, and calls a model now",
        "if the text needs no model, write it as the `output` of the end node, and delete this step",
    );
}

/// `fileReader`: no step reads files here.
pub(crate) fn file_reader(work: &mut Work<'_>) {
    let path = file(work);
    work.put(
        "prompt",
        format!("Say that the file {path} was not read: this workflow has no access to files."),
    );
    work.look(
        codes::FILE_ACCESS_LOST,
        "this step read a file, which no step can do here",
        "give the text of the file to the run as input, or fetch it with `httpRequest` or `mcp`",
    );
}

/// `fileWriter`: no step writes files here.
pub(crate) fn file_writer(work: &mut Work<'_>) {
    let path = file(work);
    let content = work.take_text(&["content", "template", "data", "text"]);
    let content = match content {
        Some(content) => work.template(&content),
        None => work
            .previous()
            .map(|path| format!("{{{{{path}}}}}"))
            .unwrap_or_default(),
    };
    work.put(
        "prompt",
        format!("Repeat the text that was to be written to the file {path}, and add nothing:\n\n{content}"),
    );
    work.look(
        codes::FILE_ACCESS_LOST,
        "this step wrote a file, which no step can do here",
        "take the text from the output of the run, or write it with `httpRequest` or `mcp`",
    );
}

fn file(work: &mut Work<'_>) -> String {
    work.become_type("prompt");
    let path = work
        .take_text(&["path", "filePath", "file"])
        .unwrap_or_default();
    work.template(&path)
}
