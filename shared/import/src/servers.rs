//! MCP servers and what their tools may do without being asked for.

use crate::reading::{Fields, Reading};
use crate::tree::{Map as Entries, Tree};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// How a client writes a variable of the environment into a text: what opens and closes it.
pub type Style = Option<(&'static str, char)>;

/// Servers and permissions, collected from all files of a client.
#[derive(Default)]
pub struct Servers {
    /// By name: the file, and how the server is reached.
    setups: BTreeMap<String, (String, Option<Value>)>,
    /// By server and tool: the file, and the strictest word.
    words: BTreeMap<(String, Option<String>), (String, Word)>,
}

/// What a tool may do; the stricter ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    Allow,
    Ask,
    Deny,
}

impl Word {
    /// The word of this text.
    pub fn find(text: &str) -> Option<Self> {
        match text {
            "allow" => Some(Self::Allow),
            "ask" => Some(Self::Ask),
            "deny" => Some(Self::Deny),
            _ => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

impl Servers {
    /// The names of the servers that are set up.
    pub fn names(&self) -> Vec<String> {
        self.setups.keys().cloned().collect()
    }

    /// A server that is set up.
    pub fn add(&mut self, name: &str, file: &str, setup: Value) {
        self.setups
            .insert(name.to_owned(), (file.to_owned(), Some(setup)));
    }

    /// What a tool may do, or all tools of a server.
    pub fn permit(&mut self, file: &str, server: &str, tool: Option<&str>, word: Word) {
        let key = (server.to_owned(), tool.map(str::to_owned));
        match self.words.get(&key) {
            Some((_, before)) if *before >= word => {}
            _ => {
                self.words.insert(key, (file.to_owned(), word));
            }
        }
    }

    /// A node for each server and one for each tool that something is said of.
    pub fn draw(mut self, reading: &mut Reading<'_>) {
        for ((server, tool), (file, _)) in &self.words {
            if tool.is_none() && !self.setups.contains_key(server) {
                self.setups.insert(server.clone(), (file.clone(), None));
            }
        }
        for (name, (file, setup)) in self.setups {
            let mut settings = Map::new();
            settings.insert("serverId".to_owned(), name.as_str().into());
            settings.insert("mode".to_owned(), "aiToolSelection".into());
            settings.extend(setup.map(|setup| ("server".to_owned(), setup)));
            if let Some((_, word)) = self.words.remove(&(name.clone(), None)) {
                settings.insert("permission".to_owned(), word.text().into());
            }
            reading.take(&file, "mcp", &name, settings);
        }
        for ((server, tool), (file, word)) in self.words {
            let Some(tool) = tool else {
                continue;
            };
            let mut settings = Map::new();
            settings.insert("serverId".to_owned(), server.as_str().into());
            settings.insert("toolName".to_owned(), tool.as_str().into());
            settings.insert("mode".to_owned(), "aiParameterConfig".into());
            settings.insert("permission".to_owned(), word.text().into());
            reading.take(&file, "mcp", &format!("{server} {tool}"), settings);
        }
    }
}

/// A program of this machine: `command` and `args`, or `command` as a list.
pub fn local(fields: &mut Fields<'_, '_>, env: Map<String, Value>) -> Option<Value> {
    let mut command = match fields.raw("command") {
        Some(Tree::List(items)) => items,
        Some(program) => vec![program],
        None => Vec::new(),
    };
    if let Some(more) = fields.raw("args") {
        match more {
            Tree::List(items) => command.extend(items),
            other => command.push(other),
        }
    }
    let texts = command.into_iter().map(|part| match part {
        Tree::Text(text) => Some(text),
        Tree::Number(number) => Some(number.to_string()),
        Tree::Bool(value) => Some(value.to_string()),
        _ => None,
    });
    let command: Vec<String> = texts.collect::<Option<_>>().unwrap_or_default();
    if command
        .first()
        .is_none_or(|program| program.trim().is_empty())
    {
        let why = "it names no program by texts, so the server is left out";
        fields.leave("command", why, "mend the file and import again");
        return None;
    }
    for text in &command {
        if text.contains("{{") {
            let why = "two braces stand in it, which a document takes for a placeholder, so the server is left out";
            fields.leave(
                "command",
                why,
                "start the program by a script and import again",
            );
            return None;
        }
        if fields.reading.is_secret("", text) {
            let why =
                "it looks like a secret, and a document holds none, so the server is left out";
            let help = "give the secret to the program by its environment and import again";
            fields.leave("command", why, help);
            return None;
        }
    }
    let mut server = json!({"command": command});
    put(&mut server, "env", env);
    Some(server)
}

/// A server elsewhere.
pub fn remote(fields: &mut Fields<'_, '_>, headers: Map<String, Value>) -> Option<Value> {
    let url = fields.required("url")?;
    let is_web = !url.contains("{{") && (url.starts_with("https://") || url.starts_with("http://"));
    if !is_web || fields.reading.is_secret("", &url) {
        let why = match is_web {
            true => {
                "a secret stands in the address, and a document holds none, so the server is left out"
            }
            false => "it is no address of the web, so the server is left out",
        };
        fields.leave("url", why, "mend the file and import again");
        return None;
    }
    let mut server = json!({"url": url});
    put(&mut server, "headers", headers);
    Some(server)
}

fn put(server: &mut Value, name: &str, values: Map<String, Value>) {
    if !values.is_empty() {
        server[name] = Value::Object(values);
    }
}

/// The entries of an environment or of headers. Variables become references to secrets, and so do
/// secrets that stand there in clear.
pub fn values(fields: &mut Fields<'_, '_>, name: &str, style: Style) -> Map<String, Value> {
    let mut found = Map::new();
    let entries: Entries = fields.map(name).unwrap_or_default();
    for (key, value) in entries {
        let place = format!("{name}.{key}");
        let text = match value {
            Tree::Text(text) => text,
            Tree::Number(number) => number.to_string(),
            Tree::Bool(value) => value.to_string(),
            other => {
                let why = format!("it is {} and must be a text", other.kind());
                fields.leave(&place, why, "mend the file and import again");
                continue;
            }
        };
        match reference(&text, style) {
            Err(why) => fields.leave(&place, why, "write the value into the exported files again"),
            Ok(said) => {
                let is_secret = match said == text {
                    true => fields.reading.is_secret(&key, &text),
                    false => fields.reading.is_secret("", &said),
                };
                let said = match is_secret {
                    true => hidden(fields, &place, &key, &text),
                    false => said,
                };
                found.insert(key, said.into());
            }
        }
    }
    found
}

/// A reference in the place of a secret.
fn hidden(fields: &mut Fields<'_, '_>, place: &str, key: &str, text: &str) -> String {
    let letter = |letter: char| match letter.is_ascii_alphanumeric() {
        true => letter.to_ascii_uppercase(),
        false => '_',
    };
    let name: String = key.chars().map(letter).collect();
    let why = format!(
        "it looks like a secret, and a document holds none: it is `{{{{secret.{name}}}}}` now"
    );
    let help =
        format!("set `{name}` where the client starts, and change a secret that others have seen");
    fields.leave(place, why, help);
    let bearer = text
        .get(..7)
        .filter(|head| head.eq_ignore_ascii_case("bearer "));
    format!("{}{{{{secret.{name}}}}}", bearer.unwrap_or_default())
}

/// The text with each variable as a reference to a secret.
fn reference(text: &str, style: Style) -> Result<String, String> {
    let mut said = String::new();
    let mut rest = text;
    if let Some((open, close)) = style {
        while let Some((before, after)) = rest.split_once(open) {
            let (name, behind) = after
                .split_once(close)
                .ok_or_else(|| format!("`{open}` has no `{close}`"))?;
            let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            if name.is_empty() || !name.chars().all(is_name) {
                return Err(format!("a document has nothing like `{open}{name}{close}`"));
            }
            said.push_str(&plain(before)?);
            said.push_str(&format!("{{{{secret.{name}}}}}"));
            rest = behind;
        }
    }
    said.push_str(&plain(rest)?);
    Ok(said)
}

fn plain(text: &str) -> Result<String, String> {
    match text.contains("{{") || text.contains("{file:") {
        true => Err(
            "two braces or a file stand in it, which a document would take for something else"
                .to_owned(),
        ),
        false => Ok(text.to_owned()),
    }
}
