//! `prompt`: one answer of a language model.

use crate::Fields;
use crate::kind::{NodeKind, Opened, Output, Part, Port};
use crate::model_call::{Bounds, Targets, call};
use crate::opening::{Opening, Secrets};
use crate::prose::{Need, Teller, Told};
use lattice_document::PORT_OUT;
use lattice_ir::{ModelCall, OpKind};
use lattice_model::limits;
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Value, json};

/// The type.
pub(crate) struct Prompt;

/// The class that is asked unless the node names one.
const MODEL_DEFAULT: &str = "medium";
/// The way on when the last attempt ran out of time.
const PORT_TIMEOUT: &str = "timeout";

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// What the model is asked: a template.
    #[schemars(length(min = 1))]
    prompt: String,
    /// How it should behave: a template.
    system: Option<String>,
    /// A class (`small`, `medium`, `large`) or the name of a model.
    model: Option<String>,
    /// What the answer must be, as JSON Schema; left out, the answer is a text.
    output_schema: Option<Value>,
    /// How many tokens the answer may have.
    #[schemars(range(min = 1, max = 1_000_000))]
    max_output_tokens: Option<u32>,
    /// How freely the model chooses its words.
    #[schemars(range(min = 0, max = 2))]
    temperature: Option<f64>,
    /// Time for one attempt, in milliseconds.
    #[schemars(range(min = 1, max = 600_000))]
    timeout_ms: Option<u64>,
    /// How often it is tried in all.
    #[schemars(range(min = 1, max = 5))]
    max_attempts: Option<u32>,
}

impl NodeKind for Prompt {
    fn name(&self) -> &'static str {
        "prompt"
    }

    fn title(&self) -> &'static str {
        "Prompt"
    }

    fn summary(&self) -> &'static str {
        "Asks a language model once and keeps the answer."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let prompt = fields.required_text("prompt").unwrap_or_default();
        opening.template(&fields.at("prompt"), &prompt, Secrets::Allowed);
        let system = fields.text("system");
        if let Some(text) = &system {
            opening.template(&fields.at("system"), text, Secrets::Allowed);
        }
        let output_schema = fields.raw("outputSchema").cloned();
        if let Some(schema) = &output_schema {
            opening.schema(&fields.at("outputSchema"), schema);
        }
        let model = ModelCall {
            model: fields
                .text("model")
                .unwrap_or_else(|| MODEL_DEFAULT.to_owned()),
            system,
            prompt,
            output_schema: output_schema.clone(),
            max_output_tokens: small(
                &mut fields,
                "maxOutputTokens",
                limits::MODEL_OUTPUT_TOKENS_MAX,
            ),
            temperature_milli: temperature(&mut fields),
        };
        let default = Bounds::default();
        let timeout_ms = fields.whole("timeoutMs", 1..=limits::STAGE_TIMEOUT_MS_MAX);
        let attempts_max = small(&mut fields, "maxAttempts", limits::STAGE_ATTEMPTS_MAX);
        let bounds = Bounds {
            timeout_ms: timeout_ms.unwrap_or(default.timeout_ms),
            attempts_max: attempts_max.unwrap_or(default.attempts_max),
        };
        fields.done();
        let part = Part::main(move |lowering| {
            let targets = Targets {
                next: lowering.to(PORT_OUT),
                on_error: lowering.to_maybe(lattice_document::PORT_ERROR),
                on_timeout: lowering.to_maybe(PORT_TIMEOUT),
            };
            OpKind::Call(call(model.clone(), bounds, targets))
        });
        let ports = vec![Port::out(), Port::error(), Port::failure(PORT_TIMEOUT)];
        Some(Opened {
            output: Output::Shape(output_schema.unwrap_or_else(|| json!({"type": "string"}))),
            ..Opened::new(ports, vec![part])
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        Told::new(Need::Model)
            .say("Do this yourself, and keep your answer as the result of this step.")
            .say_maybe(teller.shown("How to go about it:", "system"))
            .say_maybe(teller.shown("The task:", "prompt"))
            .say_maybe(teller.shown(
                "The answer must be JSON of this schema, and nothing else:",
                "outputSchema",
            ))
    }
}

/// A whole number from 1 to `max`.
fn small(fields: &mut Fields<'_>, name: &'static str, max: u32) -> Option<u32> {
    let number = fields.whole(name, 1..=u64::from(max))?;
    u32::try_from(number).ok()
}

/// A Program has no fractions, so a temperature is kept in thousandths.
fn temperature(fields: &mut Fields<'_>) -> Option<u32> {
    let given: f64 = fields.optional("temperature")?;
    let milli = (given * 1_000.0).round();
    if (0.0..=f64::from(limits::TEMPERATURE_MILLI_MAX)).contains(&milli) {
        return Some(milli as u32);
    }
    let text = format!("`temperature` is {given}, and must be from 0 to 2");
    fields.out_of_range("temperature", text);
    None
}
