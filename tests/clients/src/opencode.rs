//! OpenCode: `debug config`, `debug agent` and `debug skill` show everything that it read; a run shows
//! the tools of the servers.

use crate::Failure;
use crate::mcp;
use crate::meant::Meant;
use crate::report::Sheet;
use crate::sees::{Look, list, or_missing, tools};
use serde_json::Value;
use std::collections::BTreeSet;

/// What the client shows.
struct Seen {
    config: Value,
    skills: Value,
    offered: Vec<String>,
}

/// Compares.
pub async fn look(look: &Look<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let (_, sent) = look.ask(&["run", "-m", "mock/mock", "hello"]).await?;
    let config: Value = serde_json::from_str(&look.place.run(&["debug", "config"]).await?.out)?;
    let skills: Value = serde_json::from_str(&look.place.run(&["debug", "skill"]).await?.out)?;
    let offered = tools(&sent);
    let seen = Seen {
        config,
        skills,
        offered,
    };
    for (document, meant) in look.documents {
        look_skills(&seen, sheet, document, meant);

        look_servers(&seen, sheet, document, meant);

        look_agents(look, sheet, document, meant).await?;
    }
    Ok(())
}

fn look_skills(seen: &Seen, sheet: &mut Sheet, document: &str, meant: &Meant) {
    for (name, description) in &meant.skills {
        let at = format!("{document}: skill {name}");
        let mut all = seen.skills.as_array().into_iter().flatten();
        let found = all.find(|it| it["name"] == name.as_str());
        sheet.there(&at, "name", found.is_some());
        let about = found
            .and_then(|it| it["description"].as_str())
            .map(str::to_owned);
        sheet.field(&at, "description", description, or_missing(about));
    }
}

fn look_servers(seen: &Seen, sheet: &mut Sheet, document: &str, meant: &Meant) {
    for server in &meant.servers {
        let at = format!("{document}: server {}", server.name);
        let found = &seen.config["mcp"][&server.name];
        if let Some(url) = &server.url {
            sheet.field(
                &at,
                "url",
                url,
                or_missing(found["url"].as_str().map(str::to_owned)),
            );
        } else {
            let words = found["command"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str);
            let command = words.collect::<Vec<_>>().join(" ");
            sheet.field(&at, "command", &server.command.join(" "), Some(command));
        }
        for tool in mcp::TOOLS {
            let key = format!("{}_{tool}", server.name);
            let word = server.permissions.iter().find(|(name, _)| name == tool);
            let is_denied = word.is_some_and(|(_, word)| word == "deny");
            let at = format!("{at} tool {tool}");
            let shown = if seen.offered.contains(&key) {
                "there"
            } else {
                "missing"
            };
            let wanted = if is_denied { "missing" } else { "there" };
            sheet.field(&at, "name", wanted, Some(shown.to_owned()));
            if let Some((_, word)) = word {
                let given = seen.config["permission"][&key].as_str().map(str::to_owned);
                sheet.field(&at, "permission", word, or_missing(given));
            }
        }
    }
}

async fn look_agents(
    look: &Look<'_>,
    sheet: &mut Sheet,
    document: &str,
    meant: &Meant,
) -> Result<(), Failure> {
    for agent in &meant.agents {
        let at = format!("{document}: agent {}", agent.name);
        let said = look.place.run(&["debug", "agent", &agent.name]).await?;
        sheet.there(&at, "name", said.is_ok);
        let found: Value = serde_json::from_str(&said.out).unwrap_or(Value::Null);
        let text = |key: &str| or_missing(found[key].as_str().map(str::to_owned));
        sheet.field(&at, "mode", "subagent", text("mode"));
        sheet.field(&at, "description", &agent.description, text("description"));
        let prompt = found["prompt"].as_str().unwrap_or_default();
        sheet.there(&at, "prompt", prompt.starts_with(&agent.prompt));
        if let Some(steps) = agent.steps {
            sheet.field(
                &at,
                "maxTurns",
                &steps.to_string(),
                Some(found["steps"].to_string()),
            );
        }
        if agent.model.is_some() {
            sheet.field(&at, "model", "", None);
        }

        if !agent.tools.is_empty() {
            let all = found["tools"].as_object().into_iter().flatten();
            let on = list(
                all.filter(|(_, on)| **on == true)
                    .map(|(name, _)| name.clone()),
            );
            let own = agent.tools.iter().filter(|name| !name.starts_with("mcp__"));
            let words = own.flat_map(|name| match name.as_str() {
                "Edit" | "Write" => vec!["edit".to_owned(), "write".to_owned()],
                other => vec![other.to_lowercase()],
            });
            let wanted: BTreeSet<_> = words.collect();
            sheet.field(&at, "tools", &list(wanted), Some(on));
        }
        for name in &agent.disallowed {
            let shown = if found["tools"][name.to_lowercase()] == true {
                "there"
            } else {
                "missing"
            };
            sheet.field(&at, "disallowedTools", "missing", Some(shown.to_owned()));
        }
    }
    Ok(())
}
