//! Codex: `.codex/agents`, `.agents/skills`, `.codex/config.toml`.

use crate::Target;
use crate::common::{Making, agent_body};
use crate::matrix::Topic;
use crate::outline::Outline;
use crate::servers::{Server, Setup, whole_secret};
use crate::vocabulary::only_reads;
use toml::{Table, Value};

/// The files.
pub fn export<'o, 'd>(outline: &'o Outline<'d>) -> Making<'o, 'd> {
    let mut making = Making::new(outline, Target::Codex);
    let intro = match outline.agents.is_empty() {
        true => "",
        // The client hands nothing to sub-agents unless it is asked to in words.
        false => {
            "This skill asks you to spawn sub-agents: wherever a step names one, call `spawn_agent` \
                  with that agent, and wait for its answer.\n\n"
        }
    };
    let delegate = |name: &str| {
        format!(
            "Spawn the sub-agent {name} with `spawn_agent`, which this workflow asks you to do, and wait for it."
        )
    };
    making.skills(".agents/skills", delegate, intro);
    agents(&mut making);
    config(&mut making);
    making.launch = format!("codex '${}'", outline.slug);
    making
}

fn agents(making: &mut Making<'_, '_>) {
    for agent in &making.outline.agents {
        let mut table = Table::new();
        let mut put = |key: &str, value: &str| {
            table.insert(key.to_owned(), Value::from(value));
        };
        put("name", &agent.slug);
        put("description", &agent.description);
        put("developer_instructions", &agent_body(agent));
        let effort = match agent.model {
            Some("small") => Some("low"),
            Some("medium") => Some("medium"),
            Some("large") => Some("high"),
            _ => None,
        };
        if let Some(effort) = effort {
            put("model_reasoning_effort", effort);
        } else if let Some(model) = making.model(agent) {
            put("model", &model);
        }
        let tools = agent.tools.as_ref();
        if tools.is_some_and(|tools| tools.iter().all(|tool| only_reads(tool))) {
            put("sandbox_mode", "read-only");
        }
        if tools.is_some() || !agent.disallowed.is_empty() {
            let lost =
                "a sub-agent has no list of tools there; it may use all that the session has";
            let help = "set `sandbox_mode` of the agent, or rules of the session";
            making.warn(Some(agent.node), Topic::Agents, lost, help);
        }
        making.not_there(agent, &["maxTurns", "memory", "color", "temperature"]);
        toml(making, format!(".codex/agents/{}.toml", agent.slug), &table);
    }
}

fn toml(making: &mut Making<'_, '_>, path: String, table: &Table) {
    // INVARIANT: a table of texts, lists and tables can always be written.
    let text = toml::to_string_pretty(table).unwrap_or_default();
    making.file(path, text.into_bytes());
}

fn config(making: &mut Making<'_, '_>) {
    let mut servers = Table::new();
    for server in &making.outline.servers {
        if let Some(table) = setup(making, server) {
            servers.insert(server.name.clone(), Value::Table(table));
        }
    }
    for permission in &making.outline.permissions {
        let node = making
            .outline
            .document
            .nodes
            .iter()
            .find(|node| node.id == permission.node);
        let server = servers
            .get_mut(&permission.server)
            .and_then(Value::as_table_mut);
        match (permission.word, &permission.tool, server) {
            ("deny", None, Some(server)) => {
                server.insert("enabled".to_owned(), Value::from(false));
            }
            ("deny", Some(tool), Some(server)) => {
                let list = server
                    .entry("disabled_tools")
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Some(list) = list.as_array_mut() {
                    list.push(Value::from(tool.as_str()));
                }
            }
            (word, tool, _) => {
                let what = match tool {
                    Some(tool) => format!("the tool `{}`", tool.escape_debug()),
                    None => format!("the server `{}`", permission.server),
                };
                let lost = format!("`{word}` for {what} has no place in the files");
                let help = "answer the question of the client when it comes";
                making.warn(node, Topic::Permissions, lost, help);
            }
        }
    }
    if !servers.is_empty() {
        let table = Table::from_iter([("mcp_servers".to_owned(), Value::Table(servers))]);
        toml(making, ".codex/config.toml".to_owned(), &table);
    }
}

fn setup(making: &mut Making<'_, '_>, server: &Server<'_>) -> Option<Table> {
    let mut table = Table::new();
    let texts = |list: &[String]| {
        list.iter()
            .map(|text| Value::from(text.as_str()))
            .collect::<Vec<_>>()
    };
    let (values, plain, secret) = match server.setup.as_ref()? {
        Setup::Local { command, env } => {
            table.insert("command".to_owned(), Value::from(command.first()?.as_str()));
            let args = command.get(1..).unwrap_or_default();
            table.insert("args".to_owned(), Value::Array(texts(args)));
            (env, "env", None)
        }
        Setup::Remote { url, headers } => {
            table.insert("url".to_owned(), Value::from(*url));
            (headers, "http_headers", Some("env_http_headers"))
        }
    };
    let (mut fixed, mut named, mut passed) = (Table::new(), Table::new(), Vec::new());
    for (key, value) in values {
        let bearer =
            whole_secret(value, "Bearer ").filter(|_| key.eq_ignore_ascii_case("authorization"));
        match (whole_secret(value, ""), secret) {
            (Some(name), Some(_)) => {
                named.insert((*key).to_owned(), Value::from(name));
            }
            (Some(name), None) if name == *key => passed.push(Value::from(name)),
            (None, Some(_)) if bearer.is_some() => {
                let name = bearer.unwrap_or_default();
                table.insert("bearer_token_env_var".to_owned(), Value::from(name));
            }
            (None, _) if !value.contains("{{secret.") => {
                fixed.insert((*key).to_owned(), Value::from(value.as_str()));
            }
            _ => {
                let lost = format!(
                    "`{}` holds a secret, and the client puts none in there",
                    key.escape_debug()
                );
                let help = "give the secret the name of the variable, and nothing else beside it";
                making.warn(Some(server.node), Topic::Servers, lost, help);
            }
        }
    }
    if !passed.is_empty() {
        table.insert("env_vars".to_owned(), Value::Array(passed));
    }
    if !fixed.is_empty() {
        table.insert(plain.to_owned(), Value::Table(fixed));
    }
    if let Some(secret) = secret.filter(|_| !named.is_empty()) {
        table.insert(secret.to_owned(), Value::Table(named));
    }
    Some(table)
}
