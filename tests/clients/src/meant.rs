//! What a document means, read from its nodes and not from the exporter, so that the exporter cannot
//! be its own judge.

use lattice_document::{Document, Node};
use serde_json::Value;

/// What a client should see of one document.
pub struct Meant {
    pub agents: Vec<Agent>,
    /// Name and description.
    pub skills: Vec<(String, String)>,
    pub servers: Vec<Server>,
}

/// A sub-agent.
pub struct Agent {
    pub name: String,
    pub description: String,
    pub prompt: String,
    pub model: Option<String>,
    /// `None`: all that there is.
    pub tools: Option<Vec<String>>,
    pub disallowed: Vec<String>,
    pub steps: Option<u64>,
    pub memory: Option<String>,
}

/// An MCP server that the document sets up.
pub struct Server {
    pub name: String,
    pub command: Vec<String>,
    pub url: Option<String>,
    /// The tools that it has, and what the document says of them.
    pub permissions: Vec<(String, String)>,
}

fn text<'n>(node: &'n Node, setting: &str) -> Option<&'n str> {
    let text = node.settings.get(setting).and_then(Value::as_str)?;
    (!text.trim().is_empty()).then_some(text)
}

fn words(node: &Node, setting: &str) -> Vec<String> {
    match node.settings.get(setting) {
        Some(Value::String(text)) => text.split(',').map(|word| word.trim().to_owned()).collect(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

fn slug(text: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        kept if kept.is_ascii_alphanumeric() => kept,
        _ => '-',
    };
    let text: String = text.chars().map(letter).collect();
    let parts: Vec<_> = text.split('-').filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Reads a document.
pub fn meant(document: &Document) -> Meant {
    let about = document.description.as_deref().unwrap_or("");
    let workflow = line(&format!(
        "{}. {about} Use it when this workflow is asked for.",
        document.name
    ));
    let mut meant = Meant {
        agents: Vec::new(),
        skills: vec![(slug(document.id.as_str()), workflow)],
        servers: Vec::new(),
    };
    for node in &document.nodes {
        match node.kind.as_str() {
            "subAgent" => meant.agents.push(agent(node)),
            "skill" => {
                if let (Some(name), Some(instructions)) =
                    (text(node, "name"), text(node, "instructions"))
                {
                    let description = text(node, "description").unwrap_or(instructions);
                    meant.skills.push((slug(name), line(description)));
                }
            }
            "mcp" => server(node, &mut meant.servers),
            _ => {}
        }
    }
    meant
}

fn agent(node: &Node) -> Agent {
    let prompt = text(node, "prompt").unwrap_or("");
    let name = text(node, "name")
        .or(node.label.as_deref())
        .unwrap_or(node.id.as_str());
    let description = text(node, "description")
        .or(node.label.as_deref())
        .unwrap_or(prompt);
    Agent {
        name: slug(name),
        description: line(description),
        // Braces that are no reference are text.
        prompt: prompt.trim().replace("\\{{", "{{"),
        model: text(node, "model").map(str::to_owned),
        tools: node
            .settings
            .contains_key("tools")
            .then(|| words(node, "tools")),
        disallowed: words(node, "disallowedTools"),
        steps: node.settings.get("maxTurns").and_then(Value::as_u64),
        memory: text(node, "memory").map(str::to_owned),
    }
}

fn server(node: &Node, servers: &mut Vec<Server>) {
    let (Some(name), Some(setup)) = (text(node, "serverId"), node.settings.get("server")) else {
        return;
    };
    let command = setup["command"].as_array().into_iter().flatten();
    let permission = text(node, "toolName").zip(text(node, "permission"));
    servers.push(Server {
        name: name.to_owned(),
        command: command
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        url: setup["url"].as_str().map(str::to_owned),
        permissions: permission
            .map(|(tool, word)| (tool.to_owned(), word.to_owned()))
            .into_iter()
            .collect(),
    });
}
