//! Claude Code: the first line of its stream lists sub-agents, skills, servers and tools; what it sends
//! to the model holds the descriptions; a run as each sub-agent holds its prompt and model.

use crate::Failure;
use crate::mcp;
use crate::meant::{Agent, Server};

use crate::report::Sheet;
use crate::sees::{Look, entry, list, or_missing, texts};
use serde_json::Value;

const STREAM: &[&str] = &["-p", "hello", "--output-format", "stream-json", "--verbose"];

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
    for (document, meant) in look.documents {
        for (name, description) in &meant.skills {
            let at = format!("{document}: skill {name}");
            sheet.there(&at, "name", has(&init, "skills", name));
            sheet.field(
                &at,
                "description",
                description,
                or_missing(entry(&told, name)),
            );
        }
        for server in &meant.servers {
            one_server(sheet, document, server, &init, &list_said.out);
        }
        for agent in &meant.agents {
            one_agent(look, sheet, document, agent, &init, &told).await?;
        }
    }
    Ok(())
}

/// Compares a server; `listed` is what `claude mcp list` says.
fn one_server(sheet: &mut Sheet, document: &str, server: &Server, init: &Value, listed: &str) {
    let at = format!("{document}: server {}", server.name);
    let is_on = init["mcp_servers"].as_array().is_some_and(|list| {
        list.iter()
            .any(|it| it["name"] == server.name.as_str() && it["status"] == "connected")
    });
    sheet.there(&at, "connected", is_on);
    let line = listed
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
        let is_there = has(init, "tools", &format!("mcp__{}__{tool}", server.name));
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

/// Compares a sub-agent; `told` is what the model is told of all of them.
async fn one_agent(
    look: &Look<'_>,
    sheet: &mut Sheet,
    document: &str,
    agent: &Agent,
    init: &Value,
    told: &str,
) -> Result<(), Failure> {
    let at = format!("{document}: agent {}", agent.name);
    sheet.there(&at, "name", has(init, "agents", &agent.name));
    let line = entry(told, &agent.name);
    let parts = line
        .as_deref()
        .and_then(|line| line.rsplit_once(" (Tools: "));
    sheet.field(
        &at,
        "description",
        &agent.description,
        or_missing(parts.map(|it| it.0.to_owned())),
    );
    tools(sheet, &at, agent, parts.map(|it| it.1));
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
        let seen = if used.contains(class) {
            class.to_owned()
        } else {
            used
        };
        sheet.field(&at, "model", class, Some(seen));
    }
    if agent.steps.is_some() {
        sheet.field(&at, "maxTurns", "", None);
    }
    Ok(())
}

/// The tools of a sub-agent, of which `shown` is the end of the client's line.
fn tools(sheet: &mut Sheet, at: &str, agent: &Agent, shown: Option<&str>) {
    let seen = Some(shown.unwrap_or("missing").to_owned());
    let named = agent.tools.clone().unwrap_or_default();
    let listed = match named.is_empty() {
        true => "none)".to_owned(),
        false => format!("{})", named.join(", ")),
    };
    match (agent.tools.is_none(), agent.disallowed.is_empty()) {
        (true, true) => sheet.field(at, "tools", "All tools)", seen),
        (true, false) => {
            let meant = format!("All tools except {})", agent.disallowed.join(", "));
            sheet.field(at, "tools", &meant, seen);
        }
        (false, true) if agent.memory.is_some() => {
            let needs = ["Read", "Write", "Edit"].map(str::to_owned);
            let needs = needs.into_iter().filter(|name| !named.contains(name));
            let all: Vec<_> = named.iter().cloned().chain(needs).collect();
            let known = (
                format!("{})", all.join(", ")),
                "`memory` brings the tools that it needs",
            );
            sheet.changed(at, "tools", &listed, seen, known);
        }
        (false, true) => sheet.field(at, "tools", &listed, seen),
        // What is left of both cannot be told from the list.
        (false, false) => sheet.field(at, "tools", "", None),
    }
}

/// Whether the client's list has this name.
fn has(init: &Value, key: &str, name: &str) -> bool {
    let list = init[key].as_array();
    list.is_some_and(|list| list.iter().any(|it| it == name || it["name"] == name))
}

fn there(is: bool) -> String {
    if is { "there" } else { "missing" }.to_owned()
}
