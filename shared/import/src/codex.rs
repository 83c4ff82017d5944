//! Codex: `.codex/agents`, `.agents/skills`, `.codex/config.toml`.

use crate::reading::{Fields, Reading};
use crate::servers::{Servers, Word, local, remote, values};
use crate::tree::Tree;
use crate::{prompt, skills};
use lattice_export::Target;
use serde_json::{Map, Value};

/// Where things stand.
pub const PLACES: &[&str] = &[".codex", ".agents", "AGENTS.md", "AGENTS.override.md"];

/// The tools of documents that change nothing and that every sub-agent of Codex has some form of.
const READING: &[&str] = &["Glob", "Grep", "Read"];

/// Reads everything.
pub fn read(reading: &mut Reading<'_>) {
    for (path, _) in reading.below(".codex/agents", ".toml") {
        agent(reading, path);
    }
    skills::read(reading, ".agents/skills", Target::Codex);
    config(reading);
}

fn agent(reading: &mut Reading<'_>, path: &str) {
    let Some(fields) = reading.toml(path) else {
        return;
    };
    let mut fields = Fields::new(reading, path, "", fields);
    let (Some(name), Some(description), Some(text)) = (
        fields.required("name"),
        fields.required("description"),
        fields.required("developer_instructions"),
    ) else {
        return;
    };
    let mut settings = Map::new();
    settings.insert("name".to_owned(), name.as_str().into());
    settings.insert("description".to_owned(), description.into());
    let model = match fields.text("model") {
        Some(model) => Some(model),
        None => effort(&mut fields),
    };
    settings.extend(model.map(|model| ("model".to_owned(), model.into())));
    match fields.text("sandbox_mode").as_deref() {
        Some("read-only") => {
            settings.insert("tools".to_owned(), READING.into());
        }
        Some(mode) => {
            let why = format!("a document has no place for `{mode}`");
            let help = "write it into the exported file again, or name `tools` of the node";
            fields.leave("sandbox_mode", why, help);
        }
        None => {}
    }
    fields.finish();
    prompt::put(reading, path, text.trim(), &mut settings);
    reading.take(path, "subAgent", &name, settings);
}

/// How hard the client's own model thinks, as a class of models.
fn effort(fields: &mut Fields<'_, '_>) -> Option<String> {
    let effort = fields.text("model_reasoning_effort")?;
    let class = match effort.as_str() {
        "low" => "small",
        "medium" => "medium",
        "high" => "large",
        _ => {
            let why = format!("`{effort}` is no class of models of a document");
            let help = "write it into the exported file again, or name a `model`";
            fields.leave("model_reasoning_effort", why, help);
            return None;
        }
    };
    Some(class.to_owned())
}

fn config(reading: &mut Reading<'_>) {
    let path = ".codex/config.toml";
    let Some(fields) = reading.toml(path) else {
        return;
    };
    let mut fields = Fields::new(reading, path, "", fields);
    let servers = fields.map("mcp_servers").unwrap_or_default();
    fields.finish();
    let mut found = Servers::default();
    for (name, server) in servers {
        let at = format!("mcp_servers.{name}");
        let Some(server) = reading.table(path, &at, server) else {
            continue;
        };
        let mut fields = Fields::new(reading, path, &at, server);
        if fields.has("enabled_tools") {
            let why = "a document cannot say which tools of a server there are, so the server is left out";
            let help = "remove it, import again, and deny tools by `permission` of a node";
            fields.leave("enabled_tools", why, help);
            continue;
        }
        let Some(setup) = setup(&mut fields) else {
            continue;
        };
        let read = |it: &mut Fields<'_, '_>| (it.truth("enabled"), it.list("disabled_tools", &[]));
        let Some((is_on, refused)) = fields.or_leave_out(read) else {
            continue;
        };
        if is_on == Some(false) {
            found.permit(path, &name, None, Word::Deny);
        }
        for tool in refused.unwrap_or_default() {
            found.permit(path, &name, Some(&tool), Word::Deny);
        }
        fields.finish();
        found.add(&name, path, setup);
    }
    found.draw(reading);
}

fn setup(fields: &mut Fields<'_, '_>) -> Option<Value> {
    if !fields.has("url") {
        let mut env = values(fields, "env", None);
        for name in fields.list("env_vars", &[]).unwrap_or_default() {
            let value = format!("{{{{secret.{name}}}}}");
            env.insert(name, value.into());
        }
        return local(fields, env);
    }
    let mut headers = values(fields, "http_headers", None);
    for (header, name) in fields.map("env_http_headers").unwrap_or_default() {
        match name {
            Tree::Text(name) => {
                headers.insert(header, format!("{{{{secret.{name}}}}}").into());
            }
            other => {
                let why = format!("it is {} and must be a text", other.kind());
                let place = format!("env_http_headers.{header}");
                fields.leave(&place, why, "mend the file and import again");
            }
        }
    }
    if let Some(name) = fields.text("bearer_token_env_var") {
        let value = format!("Bearer {{{{secret.{name}}}}}");
        headers.insert("Authorization".to_owned(), value.into());
    }
    remote(fields, headers)
}
