//! `skill`: loads a `SKILL.md` and follows it.

use crate::kind::{NodeKind, Opened, Output, Port};
use crate::opening::{Opening, Secrets};
use crate::prose::{Need, Teller, Told, code};
use crate::word_list;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use serde_json::Value;

/// The type.
pub(crate) struct Skill;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// The name of the skill.
    #[schemars(length(min = 1))]
    name: String,
    /// When to use it, in a sentence or two.
    description: Option<String>,
    /// Where it is kept; left out, `project`.
    scope: Option<SkillScope>,
    /// Where its `SKILL.md` stands. It may be left out if `instructions` holds what it says.
    skill_path: Option<String>,
    /// What the skill says, if the workflow brings it along.
    instructions: Option<String>,
    /// Whether it is followed, which is what happens when this is left out, or only kept in mind.
    execution_mode: Option<ExecutionMode>,
    /// What to do with it: a template.
    execution_prompt: Option<String>,
    /// The tools that it may use without asking: a list, or a text with commas.
    allowed_tools: Option<Value>,
    /// A class (`small`, `medium`, `large`) or the name of a model.
    model: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SkillScope {
    /// Of one person.
    #[serde(alias = "personal")]
    User,
    Project,
    Local,
    Plugin,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ExecutionMode {
    Execute,
    Load,
}

impl NodeKind for Skill {
    fn name(&self) -> &'static str {
        "skill"
    }

    fn title(&self) -> &'static str {
        "Skill"
    }

    fn summary(&self) -> &'static str {
        "Loads a SKILL.md and follows it."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        fields.required_text("name");
        fields.optional::<String>("description");
        fields.optional::<SkillScope>("scope");
        let path = fields.text("skillPath");
        let instructions = fields.text("instructions");
        if path.is_none() && instructions.is_none() {
            fields.missing("skillPath");
        }
        fields.optional::<ExecutionMode>("executionMode");
        if let Some(prompt) = fields.text("executionPrompt") {
            opening.template(&fields.at("executionPrompt"), &prompt, Secrets::Refused);
        }
        word_list(opening, &mut fields, "allowedTools");
        fields.text("model");
        fields.done();
        Some(Opened {
            output: Output::Any,
            ..Opened::new(vec![Port::out(), Port::error()], Vec::new())
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let told = Told::new(Need::Skill);
        let task = teller.shown("The task for the skill:", "executionPrompt");
        let name = code(teller.plain_or("name", ""));
        match teller.plain("executionMode") {
            Some("load") => told
                .say(format!(
                    "Read the skill {name} and keep to it in the steps that follow."
                ))
                .say_maybe(task),
            _ => told
                .say(format!(
                    "Use the skill {name} and follow it to its end. Its result is what it gives."
                ))
                .say_maybe(task),
        }
    }
}
