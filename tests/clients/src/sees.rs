//! What the clients have in common: starting them, and reading what they sent to the mock.

use crate::meant::Meant;
use crate::mock::{ANSWER, Mock};
use crate::place::{Place, Said};
use crate::report::Sheet;
use crate::{Failure, claude, codex, copilot, opencode};
use lattice_export::Target;
use serde_json::Value;

/// A project whose export a client looks at.
pub struct Look<'a> {
    pub place: &'a Place,
    pub mock: &'a Mock,
    /// The documents in it: their names and what they mean.
    pub documents: &'a [(String, Meant)],
}

impl Look<'_> {
    /// Runs the client, which has to give the mock's answer, and gives what it sent.
    pub async fn ask(&self, words: &[&str]) -> Result<(Said, Vec<Value>), Failure> {
        self.mock.take();
        let said = self.place.run(words).await?;
        let sent = self.mock.take().into_iter().map(|(_, body)| body);
        let sent: Vec<_> = sent.filter(Value::is_object).collect();
        if !said.is_ok || !said.out.contains(ANSWER) {
            return Err(
                format!("`{}`: no answer: {}{}", words.join(" "), said.out, said.err).into(),
            );
        }
        Ok((said, sent))
    }
}

/// Compares everything that one client shows.
pub async fn look(target: Target, look: &Look<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    match target {
        Target::ClaudeCode => claude::look(look, sheet).await,
        Target::Codex => codex::look(look, sheet).await,
        Target::OpenCode => opencode::look(look, sheet).await,
        Target::Copilot => copilot::look(look, sheet).await,
    }
}

/// Every text in a value, each on lines of its own.
pub fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(list) => list.iter().map(texts).collect(),
        Value::Object(map) => map.values().map(texts).collect(),
        _ => String::new(),
    }
}

/// What stands behind `- NAME: ` on a line.
pub fn entry(text: &str, name: &str) -> Option<String> {
    let start = format!("- {name}: ");
    let found = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(&start))?;
    Some(found.trim().to_owned())
}

/// The names of the tools in a request.
pub fn tools(sent: &[Value]) -> Vec<String> {
    let lists = sent.iter().filter_map(|body| body["tools"].as_array());
    let name = |tool: &Value| {
        let name = tool["name"].as_str().or(tool["function"]["name"].as_str());
        name.map(str::to_owned)
    };
    let mut names: Vec<_> = lists.flatten().filter_map(name).collect();
    names.sort();
    names.dedup();
    names
}

/// A list as one text.
pub fn list(names: impl IntoIterator<Item = impl Into<String>>) -> String {
    let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
    names.sort();
    names.join(", ")
}

/// What was not seen, as a text to compare with.
pub fn or_missing(found: Option<String>) -> Option<String> {
    Some(found.unwrap_or_else(|| "missing".to_owned()))
}
