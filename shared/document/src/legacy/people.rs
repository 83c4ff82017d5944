//! Types that ask a person: `askUserQuestion` and the older names for it.

use crate::legacy::ports::Ports;
use crate::legacy::work::Work;
use lattice_model::limits::{OPTIONS_MAX, OPTIONS_MIN};
use serde_json::{Map, Value, json};

/// `askUserQuestion`: the question and its options.
pub(crate) fn ask_user_question(work: &mut Work<'_>) {
    work.carry(&["questionText", "question", "text"], "questionText");
    for (from, to) in [
        (&["multiSelect"][..], "multiSelect"),
        (&["freeText"], "freeText"),
    ] {
        if let Some(value) = work.take(from) {
            work.put(to, value);
        }
    }
    timeout(work);
    let options = take_options(work);
    let suggested = work
        .take(&["useAiSuggestions"])
        .is_some_and(|flag| flag == true);
    let is = |work: &Work<'_>, key: &str| work.settings.get(key).is_some_and(|flag| flag == true);
    if options.is_empty() && !is(work, "freeText") {
        work.put("freeText", true);
        work.change("there are no options, so the answer is free text");
    }
    if suggested {
        work.look_at_upgrade(
            "a model suggested the options while the workflow ran, and the answer is free text now",
            "write 2 to 4 options, or leave the free text",
        );
    }
    if !is(work, "multiSelect") && !is(work, "freeText") {
        work.ports = Ports::Branches(options);
    }
}

/// A question that stops waiting must say where to go on. Older tools let that open.
fn timeout(work: &mut Work<'_>) {
    let Some(timeout) = work.take(&["timeoutMs", "timeout"]) else {
        return;
    };
    if work.has_timeout_edge() {
        work.put("timeoutMs", timeout);
        return;
    }
    work.look_at_upgrade(
        &format!("this question stopped waiting after {timeout} ms and did not say where to go on"),
        "it waits without end now: to limit it, set `timeoutMs` and draw an edge from port `timeout`",
    );
}

/// Puts the options in place; gives what older edges called the port of each.
fn take_options(work: &mut Work<'_>) -> Vec<Vec<String>> {
    let Some(Value::Array(old)) = work.take(&["options"]) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    let mut options = Vec::new();
    for option in old {
        let text = |key: &str| option.get(key).and_then(Value::as_str);
        let label = text("label")
            .or(option.as_str())
            .unwrap_or_default()
            .to_owned();
        let known = [text("id"), text("value"), Some(label.as_str())];
        names.push(known.into_iter().flatten().map(str::to_owned).collect());
        let mut fields = Map::new();
        if let Some(description) = text("description").filter(|text| !text.is_empty()) {
            let description = work.template(description);
            fields.insert("description".to_owned(), Value::from(description));
        }
        if let Some(value) = option.get("value") {
            fields.insert("value".to_owned(), value.clone());
        }
        fields.insert("label".to_owned(), Value::from(work.template(&label)));
        options.push(Value::Object(fields));
    }
    if !options.is_empty() {
        work.put("options", options);
    }
    names
}

/// `humanInTheLoopGate`: approve or reject.
pub(crate) fn human_in_the_loop_gate(work: &mut Work<'_>) {
    work.become_type("askUserQuestion");
    let question = work.take_text(&["message", "prompt", "question", "instructions"]);
    let question = match question {
        Some(question) => work.template(&question),
        None => "Go on?".to_owned(),
    };
    work.put("questionText", question);
    work.put(
        "options",
        json!([{"label": "Approve"}, {"label": "Reject"}]),
    );
    timeout(work);
    work.change("the gate is now a question with the options `Approve` (`branch-0`) and `Reject` (`branch-1`)");
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    work.ports = Ports::Branches(vec![
        names(&["approve", "approved", "accept", "accepted", "continue"]),
        names(&["reject", "rejected", "deny", "denied", "stop"]),
    ]);
}

/// `inputForm`: one field with a few choices is a question with options; any other form is one
/// question in free text.
pub(crate) fn input_form(work: &mut Work<'_>) {
    work.become_type("askUserQuestion");
    let title = work.take_text(&["title", "description", "questionText"]);
    let fields = match work.take(&["fields"]) {
        Some(Value::Array(fields)) => fields,
        _ => Vec::new(),
    };
    timeout(work);
    if let [field] = fields.as_slice()
        && let Some(Value::Array(options)) = field.get("options")
        && (OPTIONS_MIN..=OPTIONS_MAX).contains(&options.len())
    {
        let question = title.unwrap_or_else(|| name_of(field));
        let question = work.template(&question);
        work.put("questionText", question);
        work.data
            .insert("options".to_owned(), Value::Array(options.clone()));
        work.ports = Ports::Branches(take_options(work));
        work.change("the form is now a question with one branch per option");
        return;
    }
    let names: Vec<_> = fields.iter().map(name_of).collect();
    let question = match (title, names.is_empty()) {
        (Some(title), true) => title,
        (Some(title), false) => format!("{title}\n\n- {}", names.join("\n- ")),
        (None, _) => format!("Please give:\n\n- {}", names.join("\n- ")),
    };
    let question = work.template(&question);
    work.put("questionText", question);
    work.put("freeText", true);
    work.look_at_upgrade(
        "this step was a form with fields, and is one question with one text as its answer now",
        "ask for values that are known at the start in `input` of the workflow instead",
    );
}

fn name_of(field: &Value) -> String {
    let text = |key: &str| field.get(key).and_then(Value::as_str);
    text("label")
        .or(text("name"))
        .or(field.as_str())
        .unwrap_or("value")
        .to_owned()
}
