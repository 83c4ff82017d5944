//! What goes into a run: the trigger input, and answers given beforehand.

use crate::app::{App, sibling};
use crate::error::CliError;
use crate::source::Source;
use crate::text::shell_word;
use lattice_ir::{OpKind, Program};
use lattice_journal::{Choice, Question};
use lattice_model::NodeId;
use lattice_model::limits::{INPUT_BYTES_MAX, JSON_DEPTH_MAX};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const HELP_LARGE: &str = "pass a reference to the data instead";

/// Answers by the node that asks.
pub type Answers = BTreeMap<NodeId, Value>;

/// The trigger input: what was typed, or `<name>.input.json` beside the workflow, or `{}` if the
/// workflow asks for nothing.
pub fn read(
    typed: Option<&str>,
    file: &Path,
    source: &Source,
    app: &App,
) -> Result<Value, CliError> {
    let beside = sibling(file, "input");
    let input = match typed {
        Some(typed) => match typed.strip_prefix('@') {
            Some(path) => read_file(Path::new(path))?,
            None => parse(typed, "the input")?,
        },
        None if beside.is_file() => {
            if !app.screen.is_json() {
                app.screen.note(format!("input: `{}`", beside.display()));
            }
            read_file(&beside)?
        }
        None => nothing(file, source)?,
    };
    check(&input, file, source)?;
    Ok(input)
}

/// Reads `NODE=OPTION` words, and checks each against the question of its node.
pub fn answers(words: &[String], programs: &[&Program]) -> Result<Answers, CliError> {
    let mut answers = Answers::new();
    for word in words {
        let Some((node, text)) = word.split_once('=') else {
            let help = "write `--answer NODE=OPTION`";
            return Err(CliError::said(format!("`{word}` is not an answer"), help));
        };
        let node = NodeId::new(node);
        let question = asked(programs, &node)?;
        let value = value(text, question.choice);
        if let Err(reason) = question.accept(&value) {
            let text = format!("the answer to node `{node}` cannot be taken: {reason}");
            return Err(CliError::said(text, "answer with one of the options"));
        }
        if answers.insert(node.clone(), value).is_some() {
            let text = format!("there are two answers to node `{node}`");
            return Err(CliError::said(text, "give one `--answer` for each node"));
        }
    }
    Ok(answers)
}

/// What a node of one of the Programs asks. What is wrong is said of the first.
fn asked(programs: &[&Program], node: &NodeId) -> Result<Question, CliError> {
    let mut failed = None;
    for program in programs {
        match question(program, node) {
            Ok(question) => return Ok(question),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let none = || {
        CliError::said(
            format!("nothing asks at node `{node}`"),
            "name a node that asks",
        )
    };
    Err(failed.unwrap_or_else(none))
}

/// A typed answer as the question takes it: a text, or a list as JSON or as one option.
pub fn value(text: &str, choice: Choice) -> Value {
    let plain = || Value::from(text);
    match choice {
        Choice::Text => plain(),
        Choice::One => match serde_json::from_str(text) {
            Ok(value @ (Value::Object(_) | Value::Array(_) | Value::String(_))) => value,
            // A label or a number, which the question reads itself.
            _ => plain(),
        },
        Choice::Many => match serde_json::from_str(text) {
            Ok(list @ Value::Array(_)) => list,
            _ => json!([text]),
        },
    }
}

/// What a node of the Program asks.
pub fn question(program: &Program, node: &NodeId) -> Result<Question, CliError> {
    let asking = || {
        program.ops.iter().filter_map(|op| match &op.kind {
            OpKind::Wait(wait) => Some((&op.node, wait.question.as_ref()?)),
            _ => None,
        })
    };
    if let Some((_, question)) = asking().find(|(asks, _)| *asks == node) {
        let (text, options, choice) = (
            question.text.clone(),
            question.options.clone(),
            question.choice,
        );
        return Ok(Question {
            text,
            options,
            choice,
        });
    }
    let names: Vec<String> = asking().map(|(node, _)| format!("`{node}`")).collect();
    let help = match names.is_empty() {
        true => "no node of this workflow asks anything".to_owned(),
        false => format!("these nodes ask: {}", names.join(", ")),
    };
    Err(CliError::said(
        format!("node `{node}` asks no question"),
        help,
    ))
}

/// Names in a mock script that mean nothing here: their answers would silently never be given.
pub fn unknown_stages(script: &Path, programs: &[&Program]) -> Vec<String> {
    // What cannot be read is refused by the mock itself.
    let text = std::fs::read_to_string(script).unwrap_or_default();
    let script: Value = serde_json::from_str(&text).unwrap_or_default();
    let known = |name: &str| {
        let of_op = |op: &lattice_ir::Op| op.name == name || op.node.as_str() == name;
        let mut ops = programs.iter().flat_map(|program| &program.ops);
        name == "*" || ops.any(of_op)
    };
    let stages = script.get("stages").and_then(Value::as_object);
    let names = stages.into_iter().flat_map(serde_json::Map::keys);
    names.filter(|name| !known(name)).cloned().collect()
}

fn read_file(path: &Path) -> Result<Value, CliError> {
    let shown = path.display();
    let cannot = |error| {
        let text = format!("cannot read the input `{shown}`: {error}");
        CliError::said(text, "name a JSON file behind the `@`")
    };
    let file = File::open(path).map_err(cannot)?;
    // One byte too many is enough to say that the input is too large.
    let mut bytes = Vec::new();
    let most = INPUT_BYTES_MAX as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > INPUT_BYTES_MAX {
        let text =
            format!("the input `{shown}` is too large, the limit is {INPUT_BYTES_MAX} bytes");
        return Err(CliError::said(text, HELP_LARGE));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = format!("the input `{shown}` is not UTF-8 text at byte {at}");
        CliError::said(text, "save the file as UTF-8")
    })?;
    // Some editors begin a file with a byte order mark, which says nothing in UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    parse(text, &format!("the input `{shown}`"))
}

fn parse(text: &str, what: &str) -> Result<Value, CliError> {
    let bytes = text.len();
    if bytes > INPUT_BYTES_MAX {
        let text = format!("{what} has {bytes} bytes, the limit is {INPUT_BYTES_MAX}");
        return Err(CliError::said(text, HELP_LARGE));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let help = r#"write JSON such as `--input '{"name": "value"}'`, or `--input @file.json`"#;
        CliError::said(format!("{what} is not JSON: {error}"), help)
    })?;
    if depth(&value) > JSON_DEPTH_MAX {
        let text = format!("{what} is nested deeper than {JSON_DEPTH_MAX} levels");
        return Err(CliError::said(text, "flatten it"));
    }
    Ok(value)
}

