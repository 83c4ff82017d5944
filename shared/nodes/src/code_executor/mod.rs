//! `codeExecutor`: JavaScript in a sandbox.

use crate::codes;
use crate::kind::{NodeKind, Opened, Output, Port};
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, duration, fenced};
use lattice_model::limits::STAGE_TIMEOUT_MS_MAX;
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::Value;

/// The type.
pub(crate) struct CodeExecutor;

/// Beyond JavaScript, what older documents name.
const JAVASCRIPT: &[&str] = &["javascript", "js"];

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// `javascript`, which is also what is meant if it is left out.
    language: Option<String>,
    /// The body of a function that is given `input` and returns JSON.
    #[schemars(length(min = 1))]
    code: String,
    /// What `input` is: JSON whose strings are templates. Left out, it is what came before this node.
    input: Option<Value>,
    /// How long it may take, in milliseconds.
    #[schemars(range(min = 1, max = STAGE_TIMEOUT_MS_MAX))]
    timeout: Option<u64>,
}

impl NodeKind for CodeExecutor {
    fn name(&self) -> &'static str {
        "codeExecutor"
    }

    fn title(&self) -> &'static str {
        "Code"
    }

    fn summary(&self) -> &'static str {
        "Runs JavaScript in a sandbox and keeps what it returns."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let language = fields.text("language");
        let other = language.filter(|name| !JAVASCRIPT.contains(&name.to_lowercase().as_str()));
        if let Some(name) = other {
            let text = format!("code in `{}` cannot be run", name.escape_debug());
            let help = "write it in JavaScript; for a program of your own, serve it and call it with \
                        `httpRequest` or `mcp`";
            opening.error(codes::OTHER_LANGUAGE, &fields.at("language"), text, help);
        }
        fields.required_text("code");
        if let Some(input) = fields.raw("input") {
            opening.value(&fields.at("input"), input);
        }
        fields.whole("timeout", 1..=STAGE_TIMEOUT_MS_MAX);
        fields.done();
        Some(Opened {
            output: Output::Any,
            ..Opened::new(vec![Port::out(), Port::error()], Vec::new())
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let limit = teller
            .number("timeout")
            .map(|ms| format!("It has failed if it takes longer than {}.", duration(ms)));
        let input = teller
            .shown("`input` is:", "input")
            .unwrap_or_else(|| "`input` is the result of the step before this one.".to_owned());
        Told::new(Need::Code)
            .say(
                "Run this JavaScript as the body of a function of `input`, without network and \
                 files, and keep what it returns. Run it; do not guess what it gives.",
            )
            .say(fenced("javascript", teller.plain_or("code", "")))
            .say(input)
            .say_maybe(limit)
    }
}
