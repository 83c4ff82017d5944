//! `mcp`: one call of a tool of an MCP server.

use crate::Fields;
use crate::codes;
use crate::kind::{NodeKind, Opened, Output, Port};
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, code};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The type.
pub(crate) struct Mcp;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// The name under which the server is set up.
    #[schemars(length(min = 1))]
    server_id: String,
    /// How to reach the server; left out, it has to be set up where the workflow runs.
    server: Option<Server>,
    /// The tool; left out only if the model picks one.
    tool_name: Option<String>,
    /// What the tool is for.
    tool_description: Option<String>,
    /// Who chooses: left out, the parameters stand in `parameterValues`.
    mode: Option<Mode>,
    /// What the tool takes, as it was when the node was drawn.
    parameters: Option<Value>,
    /// The parameters: JSON whose strings are templates.
    parameter_values: Option<Map<String, Value>>,
    /// If the model chooses the parameters: `description`, a template, says what is wanted.
    ai_parameter_config: Option<Map<String, Value>>,
    /// If the model picks the tool: `taskDescription`, a template, says what is wanted.
    ai_tool_selection_config: Option<Map<String, Value>>,
    /// Whether the tool may be called without asking; left out, as it is set up there.
    permission: Option<Permission>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Server {
    /// A program of this machine and its arguments.
    command: Option<Vec<String>>,
    /// The environment of the program; a secret is written as `{{secret.NAME}}`.
    env: Option<Map<String, Value>>,
    /// A server elsewhere.
    url: Option<String>,
    /// Headers for it; a secret is written as `{{secret.NAME}}`.
    headers: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Mode {
    ManualParameterConfig,
    AiParameterConfig,
    AiToolSelection,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Permission {
    Allow,
    Ask,
    Deny,
}

impl NodeKind for Mcp {
    fn name(&self) -> &'static str {
        "mcp"
    }

    fn title(&self) -> &'static str {
        "MCP tool"
    }

    fn summary(&self) -> &'static str {
        "Calls a tool of an MCP server."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        fields.required_text("serverId");
        if fields.raw("server").is_some()
            && let Some(server) = fields.object("server")
        {
            open_server(opening, server);
        }
        let mode = fields.optional::<Mode>("mode");
        let picks = mode == Some(Mode::AiToolSelection);
        if fields.text("toolName").is_none() && !picks {
            fields.missing("toolName");
        }
        fields.optional::<String>("toolDescription");
        fields.raw("parameters");
        for name in [
            "parameterValues",
            "aiParameterConfig",
            "aiToolSelectionConfig",
        ] {
            if let Some(value) = fields.optional::<Map<String, Value>>(name) {
                templates(opening, &fields.at(name), &value);
            }
        }
        fields.optional::<Permission>("permission");
        fields.done();
        Some(Opened {
            output: Output::Any,
            ..Opened::new(vec![Port::out(), Port::error()], Vec::new())
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let server = code(teller.plain_or("serverId", ""));
        let told = Told::new(Need::Mcp);
        let tool = code(teller.plain_or("toolName", ""));
        let wanted = |setting: &str, field: &str| {
            let text = teller.raw(setting)?.get(field)?.as_str()?;
            Some(format!("What is wanted:\n\n{}", crate::prose::quote(text)))
        };
        match teller.plain("mode") {
            Some("aiToolSelection") => told
                .say(format!(
                    "Pick the tool of the MCP server {server} that fits best, call it once, and keep \
                     what it gives."
                ))
                .say_maybe(wanted("aiToolSelectionConfig", "taskDescription")),
            Some("aiParameterConfig") => told
                .say(format!(
                    "Call the tool {tool} of the MCP server {server} once, with parameters that you \
                     choose, and keep what it gives."
                ))
                .say_maybe(wanted("aiParameterConfig", "description")),
            _ => told
                .say(format!(
                    "Call the tool {tool} of the MCP server {server} once, and keep what it gives."
                ))
                .say_maybe(teller.shown("Its parameters are exactly these:", "parameterValues")),
        }
    }
}

fn open_server(opening: &Opening<'_>, mut fields: Fields<'_>) {
    let command = fields.optional::<Vec<String>>("command");
    let url = fields.text("url");
    let is_blank = |command: &Vec<String>| command.first().is_none_or(|one| one.trim().is_empty());
    if command.as_ref().is_some_and(is_blank) {
        fields.out_of_range("command", "`command` names no program".to_owned());
    }
    match (&command, &url) {
        (None, None) => fields.missing("command"),
        (Some(_), Some(_)) => {
            let text = "`command` and `url` exclude each other".to_owned();
            let help =
                "keep `command` for a program of this machine, or `url` for a server elsewhere";
            opening.error(codes::CONTRADICTION, &fields.at("url"), text, help);
        }
        _ => {}
    }
    let is_web = |url: &str| url.starts_with("https://") || url.starts_with("http://");
    if let Some(url) = url.as_deref().filter(|url| !is_web(url)) {
        let text = format!("`{}` is no address of a server", url.escape_debug());
        fields.out_of_range("url", text);
    }
    for (name, beside, has) in [
        ("env", "url", command.is_some()),
        ("headers", "command", url.is_some()),
    ] {
        let Some(values) = fields.optional::<Map<String, Value>>(name) else {
            continue;
        };
        templates(opening, &fields.at(name), &values);
        if !has {
            fields.unused(name, &format!("the server is given by `{beside}`"));
        }
    }
    fields.done();
}

/// What goes to the server may hold secrets.
fn templates(opening: &Opening<'_>, pointer: &str, values: &Map<String, Value>) {
    for (key, value) in values {
        let at = lattice_document::pointer_to(pointer, key);
        opening.value_to_effect(&at, value);
    }
}