/// The parser stops at 128 levels, so this cannot overflow.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// Without input: `{}`, unless the workflow requires something.
fn nothing(file: &Path, source: &Source) -> Result<Value, CliError> {
    let schema = source.program.input.as_ref();
    let required = schema.and_then(|schema| schema.get("required")?.as_array());
    let names: Vec<&str> = required
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if names.is_empty() {
        return Ok(json!({}));
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let example = schema
        .map(|schema| example(schema, &names))
        .unwrap_or_default();
    let command = format!(
        "lattice run {} --input {}",
        shell_word(&file.to_string_lossy()),
        shell_word(&example.to_string())
    );
    let text = format!("the workflow needs input: {}", quoted.join(", "));
    Err(CliError::said(
        text,
        format!("pass it, for example: {command}"),
    ))
}

/// The smallest input that shows what is asked for.
fn example(schema: &Value, names: &[&str]) -> Value {
    let kind = |name: &str| {
        schema
            .pointer(&format!("/properties/{name}/type"))?
            .as_str()
    };
    let sample = |name: &str| match kind(name) {
        Some("array") => json!([]),
        Some("object") => json!({}),
        Some("number" | "integer") => json!(1),
        Some("boolean") => json!(true),
        _ => json!("..."),
    };
    names
        .iter()
        .map(|name| ((*name).to_owned(), sample(name)))
        .collect::<Value>()
}

/// Refuses an input that does not fit before anything is written.
fn check(input: &Value, file: &Path, source: &Source) -> Result<(), CliError> {
    let Some(schema) = source.plan.input_schema() else {
        return Ok(());
    };
    let Err(problems) = schema.validate(input) else {
        return Ok(());
    };
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let text = format!("the input does not fit the workflow: {}", lines.join(", "));
    let help = format!("what it needs stands under `input` in `{}`", file.display());
    Err(CliError::said(text, help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_answers_become_what_the_question_takes() {
        for (text, choice, wanted) in [
            ("Approve", Choice::One, json!("Approve")),
            ("2", Choice::One, json!("2")),
            (r#""2""#, Choice::One, json!("2")),
            ("2", Choice::Text, json!("2")),
            (r#"["a", "b"]"#, Choice::Many, json!(["a", "b"])),
            ("a", Choice::Many, json!(["a"])),
            (r#"["a"]"#, Choice::Text, json!(r#"["a"]"#)),
        ] {
            assert_eq!(value(text, choice), wanted, "{text}");
        }
    }

    #[test]
    fn nesting_is_counted_to_the_limit() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&nested(JSON_DEPTH_MAX), "the input").is_ok());
        assert!(parse(&nested(JSON_DEPTH_MAX + 1), "the input").is_err());
    }
}
