//! GitHub Copilot: `skill list --json` shows the skills; a run as each agent shows its prompt and its
//! tools, and a run as nobody the tools of the servers.

use crate::Failure;
use crate::mcp;
use crate::meant::Meant;
use crate::report::Sheet;
use crate::sees::{Look, entry, list, or_missing, texts, tools};
use serde_json::Value;
use std::collections::BTreeSet;

/// Tools that every agent has, whatever its list says.
const ALWAYS: &[&str] = &["skill", "sql"];

/// What the client shows.
struct Seen {
    skills: Value,
    told: String,
    offered: Vec<String>,
}

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
    let seen = Seen {
        skills,
        told,
        offered,
    };
    for (document, meant) in look.documents {
        look_skills(&seen, sheet, document, meant);

        look_servers(&seen, look, sheet, document, meant).await?;

        look_agents(&seen, look, sheet, document, meant).await?;
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

async fn look_servers(
    seen: &Seen,
    look: &Look<'_>,
    sheet: &mut Sheet,
    document: &str,
    meant: &Meant,
) -> Result<(), Failure> {
    for server in &meant.servers {
        let at = format!("{document}: server {}", server.name);
        let said = look.place.run(&["mcp", "get", &server.name]).await?;
        let wanted = server
            .url
            .clone()
            .unwrap_or_else(|| server.command.join(" "));
        // A folder that is not trusted for good shows no servers there.
        let shown = said
            .is_ok
            .then(|| said.out.lines().any(|line| line.contains(&wanted)));
        let shown = shown.map(|is| if is { wanted.clone() } else { said.out.clone() });
        sheet.field(&at, "command or url", &wanted, shown);
        for tool in mcp::TOOLS {
            let is_denied = server
                .permissions
                .iter()
                .any(|(name, word)| name == tool && word == "deny");
            let is_there = seen.offered.contains(&format!("{}-{tool}", server.name));
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
    }
    Ok(())
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
        let (_, sent) = look
            .ask(&["--trust-folder", "-p", "hello", "--agent", &agent.name])
            .await?;
        let as_agent: String = sent.iter().map(texts).collect();
        sheet.there(&at, "prompt", as_agent.contains(&agent.prompt));
        sheet.field(
            &at,
            "description",
            &agent.description,
            entry(&seen.told, &agent.name),
        );
        if agent.tools.is_empty() {
            continue;
        }
        let words = agent.tools.iter().flat_map(|name| match name.as_str() {
            "Read" => vec!["view".to_owned()],
            "Grep" | "Glob" => vec!["grep".to_owned(), "glob".to_owned()],
            other => vec![other.trim_start_matches("mcp__").replace("__", "-")],
        });
        let wanted: BTreeSet<_> = words.collect();
        let is_known = wanted
            .iter()
            .all(|name| !name.starts_with(char::is_uppercase));
        let offered = tools(&sent)
            .into_iter()
            .filter(|name| !ALWAYS.contains(&name.as_str()));
        sheet.field(&at, "tools", &list(wanted), is_known.then(|| list(offered)));
    }
    Ok(())
}
