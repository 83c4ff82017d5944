//! GitHub Copilot: `.github/agents`, `.github/skills`, `.github/mcp.json`, and flags of the launch
//! command for what may be done without asking.

use crate::Target;
use crate::claude_code::values;
use crate::codes;
use crate::common::{Making, agent_body};
use crate::matrix::Topic;
use crate::outline::{Outline, pointer};
use crate::rights::shell;
use crate::servers::Setup;
use crate::yaml::{Yaml, page};
use lattice_document::Problem;
use serde_json::{Map, json};

/// Characters of the text of an agent.
const BODY_CHARS_MAX: usize = 30_000;

/// The files.
pub fn export<'o, 'd>(outline: &'o Outline<'d>) -> Making<'o, 'd> {
    let mut making = Making::new(outline, Target::Copilot);
    let delegate =
        |name: &str| format!("Hand this to the agent {name} as a sub-agent, by the `agent` tool.");
    making.skills(".github/skills", delegate, "");
    agents(&mut making);
    servers(&mut making);
    launch(&mut making);
    making
}

fn agents(making: &mut Making<'_, '_>) {
    for agent in &making.outline.agents {
        let mut fields = vec![
            ("name", Yaml::Text(agent.slug.clone())),
            ("description", Yaml::Text(agent.description.clone())),
        ];
        let allowed = making.allowed(agent);
        making.warn_of_one_word(agent, &allowed, &[]);
        if agent.tools.is_some() {
            let mut tools: Vec<String> = allowed.into_iter().map(|right| right.word).collect();
            tools.dedup();
            fields.push(("tools", Yaml::List(tools)));
        }
        making.no_class(agent);
        let model = making.model(agent);
        fields.extend(model.map(|model| ("model", Yaml::Text(model))));
        let there_not = [
            "disallowedTools",
            "maxTurns",
            "memory",
            "color",
            "temperature",
        ];
        making.not_there(agent, &there_not);
        let body = agent_body(agent);
        let letters = body.chars().count();
        if letters > BODY_CHARS_MAX {
            let text = format!(
                "the prompt has {letters} characters, and GitHub Copilot reads {BODY_CHARS_MAX}"
            );
            let at = pointer(making.outline.document, agent.node);
            let problem = Problem::error(codes::TOO_LONG, at, text).at_node(&agent.node.id);
            making.refuse(problem.help("shorten it, or move a part of it into a skill"));
        }
        let bytes = page(&fields, &body);
        making.file(format!(".github/agents/{}.agent.md", agent.slug), bytes);
    }
}

fn servers(making: &mut Making<'_, '_>) {
    let mut servers = Map::new();
    for server in &making.outline.servers {
        let value = match &server.setup {
            None => continue,
            Some(Setup::Local { command, env }) => json!({
                "type": "local",
                "command": command.first(),
                "args": command.get(1..).unwrap_or_default(),
                "env": values(env),
                "tools": ["*"],
            }),
            Some(Setup::Remote { url, headers }) => {
                json!({"type": "http", "url": url, "headers": values(headers), "tools": ["*"]})
            }
        };
        servers.insert(server.name.clone(), value);
    }
    if !servers.is_empty() {
        making.json(".github/mcp.json", &json!({"mcpServers": servers}));
    }
}

fn launch(making: &mut Making<'_, '_>) {
    let mut launch = "copilot".to_owned();
    for permission in making.permissions() {
        let tool = permission.tool.as_ref().map(|tool| format!("({tool})"));
        let tool = format!("{}{}", permission.server, tool.unwrap_or_default());
        let node = making
            .outline
            .document
            .nodes
            .iter()
            .find(|node| node.id == permission.node);
        match permission.word {
            "ask" => {}
            word => {
                launch.push_str(&format!(" --{word}-tool {}", shell(&tool)));
                let lost =
                    format!("`{word}` for `{tool}` is a flag of the launch command and in no file");
                making.warn(
                    node,
                    Topic::Permissions,
                    lost,
                    "start the client by the launch command",
                );
            }
        }
    }
    launch.push_str(&format!(" -i \"Use the skill {}\"", making.outline.slug));
    making.launch = launch;
}
