//! OpenCode: `debug config`, `debug agent` and `debug skill` show everything that it read; a run shows
//! the tools of the servers.

use crate::Failure;
use crate::mcp;
use crate::meant::{Agent, Server};
use crate::report::Sheet;
use crate::sees::{Look, list, or_missing, tools};
use serde_json::Value;

/// Compares.
pub async fn look(look: &Look<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let (_, sent) = look.ask(&["run", "-m", "mock/mock", "hello"]).await?;
    let config: Value = serde_json::from_str(&look.place.run(&["debug", "config"]).await?.out)?;
    let skills: Value = serde_json::from_str(&look.place.run(&["debug", "skill"]).await?.out)?;
    let offered = tools(&sent);
    for (document, meant) in look.documents {
        for (name, description) in &meant.skills {
            let at = format!("{document}: skill {name}");
            let mut all = skills.as_array().into_iter().flatten();
            let found = all.find(|it| it["name"] == name.as_str());
            sheet.there(&at, "name", found.is_some());
            let seen = found
                .and_then(|it| it["description"].as_str())
                .map(str::to_owned);
            sheet.field(&at, "description", description, or_missing(seen));
        }
        for server in &meant.servers {
            one_server(sheet, document, server, &config, &offered);
        }
        for agent in &meant.agents {
            one_agent(look, sheet, document, agent).await?;
        }
    }
    Ok(())
}

/// Compares a server; `offered` are the tools of a run.
fn one_server(
    sheet: &mut Sheet,
    document: &str,
    server: &Server,
    config: &Value,
    offered: &[String],
) {
    let at = format!("{document}: server {}", server.name);
    let found = &config["mcp"][&server.name];
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
        let seen = words.collect::<Vec<_>>().join(" ");
        sheet.field(&at, "command", &server.command.join(" "), Some(seen));
    }
    for tool in mcp::TOOLS {
        let key = format!("{}_{tool}", server.name);
        let word = server.permissions.iter().find(|(name, _)| name == tool);
        let is_denied = word.is_some_and(|(_, word)| word == "deny");
        let at = format!("{at} tool {tool}");
        let seen = if offered.contains(&key) {
            "there"
        } else {
            "missing"
        };
        let wanted = if is_denied { "missing" } else { "there" };
        sheet.field(&at, "name", wanted, Some(seen.to_owned()));
        if let Some((_, word)) = word {
            let seen = config["permission"][&key].as_str().map(str::to_owned);
            sheet.field(&at, "permission", word, or_missing(seen));
        }
    }
}

/// Compares a sub-agent.
async fn one_agent(
    look: &Look<'_>,
    sheet: &mut Sheet,
    document: &str,
    agent: &Agent,
) -> Result<(), Failure> {
    let at = format!("{document}: agent {}", agent.name);
    let said = look.place.run(&["debug", "agent", &agent.name]).await?;
    sheet.there(&at, "name", said.is_ok);
    let found: Value = serde_json::from_str(&said.out).unwrap_or(Value::Null);
    let seen = |key: &str| or_missing(found[key].as_str().map(str::to_owned));
    sheet.field(&at, "mode", "subagent", seen("mode"));
    sheet.field(&at, "description", &agent.description, seen("description"));
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
    let on = |name: &str| found["tools"][name] == true;
    if let Some(tools) = &agent.tools {
        let all = found["tools"].as_object().into_iter().flatten();
        let seen = list(
            all.filter(|(_, on)| **on == true)
                .map(|(name, _)| name.clone()),
        );
        let own = tools.iter().filter(|name| !name.starts_with("mcp__"));
        let words = own.flat_map(|name| match name.as_str() {
            "Edit" | "Write" => vec!["edit".to_owned(), "write".to_owned()],
            other => vec![other.to_lowercase()],
        });
        let wanted: std::collections::BTreeSet<_> = words.collect();
        sheet.field(&at, "tools", &list(wanted), Some(seen));
    }
    for name in &agent.disallowed {
        let seen = if on(&name.to_lowercase()) {
            "there"
        } else {
            "missing"
        };
        sheet.field(&at, "disallowedTools", "missing", Some(seen.to_owned()));
    }
    Ok(())
}
