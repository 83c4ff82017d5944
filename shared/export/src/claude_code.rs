//! Claude Code: `.claude/agents`, `.claude/skills`, `.mcp.json`, `.claude/settings.json`.

use crate::Target;
use crate::common::{Making, agent_body};
use crate::matrix::Topic;
use crate::outline::Outline;
use crate::rights::Right;
use crate::servers::{Setup, Values, with_secrets};
use crate::yaml::{Yaml, page};
use serde_json::{Map, Value, json};

/// What stands in `tools` of a sub-agent that may use none: a name that no tool has. An empty list means
/// all of them there (seen with 2.1.330).
pub const NO_TOOLS: &str = "none";

/// The files.
pub fn export<'o, 'd>(outline: &'o Outline<'d>) -> Making<'o, 'd> {
    let mut making = Making::new(outline, Target::ClaudeCode);
    making.skills(
        ".claude/skills",
        |name| format!("Hand this to the sub-agent {name} by the Agent tool."),
        "",
    );
    agents(&mut making);
    servers(&mut making);
    permissions(&mut making);
    making.launch = format!("claude \"/{}\"", outline.slug);
    making
}

fn agents(making: &mut Making<'_, '_>) {
    for agent in &making.outline.agents {
        let mut fields = vec![
            ("name", Yaml::Text(agent.slug.clone())),
            ("description", Yaml::Text(agent.description.clone())),
        ];
        let tools = names(&making.allowed(agent));
        match tools.is_empty() {
            true if agent.tools.is_some() => {
                fields.push(("tools", Yaml::Text(NO_TOOLS.to_owned())))
            }
            true => {}
            false => fields.push(("tools", Yaml::Text(tools.join(", ")))),
        }
        let refused = names(&making.denied(agent));
        if !refused.is_empty() {
            fields.push(("disallowedTools", Yaml::Text(refused.join(", "))));
        }
        if !tools.is_empty() && !refused.is_empty() {
            let lost = "`tools` and `disallowedTools` are both there, and only what stands in the first and \
                        not in the second is left";
            making.warn(Some(agent.node), Topic::Agents, lost, "keep one of them");
        }
        let class = match agent.model.and_then(class) {
            Some(class) => Some(class.to_owned()),
            None => making.model(agent),
        };
        fields.extend(class.map(|model| ("model", Yaml::Text(model))));
        fields.extend(
            agent
                .max_turns
                .map(|turns| ("maxTurns", Yaml::Number(turns))),
        );
        let memory = agent.memory.map(str::to_owned);
        fields.extend(memory.map(|memory| ("memory", Yaml::Text(memory))));
        fields.extend(
            agent
                .color
                .map(|color| ("color", Yaml::Text(color.to_owned()))),
        );
        making.not_there(agent, &["temperature"]);
        let bytes = page(&fields, &agent_body(agent));
        making.file(format!(".claude/agents/{}.md", agent.slug), bytes);
    }
}

/// The name of a class of models.
pub fn class(class: &str) -> Option<&'static str> {
    Some(match class {
        "small" => "haiku",
        "medium" => "sonnet",
        "large" => "opus",
        _ => return None,
    })
}

fn names(rights: &[Right]) -> Vec<String> {
    rights.iter().map(|right| right.word.clone()).collect()
}

/// Secrets as the environment's variables, which the client puts in.
pub fn values(values: &Values<'_>) -> Map<String, Value> {
    let fields = values.iter().map(|(key, value)| {
        let value =
            with_secrets(value, |name| format!("${{{name}}}")).unwrap_or_else(|| value.clone());
        ((*key).to_owned(), Value::from(value))
    });
    fields.collect()
}

fn servers(making: &mut Making<'_, '_>) {
    let mut servers = Map::new();
    for server in &making.outline.servers {
        let value = match &server.setup {
            None => continue,
            Some(Setup::Local { command, env }) => json!({
                "command": command.first(),
                "args": command.get(1..).unwrap_or_default(),
                "env": values(env),
            }),
            Some(Setup::Remote { url, headers }) => {
                json!({"type": "http", "url": url, "headers": values(headers)})
            }
        };
        servers.insert(server.name.clone(), value);
    }
    if !servers.is_empty() {
        making.json(".mcp.json", &json!({"mcpServers": servers}));
    }
}

fn permissions(making: &mut Making<'_, '_>) {
    let mut words: Map<String, Value> = Map::new();
    for permission in making.permissions() {
        let tool = permission.tool.as_ref().map(|tool| format!("__{tool}"));
        let rule = format!("mcp__{}{}", permission.server, tool.unwrap_or_default());
        let rules = words.entry(permission.word).or_insert_with(|| json!([]));
        if let Some(rules) = rules.as_array_mut() {
            rules.push(rule.into());
        }
    }
    if !words.is_empty() {
        making.json(".claude/settings.json", &json!({"permissions": words}));
    }
}
