//! Claude Code: `.claude/agents`, `.claude/skills`, `.mcp.json`, `.claude/settings.json`.

use crate::reading::{Fields, Reading};
use crate::servers::{Servers, Style, Word, local, remote, values};
use crate::{prompt, skills, tools};
use lattice_export::Target;
use serde_json::Map;

/// Where things stand.
pub const PLACES: &[&str] = &[".claude", ".mcp.json", "CLAUDE.md", "CLAUDE.local.md"];

const VARIABLES: Style = Some(("${", '}'));

/// Reads everything.
pub fn read(reading: &mut Reading<'_>) {
    for (path, _) in reading.below(".claude/agents", ".md") {
        agent(reading, path);
    }
    skills::read(reading, ".claude/skills", Target::ClaudeCode);
    let mut found = Servers::default();
    servers(reading, ".mcp.json", &mut found);
    settings(reading, &mut found);
    found.draw(reading);
}

fn agent(reading: &mut Reading<'_>, path: &str) {
    let Some(page) = reading.page(path) else {
        return;
    };
    let mut fields = Fields::new(reading, path, "", page.fields);
    let (Some(name), Some(description)) = (fields.required("name"), fields.required("description"))
    else {
        return;
    };
    let mut settings = Map::new();
    settings.insert("name".to_owned(), name.as_str().into());
    settings.insert("description".to_owned(), description.into());
    let Some(rights) = tools::claude_code(&mut fields) else {
        return;
    };
    rights.put(&mut settings);
    let model = fields.text("model").filter(|model| model != "inherit");
    settings.extend(model.map(|model| ("model".to_owned(), class(&model).into())));
    let turns = fields.number("maxTurns");
    settings.extend(turns.map(|turns| ("maxTurns".to_owned(), turns)));
    for name in ["memory", "color"] {
        let text = fields.text(name);
        settings.extend(text.map(|text| (name.to_owned(), text.into())));
    }
    fields.finish();
    prompt::put(reading, path, &page.body, &mut settings);
    reading.take(path, "subAgent", &name, settings);
}

/// A model in the words of a document: the three that stand for a size are classes there.
pub fn class(model: &str) -> &str {
    match model {
        "haiku" => "small",
        "sonnet" => "medium",
        "opus" => "large",
        name => name,
    }
}

/// `mcpServers` of a file, which GitHub Copilot writes alike.
pub fn servers(reading: &mut Reading<'_>, path: &str, found: &mut Servers) {
    let Some(fields) = reading.json(path) else {
        return;
    };
    let mut fields = Fields::new(reading, path, "", fields);
    let servers = fields.map("mcpServers").unwrap_or_default();
    fields.finish();
    for (name, server) in servers {
        let at = format!("mcpServers.{name}");
        let Some(server) = reading.table(path, &at, server) else {
            continue;
        };
        let mut fields = Fields::new(reading, path, &at, server);
        let kind = fields.text("type");
        if let Some(kind @ ("sse" | "ws")) = kind.as_deref() {
            let why = format!(
                "a document has no servers of the type `{kind}`, so the server is left out"
            );
            let help = "use the server's address for `http`, if it has one, and import again";
            fields.leave("type", why, help);
            continue;
        }
        // GitHub Copilot: which tools of the server there are.
        let is_all = |tools: &Vec<String>| tools.iter().any(|tool| tool == "*");
        let Some(named) = fields.or_leave_out(|it| it.list("tools", &[','])) else {
            continue;
        };
        if named.is_some_and(|tools| !is_all(&tools)) {
            let why = "a document cannot say which tools of a server there are, so the server is left out";
            let help = "write `[\"*\"]`, import again, and deny tools by `permission` of a node";
            fields.leave("tools", why, help);
            continue;
        }
        let is_remote = matches!(kind.as_deref(), Some("http" | "streamable-http"))
            || (kind.is_none() && fields.has("url"));
        let setup = match is_remote {
            true => {
                let headers = values(&mut fields, "headers", VARIABLES);
                remote(&mut fields, headers)
            }
            false => {
                let env = values(&mut fields, "env", VARIABLES);
                local(&mut fields, env)
            }
        };
        if let Some(setup) = setup {
            fields.finish();
            found.add(&name, path, setup);
        }
    }
}

/// What tools of servers may do. What is said of other tools is about the session and not about a workflow.
fn settings(reading: &mut Reading<'_>, found: &mut Servers) {
    let path = ".claude/settings.json";
    let Some(fields) = reading.json(path) else {
        return;
    };
    let mut fields = Fields::new(reading, path, "", fields);
    let permissions = fields.map("permissions").unwrap_or_default();
    fields.finish();
    let known = found.names();
    let mut fields = Fields::new(reading, path, "permissions", permissions);
    for name in ["allow", "ask", "deny"] {
        let (Some(rules), Some(word)) = (fields.list(name, &[',']), Word::find(name)) else {
            continue;
        };
        for rule in rules {
            match of_server(&rule, &known) {
                Some((server, tool)) => found.permit(path, server, tool, word),
                None => {
                    let why = format!(
                        "`{rule}` is about the whole session, and a document speaks of the tools of MCP servers only"
                    );
                    fields.leave(name, why, "write it into the exported file again");
                }
            }
        }
    }
    fields.finish();
}

/// The server and the tool of `mcp__server__tool`; the tool is `None` for all of them.
fn of_server<'r>(rule: &'r str, known: &[String]) -> Option<(&'r str, Option<&'r str>)> {
    let rest = rule.strip_prefix("mcp__")?;
    let known = known.iter().filter(|name| {
        let behind = rest.strip_prefix(name.as_str());
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with("__"))
    });
    let (server, tool) = match known.max_by_key(|name| name.len()) {
        Some(name) => (
            rest.get(..name.len())?,
            rest.get(name.len()..)?.strip_prefix("__"),
        ),
        None => match rest.split_once("__") {
            Some((server, tool)) => (server, Some(tool)),
            None => (rest, None),
        },
    };
    match tool {
        _ if server.is_empty() || server.contains(['*', '(']) => None,
        Some("*") | None => Some((server, None)),
        Some(tool) if tool.is_empty() || tool.contains(['*', '(']) => None,
        Some(tool) => Some((server, Some(tool))),
    }
}
