//! OpenCode: `.opencode/agents`, `.opencode/skills`, `opencode.json`.

use crate::Target;
use crate::common::{Making, agent_body};
use crate::outline::{Agent, Outline};
use crate::servers::{Setup, Values, with_secrets};
use crate::yaml::{Yaml, page};
use serde_json::{Map, Value, json};

/// The files.
pub fn export<'o, 'd>(outline: &'o Outline<'d>) -> Making<'o, 'd> {
    let mut making = Making::new(outline, Target::OpenCode);
    let delegate = |name: &str| format!("Hand this to the sub-agent {name} by the `task` tool.");
    making.skills(".opencode/skills", delegate, "");
    for agent in &outline.agents {
        let bytes = one(&mut making, agent);
        making.file(format!(".opencode/agents/{}.md", agent.slug), bytes);
    }
    config(&mut making);
    making.launch = format!("opencode --prompt \"Use the skill {}\"", outline.slug);
    making
}

fn one(making: &mut Making<'_, '_>, agent: &Agent<'_>) -> Vec<u8> {
    let mut fields = vec![
        ("description", Yaml::Text(agent.description.clone())),
        ("mode", Yaml::Text("subagent".to_owned())),
    ];
    making.no_class(agent);
    let model = making.model(agent);
    fields.extend(model.map(|model| ("model", Yaml::Text(model))));
    fields.extend(agent.max_turns.map(|turns| ("steps", Yaml::Number(turns))));
    let allowed = making.tools(agent, &agent.tools);
    let refused = making.tools(agent, &agent.disallowed);
    // The last rule that matches counts, so that `*` comes first.
    let mut rules = Vec::new();
    let rule = |key: &str, word: &str| (key.to_owned(), word.to_owned());
    if !agent.tools.is_empty() {
        rules.push(rule("*", "deny"));
        rules.extend(allowed.iter().map(|key| rule(key, "allow")));
    }
    let clean = refused.iter().filter(|key| !allowed.contains(key));
    rules.extend(clean.map(|key| rule(key, "deny")));
    if !rules.is_empty() {
        fields.push(("permission", Yaml::Map(rules)));
    }
    making.not_there(agent, &["memory", "color", "temperature"]);
    page(&fields, &agent_body(agent))
}

fn values(values: &Values<'_>) -> Map<String, Value> {
    let fields = values.iter().map(|(key, value)| {
        let value =
            with_secrets(value, |name| format!("{{env:{name}}}")).unwrap_or_else(|| value.clone());
        ((*key).to_owned(), Value::from(value))
    });
    fields.collect()
}

fn config(making: &mut Making<'_, '_>) {
    let mut servers = Map::new();
    for server in &making.outline.servers {
        let value = match &server.setup {
            None => continue,
            Some(Setup::Local { command, env }) => json!({
                "type": "local", "command": command, "environment": values(env), "enabled": true,
            }),
            Some(Setup::Remote { url, headers }) => json!({
                "type": "remote", "url": url, "headers": values(headers), "enabled": true,
            }),
        };
        servers.insert(server.name.clone(), value);
    }
    // INVARIANT: keys are written sorted, and `*` sorts before every letter, digit and `_`: the rule for
    // a whole server comes before those for its tools, which count.
    let mut rules = Map::new();
    for permission in &making.outline.permissions {
        let tool = permission.tool.as_deref().unwrap_or("*");
        rules.insert(
            format!("{}_{tool}", permission.server),
            Value::from(permission.word),
        );
    }
    if servers.is_empty() && rules.is_empty() {
        return;
    }
    let mut config = Map::from_iter([(
        "$schema".to_owned(),
        json!("https://opencode.ai/config.json"),
    )]);
    if !servers.is_empty() {
        config.insert("mcp".to_owned(), Value::Object(servers));
    }
    if !rules.is_empty() {
        config.insert("permission".to_owned(), Value::Object(rules));
    }
    making.json("opencode.json", &Value::Object(config));
}
