//! Codex: what it sends to the model holds the roles, the skills and the tools of the servers;
//! `codex mcp list --json` shows the servers.

use crate::Failure;
use crate::mcp;
use crate::meant::Meant;
use crate::report::Sheet;
use crate::sees::{Look, list, or_missing, texts};
use serde_json::Value;

/// What the client shows.
struct Seen {
    told: String,
    sent: Vec<Value>,
    servers: Value,
}

/// Compares.
pub async fn look(look: &Look<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let (_, sent) = look.ask(&["exec", "--strict-config", "hello"]).await?;
    let told: String = sent.iter().map(texts).collect();
    let said = look.place.run(&["mcp", "list", "--json"]).await?;
    let servers: Value = serde_json::from_str(&said.out)?;
    let seen = Seen {
        told,
        sent,
        servers,
    };
    for (document, meant) in look.documents {
        look_skills(&seen, sheet, document, meant);

        look_servers(&seen, sheet, document, meant);

        look_agents(&seen, sheet, document, meant);
    }
    Ok(())
}

fn look_skills(seen: &Seen, sheet: &mut Sheet, document: &str, meant: &Meant) {
    for (name, description) in &meant.skills {
        let at = format!("{document}: skill {name}");
        let start = format!("- {name}: ");
        let line = seen.told.lines().find_map(|line| line.strip_prefix(&start));
        let about = line
            .and_then(|line| line.rsplit_once(" (file: "))
            .map(|it| it.0.to_owned());
        sheet.there(&at, "name", line.is_some());
        sheet.field(&at, "description", description, or_missing(about));
    }
}

fn look_servers(seen: &Seen, sheet: &mut Sheet, document: &str, meant: &Meant) {
    for server in &meant.servers {
        let at = format!("{document}: server {}", server.name);
        let mut listed = seen.servers.as_array().into_iter().flatten();
        let found = listed
            .find(|it| it["name"] == server.name.as_str())
            .unwrap_or(&Value::Null);
        let way = &found["transport"];
        let text = |value: &Value| value.as_str().unwrap_or("missing").to_owned();
        if let Some(url) = &server.url {
            sheet.field(&at, "url", url, Some(text(&way["url"])));
        } else {
            let args = way["args"].as_array().into_iter().flatten().map(text);
            let command: Vec<_> = std::iter::once(text(&way["command"])).chain(args).collect();
            sheet.field(
                &at,
                "command",
                &server.command.join(" "),
                Some(command.join(" ")),
            );
        }
        let denied = |tool: &&&str| {
            server
                .permissions
                .iter()
                .any(|(name, word)| name == **tool && word == "deny")
        };
        let wanted = list(mcp::TOOLS.iter().filter(|tool| !denied(tool)).copied());
        let space = format!("mcp__{}", server.name);
        let all = seen
            .sent
            .iter()
            .filter_map(|body| body["tools"].as_array())
            .flatten();
        let of = all.filter(|tool| tool["name"] == space.as_str());
        let names = of.filter_map(|tool| tool["tools"].as_array()).flatten();
        let found = list(names.filter_map(|tool| tool["name"].as_str()));
        sheet.field(&at, "tools and deny", &wanted, Some(found));
        if server.permissions.iter().any(|(_, word)| word != "deny") {
            sheet.field(&at, "allow or ask", "", None);
        }
    }
}

fn look_agents(seen: &Seen, sheet: &mut Sheet, document: &str, meant: &Meant) {
    for agent in &meant.agents {
        let at = format!("{document}: agent {}", agent.name);
        let start = format!("\n{}: {{\n", agent.name);
        let role = seen
            .told
            .split_once(&start)
            .and_then(|it| it.1.split_once("\n}"))
            .map(|it| it.0);
        sheet.there(&at, "name", role.is_some());
        let first = role.and_then(|role| role.lines().next()).map(str::to_owned);
        sheet.field(&at, "description", &agent.description, or_missing(first));
        let effort = match agent.model.as_deref() {
            Some("small") => Some("low"),
            Some("medium") => Some("medium"),
            Some("large") => Some("high"),
            _ => None,
        };
        if let Some(effort) = effort {
            let parts = role.and_then(|role| role.split_once("effort is set to `"));
            let found = parts
                .and_then(|it| it.1.split('`').next())
                .map(str::to_owned);
            sheet.field(&at, "model", effort, or_missing(found));
        }
        sheet.field(&at, "prompt", "", None);
        sheet.field(&at, "tools", "", None);
    }
}
