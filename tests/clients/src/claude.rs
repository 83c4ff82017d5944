//! Claude Code: the first line of its stream lists sub-agents, skills, servers and tools; what it sends
//! to the model holds the descriptions; a run as each sub-agent holds its prompt and model.

use crate::Failure;
use crate::mcp;
use crate::meant::Meant;
use crate::report::Sheet;
use crate::sees::{Look, entry, list, or_missing, texts};
use serde_json::Value;

const STREAM: &[&str] = &["-p", "hello", "--output-format", "stream-json", "--verbose"];

/// What the client shows.
struct Seen {
    init: Value,
    told: String,
    listed: String,
}

impl Seen {
    fn has(&self, key: &str, name: &str) -> bool {
        let list = self.init[key].as_array();
        list.is_some_and(|list| list.iter().any(|it| it == name || it["name"] == name))
    }
}

/// Compares.
pub async fn look(look: &Look<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let (said, sent) = look.ask(STREAM).await?;
    let first = said
        .out
        .lines()
        .find(|line| line.contains("\"subtype\":\"init\""));
    let init: Value = serde_json::from_str(first.ok_or("claude listed nothing")?)?;
    let told: String = sent.iter().map(texts).collect();
    let list_said = look.place.run(&["mcp", "list"]).await?;
    let seen = Seen {
        init,
        told,
        listed: list_said.out,
    };
    for (document, meant) in look.documents {
        look_skills(&seen, sheet, document, meant);

        look_servers(&seen, sheet, document, meant);

        look_agents(&seen, look, sheet, document, meant).await?;
    }
    Ok(())
}

fn look_skills(seen: &Seen, sheet: &mut Sheet, document: &str, meant: &Meant) {
    for (name, description) in &meant.skills {
        let at = format!("{document}: skill {name}");
        sheet.there(&at, "name", seen.has("skills", name));
        sheet.field(
            &at,
            "description",
            description,
            or_missing(entry(&seen.told, name)),
        );
    }
}

fn look_servers(seen: &Seen, sheet: &mut Sheet, document: &str, meant: &Meant) {
    for server in &meant.servers {
        let at = format!("{document}: server {}", server.name);
        let is_on = seen.init["mcp_servers"].as_array().is_some_and(|list| {
            list.iter()
                .any(|it| it["name"] == server.name.as_str() && it["status"] == "connected")
        });
        sheet.there(&at, "connected", is_on);
        let line = seen
            .listed
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{}: ", server.name)));
        let reached = line
            .and_then(|line| line.split(" - ").next())
            .map(|it| it.trim().to_owned());
        match &server.url {
            Some(url) => sheet.field(&at, "url", &format!("{url} (HTTP)"), or_missing(reached)),
            None => sheet.field(
                &at,
                "command",
                &server.command.join(" "),
                or_missing(reached),
            ),
        }
        for tool in mcp::TOOLS {
            let word = server.permissions.iter().find(|(name, _)| name == tool);
            let is_denied = word.is_some_and(|(_, word)| word == "deny");
            let is_there = seen.has("tools", &format!("mcp__{}__{tool}", server.name));
            let at = format!("{at} tool {tool}");
            match is_denied {
                true => sheet.field(&at, "deny", "missing", Some(there(is_there))),
                false => sheet.there(&at, "name", is_there),
            }
            if word.is_some_and(|(_, word)| word != "deny") {
                sheet.field(&at, "allow or ask", "", None);
            }
        }
    }
}

async fn look_agents(
    seen: &Seen,
    look: &Look<'_>,
    sheet: &mut Sheet,
    document: &str,
    meant: &Meant,
) -> Result<(), Failure> {
    for agent in &meant.agents {
        let at = format!("{document}: agent {}", agent.name);
        sheet.there(&at, "name", seen.has("agents", &agent.name));
        let line = entry(&seen.told, &agent.name);
        let parts = line
            .as_deref()
            .and_then(|line| line.rsplit_once(" (Tools: "));
        sheet.field(
            &at,
            "description",
            &agent.description,
            or_missing(parts.map(|it| it.0.to_owned())),
        );
        let tools = match (agent.tools.is_empty(), agent.disallowed.is_empty()) {
            (true, true) => Some("*)".to_owned()),
            (false, true) => Some(format!("{})", agent.tools.join(", "))),
            (true, false) => Some(format!("All tools except {})", agent.disallowed.join(", "))),
            // What is left of both cannot be told from the list.
            (false, false) => None,
        };
        let listed = tools
            .is_some()
            .then(|| parts.map_or("missing", |it| it.1).to_owned());
        sheet.field(&at, "tools", &tools.unwrap_or_default(), listed);
        let (_, sent) = look
            .ask(&[STREAM, &["--agent", &agent.name]].concat())
            .await?;
        let told: String = sent.iter().map(texts).collect();
        sheet.there(&at, "prompt", told.contains(&agent.prompt));
        if let Some(model) = &agent.model {
            let class = match model.as_str() {
                "small" => "haiku",
                "medium" => "sonnet",
                "large" => "opus",
                other => other,
            };
            let used = list(sent.iter().filter_map(|body| body["model"].as_str()));
            let model = if used.contains(class) {
                class.to_owned()
            } else {
                used
            };
            sheet.field(&at, "model", class, Some(model));
        }
        if agent.steps.is_some() {
            sheet.field(&at, "maxTurns", "", None);
        }
    }
    Ok(())
}

fn there(is: bool) -> String {
    if is { "there" } else { "missing" }.to_owned()
}
