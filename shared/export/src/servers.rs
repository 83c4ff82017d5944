//! The MCP servers of a workflow, and what its tools may do without asking.

use crate::codes;
use crate::names::plain;
use crate::outline::{of_kind, pointer};
use lattice_document::{Document, Node, Problem};
use lattice_nodes::prose::Teller;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A server.
pub struct Server<'d> {
    /// The first node that names it.
    pub node: &'d Node,
    /// Its name in the files.
    pub name: String,
    /// Its name in the document.
    pub given: &'d str,
    /// How it is reached, if the document says so.
    pub setup: Option<Setup<'d>>,
}

/// How a server is reached.
#[derive(Clone, PartialEq)]
pub enum Setup<'d> {
    /// A program of this machine.
    Local {
        /// It and its arguments.
        command: Vec<String>,
        /// Its environment.
        env: Values<'d>,
    },
    /// A server elsewhere.
    Remote {
        /// Its address.
        url: &'d str,
        /// What is sent along.
        headers: Values<'d>,
    },
}

/// Texts by name, sorted.
pub type Values<'d> = BTreeMap<&'d str, String>;

/// What a tool may do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// The server's name in the files.
    pub server: String,
    /// The tool, by the name that its server gives it; `None`: all of them.
    pub tool: Option<String>,
    /// The word of the document: `allow`, `ask` or `deny`.
    pub word: &'static str,
    /// The node that says so.
    pub node: lattice_model::NodeId,
}

/// The servers by name.
pub fn servers<'d>(document: &'d Document, problems: &mut Vec<Problem>) -> Vec<Server<'d>> {
    let mut found: BTreeMap<String, Server<'d>> = BTreeMap::new();
    for node in of_kind(document, "mcp") {
        let teller = Teller::new(node);
        let given = teller.plain_or("serverId", "");
        let name = plain(given);
        let setup = teller.raw("server").and_then(setup);
        let Some(server) = found.get_mut(&name) else {
            let server = Server {
                node,
                name: name.clone(),
                given,
                setup,
            };
            found.insert(name, server);
            continue;
        };
        let at = pointer(document, node);
        if server.given != given {
            let text = format!(
                "the servers of the nodes `{}` and `{}` are both called `{name}` in the export",
                server.node.id, node.id
            );
            let problem = Problem::error(codes::SAME_NAME, at, text).at_node(&node.id);
            problems.push(problem.help("use letters, digits, `-` and `_` in `serverId`"));
            continue;
        }
        match (&server.setup, setup) {
            (None, setup) => server.setup = setup,
            (Some(one), Some(other)) if *one != other => {
                let text = format!(
                    "the nodes `{}` and `{}` set the server `{given}` up in two ways",
                    server.node.id, node.id
                );
                let problem = Problem::error(codes::TWO_SERVERS, at, text).at_node(&node.id);
                problems.push(
                    problem.help("write `server` at one of them only, or give one another id"),
                );
            }
            _ => {}
        }
    }
    found.into_values().collect()
}

fn setup(value: &Value) -> Option<Setup<'_>> {
    let values = |name: &str| values(value.get(name).and_then(Value::as_object));
    if let Some(command) = value.get("command").and_then(Value::as_array) {
        let command = command.iter().filter_map(Value::as_str);
        return Some(Setup::Local {
            command: command.map(str::to_owned).collect(),
            env: values("env"),
        });
    }
    Some(Setup::Remote {
        url: value.get("url")?.as_str()?,
        headers: values("headers"),
    })
}

fn values(map: Option<&Map<String, Value>>) -> Values<'_> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fields = map.into_iter().flatten();
    fields
        .map(|(key, value)| (key.as_str(), text(value)))
        .collect()
}

/// What tools may do, the strictest word of all nodes that name one.
pub fn permissions(document: &Document) -> Vec<Permission> {
    let mut found: BTreeMap<(String, Option<String>), Permission> = BTreeMap::new();
    for node in of_kind(document, "mcp") {
        let teller = Teller::new(node);
        let Some(word) = teller.plain("permission").and_then(word) else {
            continue;
        };
        let permission = Permission {
            server: plain(teller.plain_or("serverId", "")),
            tool: teller.plain("toolName").map(str::to_owned),
            word,
            node: node.id.clone(),
        };
        let key = (permission.server.clone(), permission.tool.clone());
        let strict = |word: &str| ["allow", "ask", "deny"].iter().position(|one| *one == word);
        match found.get(&key) {
            Some(before) if strict(before.word) >= strict(word) => {}
            _ => {
                found.insert(key, permission);
            }
        }
    }
    found.into_values().collect()
}

fn word(text: &str) -> Option<&'static str> {
    ["allow", "ask", "deny"]
        .into_iter()
        .find(|word| *word == text)
}

/// A value with its secrets in the words of a client; `None` if it has none.
pub fn with_secrets(value: &str, name: impl Fn(&str) -> String) -> Option<String> {
    let mut text = String::new();
    let mut rest = value;
    let mut found = false;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, behind)) = after.split_once("}}") else {
            break;
        };
        let Some(secret) = inside.trim().strip_prefix("secret.") else {
            text.push_str(before);
            text.push_str("{{");
            rest = after;
            continue;
        };
        found = true;
        text.push_str(before);
        text.push_str(&name(secret));
        rest = behind;
    }
    text.push_str(rest);
    found.then_some(text)
}

/// The one secret that a value is, with the given text before it.
pub fn whole_secret<'v>(value: &'v str, before: &str) -> Option<&'v str> {
    let inside = value.strip_prefix(before)?.trim();
    let inside = inside.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let name = inside.strip_prefix("secret.")?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    name.chars().all(is_name).then_some(name)
}
