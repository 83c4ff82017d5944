//! OpenCode: `.opencode/agents`, `.opencode/skills`, `opencode.json`.

use crate::Target;
use crate::common::{Making, agent_body};
use crate::outline::{Agent, Outline};
use crate::rights::Right;
use crate::servers::{Setup, Values, with_secrets};
use crate::yaml::{Entry, Yaml, page};
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
    let temperature = agent
        .node
        .settings
        .get("temperature")
        .and_then(Value::as_f64);
    fields.extend(temperature.map(|value| ("temperature", Yaml::Fraction(value))));
    let allowed = making.allowed(agent);
    let denied = making.denied(agent);
    making.warn_of_one_word(agent, &allowed, &denied);
    let rules = rules(agent.tools.is_some(), &allowed, &denied);
    if !rules.is_empty() {
        fields.push(("permission", Yaml::Map(rules)));
    }
    making.not_there(agent, &["memory", "color"]);
    page(&fields, &agent_body(agent))
}

/// The last rule that matches counts, so that `*` comes first and what is denied last.
fn rules(is_listed: bool, allowed: &[Right], denied: &[Right]) -> Vec<(String, Entry)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut add = |right: &Right, word: &str| {
        let part = right.part.as_deref().unwrap_or("*");
        let place = found.iter().position(|(tool, _)| *tool == right.word);
        let place = place.unwrap_or_else(|| {
            found.push((right.word.clone(), Vec::new()));
            found.len() - 1
        });
        // What is denied counts whatever is allowed, so that it stands behind all of it.
        if word == "deny" {
            let last = found.remove(place);
            found.push(last);
        }
        let place = if word == "deny" {
            found.len() - 1
        } else {
            place
        };
        let Some((_, parts)) = found.get_mut(place) else {
            return;
        };
        if part != "*" && parts.is_empty() {
            let rest = if is_listed { "deny" } else { "allow" };
            parts.push(("*".to_owned(), rest.to_owned()));
        }
        parts.retain(|(one, _)| one != part);
        let is_whole = |parts: &[(String, String)]| {
            let whole = parts.first();
            whole.is_some_and(|(part, word)| part == "*" && word == "allow")
        };
        match part {
            // All of it is allowed, this part too.
            "*" if word == "allow" => {
                parts.retain(|(_, one)| one != "allow");
                parts.insert(0, (part.to_owned(), word.to_owned()));
            }
            _ if word == "allow" && is_whole(parts) => {}
            // The whole tool stands before its parts; what denies all of it leaves no part.
            "*" if word == "deny" => *parts = vec![(part.to_owned(), word.to_owned())],
            _ => parts.push((part.to_owned(), word.to_owned())),
        }
    };
    if is_listed {
        add(
            &Right {
                word: "*".to_owned(),
                part: None,
            },
            "deny",
        );
    }
    for right in allowed {
        add(right, "allow");
    }
    let is_whole = |right: &Right| {
        let mut denied = denied.iter();
        denied.any(|one| one.word == right.word && one.part.is_none())
    };
    // Where all of a tool is denied, its parts are.
    for right in denied
        .iter()
        .filter(|right| right.part.is_none() || !is_whole(right))
    {
        add(right, "deny");
    }
    let entry = |(tool, parts): (String, Vec<(String, String)>)| match parts.as_slice() {
        [(part, word)] if part == "*" => (tool, Entry::Text(word.clone())),
        _ => (tool, Entry::Map(parts)),
    };
    found.into_iter().map(entry).collect()
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
    for permission in making.permissions() {
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
