//! A node in words: what a person or a coding agent has to do there, for exports. Nothing here says
//! how a target writes it down.
//!
//! Texts keep their `{{references}}`; whoever exports explains them once for the whole workflow.

use lattice_document::Node;
use serde_json::Value;

/// A node in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// What to do, as paragraphs of Markdown. Texts of the document stand in them as quotes and code.
    pub text: Vec<String>,
    /// When a port is taken, for ports whose name does not say it: the port, and a condition that
    /// completes `If ..`.
    pub ways: Vec<(String, String)>,
    /// What it needs of whoever performs it.
    pub needs: Vec<Need>,
}

/// Something that a node needs, and that not every target can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// An answer of the model itself.
    Model,
    /// A sub-agent.
    SubAgent,
    /// An Agent Skill.
    Skill,
    /// A tool of an MCP server.
    Mcp,
    /// An answer of a person.
    Question,
    /// A choice between ways.
    Choice,
    /// Branches side by side, and a join.
    Parallel,
    /// The same for each item of a list.
    List,
    /// A wait.
    Delay,
    /// A clock that starts runs.
    Schedule,
    /// A request from outside that starts runs.
    Webhook,
    /// An HTTP request.
    Http,
    /// Variables.
    Variables,
    /// A query over data.
    Transform,
    /// Code.
    Code,
    /// Another workflow.
    Flow,
}

impl Need {
    /// Every need, in the order of tables.
    pub const ALL: &[Self] = &[
        Self::Model,
        Self::SubAgent,
        Self::Skill,
        Self::Mcp,
        Self::Question,
        Self::Choice,
        Self::Parallel,
        Self::List,
        Self::Flow,
        Self::Variables,
        Self::Transform,
        Self::Code,
        Self::Http,
        Self::Delay,
        Self::Schedule,
        Self::Webhook,
    ];
}

impl Told {
    /// A node that needs this.
    pub fn new(need: Need) -> Self {
        Self {
            needs: vec![need],
            ..Self::default()
        }
    }

    /// One more paragraph.
    #[must_use]
    pub fn say(mut self, text: impl Into<String>) -> Self {
        self.text.push(text.into());
        self
    }

    /// One more paragraph, if there is one.
    #[must_use]
    pub fn say_maybe(mut self, text: Option<String>) -> Self {
        self.text.extend(text);
        self
    }

    /// When a port is taken.
    #[must_use]
    pub fn way(mut self, port: impl Into<String>, when: impl Into<String>) -> Self {
        self.ways.push((port.into(), when.into()));
        self
    }
}

/// The settings of a node whose settings have been checked, as text.
#[derive(Debug, Clone, Copy)]
pub struct Teller<'a> {
    node: &'a Node,
}

impl<'a> Teller<'a> {
    /// Tells of `node`.
    pub fn new(node: &'a Node) -> Self {
        Self { node }
    }

    /// The node.
    pub fn node(self) -> &'a Node {
        self.node
    }

    /// A setting.
    pub fn raw(self, name: &str) -> Option<&'a Value> {
        self.node
            .settings
            .get(name)
            .filter(|value| !value.is_null())
    }

    /// A text.
    pub fn plain(self, name: &str) -> Option<&'a str> {
        self.raw(name).and_then(Value::as_str)
    }

    /// A text, or `otherwise`.
    pub fn plain_or(self, name: &str, otherwise: &'a str) -> &'a str {
        self.plain(name).unwrap_or(otherwise)
    }

    /// A number.
    pub fn number(self, name: &str) -> Option<u64> {
        self.raw(name).and_then(Value::as_u64)
    }

    /// A switch.
    pub fn is(self, name: &str) -> bool {
        self.raw(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The entries of a list, or of a text with commas.
    pub fn words(self, name: &str) -> Vec<String> {
        words(self.raw(name))
    }

    /// The words of a list that may be empty; `None` if it is left out or a blank text.
    pub fn listed(self, name: &str) -> Option<Vec<String>> {
        let words = self.words(name);
        (!words.is_empty() || self.raw(name).is_some_and(Value::is_array)).then_some(words)
    }

    /// A lead and a value below it: a text as a quote, anything else as JSON.
    pub fn shown(self, lead: &str, name: &str) -> Option<String> {
        let value = self.raw(name)?;
        Some(format!("{lead}\n\n{}", block(value)))
    }
}

/// The entries of a list of texts, or of a text with commas.
pub fn words(value: Option<&Value>) -> Vec<String> {
    let tidy = |word: &str| Some(word.trim().to_owned()).filter(|word| !word.is_empty());
    match value {
        Some(Value::String(text)) => text.split(',').filter_map(tidy).collect(),
        Some(Value::Array(items)) => {
            let items = items.iter().filter_map(Value::as_str);
            items.filter_map(tidy).collect()
        }
        _ => Vec::new(),
    }
}

/// A value as a paragraph of its own: a text as a quote, anything else as JSON.
pub fn block(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        other => fenced("json", &pretty(other)),
    }
}

/// A text as a quote of Markdown, so that nothing in it is taken for structure.
pub fn quote(text: &str) -> String {
    let lines = text.trim_end().lines();
    let lines = lines.map(|line| match line.trim_end() {
        "" => ">".to_owned(),
        line => format!("> {line}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A text in a fence that is longer than every row of backticks in it.
pub fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat((longest_row(text) + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}", text.trim_end())
}

/// A short text as code inside a sentence.
pub fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let row = longest_row(&text);
    if row == 0 {
        return format!("`{text}`");
    }
    let fence = "`".repeat(row + 1);
    format!("{fence} {text} {fence}")
}

/// Milliseconds for people.
pub fn duration(ms: u64) -> String {
    let units = [
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1_000, "second"),
    ];
    let fits = units
        .iter()
        .find(|(unit, _)| ms >= *unit && ms.is_multiple_of(*unit));
    let (unit, name) = fits.copied().unwrap_or((1, "millisecond"));
    let count = ms / unit;
    match count {
        1 => format!("1 {name}"),
        _ => format!("{count} {name}s"),
    }
}

fn longest_row(text: &str) -> usize {
    let rows = text.split(|letter| letter != '`');
    rows.map(str::len).max().unwrap_or(0)
}

/// JSON with sorted keys, whatever the order that the document has.
pub fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&sorted(value)).unwrap_or_default()
}

/// The same value with sorted keys.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(key, item)| (key.clone(), sorted(item)))
                    .collect(),
            )
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_structure() {
        assert_eq!(quote("a\n---\n\n# b\n"), "> a\n> ---\n>\n> # b");
        assert_eq!(fenced("", "```\nx"), "````\n```\nx\n````");
        assert_eq!(code("a `b`\nc"), "`` a `b` c ``");
    }

    #[test]
    fn durations_are_whole() {
        assert_eq!(duration(14_400_000), "4 hours");
        assert_eq!(duration(1_500), "1500 milliseconds");
        assert_eq!(duration(60_000), "1 minute");
    }
}
