//! GitHub Copilot: `skill list --json` shows the skills; a run as each agent shows its prompt and its
//! tools, and a run as nobody the tools of the servers.

use crate::Failure;
use crate::mcp;
use crate::meant::{Agent, Server};
use crate::report::Sheet;
use crate::sees::{Look, entry, list, or_missing, texts, tools};
use serde_json::Value;

/// Tools that every agent has, whatever its list says.
const ALWAYS: &[&str] = &["skill", "sql"];

/// Compares.
pub async fn look(look: &Look<'_>, sheet: &mut Sheet) -> Result<(), Failure> {
    let skills: Value =
        serde_json::from_str(&look.place.run(&["skill", "list", "--json"]).await?.out)?;
    let denied = look
        .documents
        .iter()
        .flat_map(|(_, meant)| &meant.servers)
        .flat_map(|server| {
            let denied = server.permissions.iter().filter(|(_, word)| word == "deny");
            denied.map(|(tool, _)| format!("{}({tool})", server.name))
        });
    let flags: Vec<_> = denied
        .flat_map(|tool| ["--deny-tool".to_owned(), tool])
        .collect();
    let words: Vec<&str> = ["--trust-folder", "-p", "hello"]
        .into_iter()
        .chain(flags.iter().map(String::as_str))
        .collect();
    let (_, sent) = look.ask(&words).await?;
    let told: String = sent.iter().map(texts).collect();
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
            one_server(look, sheet, document, server, &offered).await?;
        }
        for agent in &meant.agents {
            one_agent(look, sheet, document, agent, &told).await?;
        }
    }
    Ok(())
}

/// Compares a server; `offered` are the tools of a run.
async fn one_server(
    look: &Look<'_>,
    sheet: &mut Sheet,
    document: &str,
    server: &Server,
    offered: &[String],
) -> Result<(), Failure> {
    let at = format!("{document}: server {}", server.name);
    let said = look.place.run(&["mcp", "get", &server.name]).await?;
    let wanted = server
        .url
        .clone()
        .unwrap_or_else(|| server.command.join(" "));
    // A folder that is not trusted for good shows no servers there.
    let seen = said
        .is_ok
        .then(|| said.out.lines().any(|line| line.contains(&wanted)));
    let seen = seen.map(|is| if is { wanted.clone() } else { said.out.clone() });
    sheet.field(&at, "command or url", &wanted, seen);
    for tool in mcp::TOOLS {
        let is_denied = server
            .permissions
            .iter()
            .any(|(name, word)| name == tool && word == "deny");
        let is_there = offered.contains(&format!("{}-{tool}", server.name));
        let at = format!("{at} tool {tool}");
        match is_denied {
            // The client refuses the call, and may offer the tool all the same.
            true => sheet.field(
                &at,
                "deny",
                "missing",
                (!is_there).then(|| "missing".to_owned()),
            ),
            false => sheet.there(&at, "name", is_there),
        }
    }
    Ok(())
}

/// Compares an agent; `told` is what the model is told when nobody is chosen.
async fn one_agent(
    look: &Look<'_>,
    sheet: &mut Sheet,
    document: &str,
    agent: &Agent,
    told: &str,
) -> Result<(), Failure> {
    let at = format!("{document}: agent {}", agent.name);
    let (_, sent) = look
        .ask(&["--trust-folder", "-p", "hello", "--agent", &agent.name])
        .await?;
    let as_agent: String = sent.iter().map(texts).collect();
    sheet.there(&at, "prompt", as_agent.contains(&agent.prompt));
    sheet.field(
        &at,
        "description",
        &agent.description,
        entry(told, &agent.name),
    );
    let Some(named) = &agent.tools else {
        return Ok(());
    };
    let words = named.iter().flat_map(|name| match name.as_str() {
        "Read" => vec!["view".to_owned()],
        "Grep" | "Glob" => vec!["grep".to_owned(), "glob".to_owned()],
        other => vec![other.trim_start_matches("mcp__").replace("__", "-")],
    });
    let wanted: std::collections::BTreeSet<_> = words.collect();
    let is_known = wanted
        .iter()
        .all(|name| !name.starts_with(char::is_uppercase));
    let seen = tools(&sent)
        .into_iter()
        .filter(|name| !ALWAYS.contains(&name.as_str()));
    sheet.field(&at, "tools", &list(wanted), is_known.then(|| list(seen)));
    Ok(())
}
