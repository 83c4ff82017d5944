//! `subAgent`: a model with tools of its own, which works until it has an answer.

use crate::codes;
use crate::kind::{NodeKind, Opened, Output, Port};
use crate::opening::{Opening, Secrets};
use crate::prose::{Need, Teller, Told, code};
use crate::word_list;
use lattice_model::limits::{AGENT_TURNS_MAX, LABEL_CHARS_MAX};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::{Value, json};

/// The type.
pub(crate) struct SubAgent;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// What it is called; left out, as the node.
    name: Option<String>,
    /// When to turn to it, in a sentence or two.
    description: Option<String>,
    /// What it has to do: a template.
    #[schemars(length(min = 1))]
    prompt: String,
    /// A class (`small`, `medium`, `large`) or the name of a model.
    model: Option<String>,
    /// The tools that it may use: a list, or a text with commas. Left out, all that there are; an empty list: none.
    tools: Option<Value>,
    /// The tools that it may not use.
    disallowed_tools: Option<Value>,
    /// Whose notes it keeps between runs; left out, none.
    memory: Option<Memory>,
    /// How often it may turn to the model.
    #[schemars(range(min = 1, max = AGENT_TURNS_MAX))]
    max_turns: Option<u64>,
    /// What its answer must be, as JSON Schema; left out, the answer is a text.
    output_schema: Option<Value>,
    /// How freely the model chooses its words.
    #[schemars(range(min = 0, max = 2))]
    temperature: Option<f64>,
    /// How it is marked where agents are listed.
    color: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Memory {
    User,
    Project,
    Local,
}

impl NodeKind for SubAgent {
    fn name(&self) -> &'static str {
        "subAgent"
    }

    fn title(&self) -> &'static str {
        "Sub-agent"
    }

    fn summary(&self) -> &'static str {
        "Hands a task to a model that works with tools until it has an answer."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let name = fields.text("name").unwrap_or_default();
        if name.chars().count() > LABEL_CHARS_MAX {
            let text = format!("`name` has more than {LABEL_CHARS_MAX} characters");
            fields.out_of_range("name", text);
        }
        fields.optional::<String>("description");
        let prompt = fields.required_text("prompt").unwrap_or_default();
        opening.template(&fields.at("prompt"), &prompt, Secrets::Allowed);
        fields.text("model");
        let tools = word_list(opening, &mut fields, "tools");
        let refused = word_list(opening, &mut fields, "disallowedTools");
        if let Some(both) = tools.iter().find(|tool| refused.contains(tool)) {
            let text = format!(
                "`{}` stands in `tools` and in `disallowedTools`",
                both.escape_debug()
            );
            let at = fields.at("disallowedTools");
            opening.error(codes::CONTRADICTION, &at, text, "name it in one of them");
        }
        fields.optional::<Memory>("memory");
        fields.whole("maxTurns", 1..=AGENT_TURNS_MAX);
        let schema = fields.raw("outputSchema").cloned();
        if let Some(schema) = &schema {
            opening.schema(&fields.at("outputSchema"), schema);
        }
        if let Some(given) = fields.optional::<f64>("temperature")
            && !(0.0..=2.0).contains(&given)
        {
            let text = format!("`temperature` is {given}, and must be from 0 to 2");
            fields.out_of_range("temperature", text);
        }
        fields.optional::<String>("color");
        fields.done();
        Some(Opened {
            output: Output::Shape(schema.unwrap_or_else(|| json!({"type": "string"}))),
            ..Opened::new(vec![Port::out(), Port::error()], Vec::new())
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let turns = teller.number("maxTurns").map(|turns| {
            format!("It may take at most {turns} turns; if it has no answer then, it has failed.")
        });
        let tools = teller.listed("tools").map(|tools| {
            let tools: Vec<_> = tools.iter().map(|tool| code(tool)).collect();
            match tools.is_empty() {
                true => "It uses no tools.".to_owned(),
                false => format!("It uses no tools but {}.", tools.join(", ")),
            }
        });
        Told::new(Need::SubAgent)
            .say("Its result is what the sub-agent answers.")
            .say_maybe(tools)
            .say_maybe(turns)
            .say_maybe(teller.shown(
                "The answer must be JSON of this schema; ask again once if it is not:",
                "outputSchema",
            ))
    }
}
