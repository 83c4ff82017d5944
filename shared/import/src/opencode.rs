//! OpenCode: `.opencode/agents`, `.opencode/skills`, `opencode.json`.

use crate::reading::{Fields, Reading};
use crate::servers::{Servers, Style, Word, local, remote, values};
use crate::tools::Rights;
use crate::tree::{Map as Entries, Tree};
use crate::{prompt, rules, skills};
use lattice_export::Target;
use serde_json::{Map, Value};

/// Where things stand.
pub const PLACES: &[&str] = &[".opencode", "opencode.json", "opencode.jsonc", "AGENTS.md"];

const VARIABLES: Style = Some(("{env:", '}'));

/// Reads everything.
pub fn read(reading: &mut Reading<'_>) {
    let mut found = Servers::default();
    let mut inline = Vec::new();
    for path in [
        "opencode.json",
        "opencode.jsonc",
        ".opencode/opencode.json",
        ".opencode/opencode.jsonc",
    ] {
        config(reading, path, &mut found, &mut inline);
    }
    let servers = found.names();
    for (path, name, fields) in inline {
        agent(
            reading,
            path,
            &format!("agent.{name}"),
            &name,
            fields,
            None,
            &servers,
        );
    }
    for folder in [".opencode/agents", ".opencode/agent"] {
        for (path, name) in reading.below(folder, ".md") {
            if let Some(page) = reading.page(path) {
                agent(
                    reading,
                    path,
                    "",
                    name,
                    page.fields,
                    Some(page.body),
                    &servers,
                );
            }
        }
    }
    for folder in [".opencode/skills", ".opencode/skill"] {
        skills::read(reading, folder, Target::OpenCode);
    }
    found.draw(reading);
}

fn agent(
    reading: &mut Reading<'_>,
    path: &str,
    at: &str,
    name: &str,
    fields: Entries,
    body: Option<String>,
    servers: &[String],
) {
    let mut fields = Fields::new(reading, path, at, fields);
    let mode = fields.text("mode");
    match mode.as_deref() {
        Some("subagent") => {}
        Some("primary") => {
            let why = "a person talks to it directly, and a document has sub-agents only, so it is left out";
            fields.leave(
                "mode",
                why,
                "write `mode: subagent` and import again if it may be one",
            );
            return;
        }
        _ => {
            let why =
                "a person may talk to it directly too, and the export makes a sub-agent of it only";
            fields.leave("mode", why, "write `mode` into the exported file again");
        }
    }
    if fields.truth("disable") == Some(true) {
        let why = "it is switched off, so it is left out";
        fields.leave("disable", why, "remove it and import again");
        return;
    }
    let mut settings = Map::new();
    settings.insert("name".to_owned(), name.into());
    for name in ["description", "model"] {
        let text = fields.text(name);
        settings.extend(text.map(|text| (name.to_owned(), text.into())));
    }
    for (name, setting) in [("steps", "maxTurns"), ("temperature", "temperature")] {
        let number = fields.number(name);
        settings.extend(number.map(|number| (setting.to_owned(), number)));
    }
    let text = body.or_else(|| fields.text("prompt")).unwrap_or_default();
    if text.starts_with("{file:") {
        let why = "its prompt stands in another file, so it is left out";
        let help =
            "write the prompt below the fields of a file in `.opencode/agents` and import again";
        fields.leave("prompt", why, help);
        return;
    }
    let Some(given) = fields.or_leave_out(given_rules) else {
        return;
    };
    let Some(rights) = rules::rights(&mut fields, given, servers) else {
        return;
    };
    Rights::put(rights, &mut settings);
    fields.finish();
    prompt::put(reading, path, text.trim(), &mut settings);
    reading.take(path, "subAgent", name, settings);
}

/// `permission`, behind what older files say by `tools: {write: false}`.
fn given_rules(fields: &mut Fields<'_, '_>) -> Entries {
    let word = |is_there| Tree::Text(if is_there { "allow" } else { "deny" }.to_owned());
    let mut rules: Entries = Vec::new();
    for (tool, value) in fields.map("tools").unwrap_or_default() {
        let is_there = value != Tree::Bool(false);
        // The tools that change files stand under one name among the permissions.
        let tool = match tool.as_str() {
            "write" | "patch" | "multiedit" => "edit".to_owned(),
            _ => tool,
        };
        rules.push((tool, word(is_there)));
    }
    match fields.raw("permission") {
        None => {}
        Some(Tree::Map(map)) => rules.extend(map),
        Some(whole) => rules.push(("*".to_owned(), whole)),
    }
    rules
}

type Inline = (&'static str, String, Entries);

fn config(
    reading: &mut Reading<'_>,
    path: &'static str,
    found: &mut Servers,
    inline: &mut Vec<Inline>,
) {
    let Some(fields) = reading.json(path) else {
        return;
    };
    let mut fields = Fields::new(reading, path, "", fields);
    // It only says what the other fields may be.
    fields.raw("$schema");
    let servers = fields.map("mcp").unwrap_or_default();
    let permissions = fields.map("permission").unwrap_or_default();
    let agents = fields.map("agent").unwrap_or_default();
    fields.finish();
    for (name, server) in servers {
        let at = format!("mcp.{name}");
        if let Some(server) = reading.table(path, &at, server) {
            let mut fields = Fields::new(reading, path, &at, server);
            if let Some(setup) = setup(&mut fields) {
                let Some(is_on) = fields.or_leave_out(|it| it.truth("enabled")) else {
                    continue;
                };
                if is_on == Some(false) {
                    found.permit(path, &name, None, Word::Deny);
                }
                fields.finish();
                found.add(&name, path, setup);
            }
        }
    }
    let known = found.names();
    for (key, word) in last_ones(permissions, &known) {
        let said = match &word {
            Tree::Text(text) => Word::find(text),
            _ => None,
        };
        match (rules::of_server(&key, &known), said) {
            (Some((server, tool)), Some(word)) => found.permit(path, server, tool, word),
            _ => {
                let why = "it is about the whole session, and a document speaks of the tools of MCP servers only";
                let key = format!("permission.{key}");
                reading.leave(
                    path,
                    Some(&key),
                    why,
                    "write it into the exported file again",
                );
            }
        }
    }
    for (name, agent) in agents {
        let at = format!("agent.{name}");
        if let Some(agent) = reading.table(path, &at, agent) {
            inline.push((path, name, agent));
        }
    }
}

/// The rules that count: one for all tools of a server puts those before it aside.
fn last_ones(rules: Entries, known: &[String]) -> Entries {
    let mut left: Entries = Vec::new();
    for (key, word) in rules {
        if let Some((server, None)) = rules::of_server(&key, known) {
            left.retain(|(one, _)| {
                rules::of_server(one, known).is_none_or(|(other, _)| other != server)
            });
        }
        left.push((key, word));
    }
    left
}

fn setup(fields: &mut Fields<'_, '_>) -> Option<Value> {
    let kind = fields.text("type");
    if kind.as_deref() == Some("remote") || (kind.is_none() && fields.has("url")) {
        let headers = values(fields, "headers", VARIABLES);
        return remote(fields, headers);
    }
    let env = values(fields, "environment", VARIABLES);
    local(fields, env)
}
