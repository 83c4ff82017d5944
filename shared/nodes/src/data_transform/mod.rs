//! `dataTransform`: a JMESPath or JSONPath query over a value.

use crate::kind::{InputUse, NodeKind, Opened, Output, Part, Port};
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, fenced};
use lattice_document::{PORT_ERROR, PORT_OUT};
use lattice_expr::{Transform, TransformKind};
use lattice_ir::{Eval, OpKind, Transform as IrTransform, TransformLanguage};
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::Value;

/// The type.
pub(crate) struct DataTransform;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// The language of the query.
    transformation_type: Language,
    /// The query.
    expression: String,
    /// What to query: a template, or JSON whose strings are templates. Left out, it is the output
    /// of the node before this one.
    input: Option<Value>,
    /// What the node gives if the query fails.
    fallback_value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Language {
    Jmespath,
    Jsonpath,
    Javascript,
}

impl NodeKind for DataTransform {
    fn name(&self) -> &'static str {
        "dataTransform"
    }

    fn title(&self) -> &'static str {
        "Transform data"
    }

    fn summary(&self) -> &'static str {
        "Picks and reshapes data with a JMESPath or JSONPath query."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let language = fields.required::<Language>("transformationType");
        let expression = fields.required_text("expression").unwrap_or_default();
        let input = fields.raw("input").cloned();
        if let Some(input) = &input {
            opening.value(&fields.at("input"), input);
        }
        let fallback = fields.raw("fallbackValue").cloned();
        let language = language.and_then(|language| {
            let at = fields.at("expression");
            check(opening, &at, language, &expression)
        });
        fields.done();
        let transform = IrTransform {
            language: language.unwrap_or(TransformLanguage::Jmespath),
            expression,
        };
        let needs = match input {
            Some(_) => InputUse::None,
            None => InputUse::Required("input"),
        };
        let part = Part::main(move |lowering| {
            let before = || lowering.input().map(Value::from);
            OpKind::Eval(Eval {
                input: input.clone().or_else(before).unwrap_or_default(),
                transform: Some(transform.clone()),
                fallback: fallback.clone(),
                next: lowering.to(PORT_OUT),
                on_error: lowering.to_maybe(PORT_ERROR),
            })
        });
        Some(Opened {
            output: Output::Any,
            input: needs,
            ..Opened::new(vec![Port::out(), Port::error()], vec![part])
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let language = teller.plain_or("transformationType", "jmespath");
        let input = teller.shown("What it is applied to:", "input");
        Told::new(Need::Transform)
            .say(format!(
                "Apply this {language} expression exactly, and keep what it gives as the result of this \
                 step:\n\n{}",
                fenced(language, teller.plain_or("expression", ""))
            ))
            .say(input.unwrap_or_else(|| {
                "It is applied to the result of the step before this one.".to_owned()
            }))
            .say_maybe(teller.shown("If it cannot be applied, the result is:", "fallbackValue"))
    }
}

fn check(
    opening: &Opening<'_>,
    pointer: &str,
    language: Language,
    expression: &str,
) -> Option<TransformLanguage> {
    let kind = match language {
        Language::Jmespath => TransformKind::JmesPath,
        Language::Jsonpath => TransformKind::JsonPath,
        Language::Javascript => {
            let help = "write the query in `jmespath` or `jsonpath`";
            opening.not_yet("transformationType", "javascript", help);
            return None;
        }
    };
    if !expression.is_empty() {
        opening.query(pointer, Transform::parse(kind, expression));
    }
    Some(match language {
        Language::Jsonpath => TransformLanguage::Jsonpath,
        Language::Jmespath | Language::Javascript => TransformLanguage::Jmespath,
    })
}
