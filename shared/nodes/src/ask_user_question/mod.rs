//! `askUserQuestion`: waits for a person.

use crate::codes;
use crate::fields::Fields;
use crate::kind::{Carries, NodeKind, Opened, Output, Part, Port};
use crate::opening::{Opening, Secrets};
use crate::prose::{Need, Teller, Told, block, code, duration};
use lattice_document::{PORT_ERROR, PORT_OUT, branch_port};
use lattice_ir::{Arm, Choice, OpKind, QuestionTemplate, Test, Timer, Wait, Way};
use lattice_journal::{Choice as AnswerChoice, QuestionOption};
use lattice_model::limits::{LABEL_CHARS_MAX, LIFETIME_MS_MAX, OPTIONS_MAX, OPTIONS_MIN};
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The type.
pub(crate) struct AskUserQuestion;

/// The way on when nobody answers in time.
const PORT_TIMEOUT: &str = "timeout";

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// What is asked: a template.
    question_text: String,
    /// What may be chosen; each option has its own port unless several may be chosen.
    #[schemars(length(min = 2, max = 4))]
    options: Option<Vec<OptionSettings>>,
    /// Set: the answer is a text, and there are no options.
    free_text: Option<bool>,
    /// Set: several options may be chosen.
    multi_select: Option<bool>,
    /// How long to wait, in milliseconds; left out, as long as the run lives.
    #[schemars(range(min = 1, max = 31_622_400_000_u64))]
    timeout_ms: Option<u64>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct OptionSettings {
    /// What the person sees.
    #[schemars(length(min = 1, max = 200))]
    label: String,
    /// What choosing it means, for the person.
    description: Option<String>,
    /// What the answer is to the workflow; left out, the label.
    value: Option<Value>,
}

impl NodeKind for AskUserQuestion {
    fn name(&self) -> &'static str {
        "askUserQuestion"
    }

    fn title(&self) -> &'static str {
        "Ask a person"
    }

    fn summary(&self) -> &'static str {
        "Pauses the run until a person answers, for days if need be."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let text = fields.required_text("questionText").unwrap_or_default();
        opening.template(&fields.at("questionText"), &text, Secrets::Refused);
        let free_text = fields.optional::<bool>("freeText").unwrap_or(false);
        let multi_select = fields.optional::<bool>("multiSelect").unwrap_or(false);
        let timeout_ms = fields.whole("timeoutMs", 1..=LIFETIME_MS_MAX);
        let has_timeout = fields.raw("timeoutMs").is_some();
        let options = read_options(opening, &mut fields, free_text);
        let choice = match (free_text, multi_select) {
            (true, _) => AnswerChoice::Text,
            (false, true) => AnswerChoice::Many,
            (false, false) => AnswerChoice::One,
        };
        if free_text && multi_select {
            fields.unused("multiSelect", "the answer is a text");
        }
        let wait = timeout_ms.map(|ms| (ms, fields.at("timeoutMs")));
        fields.done();
        let question = QuestionTemplate {
            text,
            options: options?,
            choice,
        };
        let mut ports = answer_ports(&question);
        ports.extend(has_timeout.then(|| Port {
            carries: Carries::Nothing,
            ..Port::required(PORT_TIMEOUT)
        }));
        ports.push(Port::error());
        Some(Opened {
            output: Output::Shape(answer_schema(choice)),
            wait,
            ..Opened::new(ports, parts(question, timeout_ms))
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        tell(teller)
    }
}

fn read_options(
    opening: &Opening<'_>,
    fields: &mut Fields<'_>,
    free_text: bool,
) -> Option<Vec<QuestionOption>> {
    let given = fields.raw("options");
    if free_text {
        if given.is_some_and(|given| *given != json!([])) {
            let text = "`freeText` and `options` exclude each other".to_owned();
            let help = "remove the options, or set `freeText` to false";
            opening.error(codes::CONTRADICTION, &fields.at("options"), text, help);
        }
        return Some(Vec::new());
    }
    if given.is_none() {
        fields.missing("options");
        return None;
    }
    let mut labels = BTreeSet::new();
    fields.list("options", OPTIONS_MIN..=OPTIONS_MAX, |_, mut option| {
        let label = option.required_text("label");
        let description = option.optional::<String>("description");
        let value = option.raw("value").cloned();
        if let Some(label) = &label {
            check_label(opening, &option, label, &mut labels);
        }
        option.done();
        let label = label?;
        let value = value.unwrap_or_else(|| Value::from(label.as_str()));
        Some(QuestionOption {
            label,
            value,
            description,
        })
    })
}

fn check_label(
    opening: &Opening<'_>,
    option: &Fields<'_>,
    label: &str,
    labels: &mut BTreeSet<String>,
) {
    if label.chars().count() > LABEL_CHARS_MAX {
        let text = format!("`label` has more than {LABEL_CHARS_MAX} characters");
        option.out_of_range("label", text);
    }
    if !labels.insert(label.to_owned()) {
        let text = format!("two options have the label `{}`", label.escape_debug());
        let help = "give each option its own label";
        opening.error(codes::SAME_LABEL, &option.at("label"), text, help);
    }
}

fn answer_ports(question: &QuestionTemplate) -> Vec<Port> {
    match question.choice {
        AnswerChoice::One => {
            let options = 0..question.options.len();
            options
                .map(|index| Port::required(format!("branch-{index}")))
                .collect()
        }
        AnswerChoice::Many | AnswerChoice::Text => vec![Port::out()],
    }
}

/// What an answer is: see `lattice_journal::Question::accept`.
fn answer_schema(choice: AnswerChoice) -> Value {
    let properties = match choice {
        AnswerChoice::One => {
            json!({"option": {"type": "integer"}, "label": {"type": "string"}, "value": {}})
        }
        AnswerChoice::Many => {
            json!({"options": {"type": "array"}, "labels": {"type": "array"}, "values": {"type": "array"}})
        }
        AnswerChoice::Text => json!({"text": {"type": "string"}}),
    };
    json!({"type": "object", "properties": properties})
}

fn parts(question: QuestionTemplate, timeout_ms: Option<u64>) -> Vec<Part> {
    let options = question.options.len();
    let chooses = question.choice == AnswerChoice::One;
    let wait = Part::main(move |lowering| {
        OpKind::Wait(Wait {
            question: Some(question.clone()),
            timer: timeout_ms.map(Timer::After),
            on_answer: Some(match chooses {
                true => lowering.part(1),
                false => lowering.to(PORT_OUT),
            }),
            on_timer: timeout_ms.map(|_| lowering.to(PORT_TIMEOUT)),
            on_error: lowering.to_maybe(PORT_ERROR),
        })
    });
    if !chooses {
        return vec![wait];
    }
    let choice = Part::named("choice", move |lowering| {
        let arms = (0..options).map(|index| {
            let port = format!("branch-{index}");
            let to = lowering.to(&port);
            Arm {
                test: Test::Equals {
                    target: lowering.own_output("option"),
                    value: Value::from(index),
                },
                way: Way { port, to },
            }
        });
        OpKind::Choice(Choice {
            arms: arms.collect(),
            otherwise: None,
            on_error: None,
            keeps_port: false,
        })
    });
    vec![wait, choice]
}

fn tell(teller: Teller<'_>) -> Told {
    let options = teller.raw("options").and_then(Value::as_array);
    let options = options.map(Vec::as_slice).unwrap_or_default();
    let is_text = teller.is("freeText");
    let is_many = teller.is("multiSelect") && !is_text;
    let rule = match (is_text, is_many) {
        (true, _) => "The person answers with a text. Do not answer for them.",
        (_, true) => "The person may choose several of the options. Do not choose for them.",
        _ => "The person chooses exactly one of the options. Do not choose for them.",
    };
    let lead = "Ask the person this, then stop and wait for the answer:";
    let mut told = Told::new(Need::Question)
        .say_maybe(teller.shown(lead, "questionText"))
        .say(rule);
    let text_of = |option: &Value, field: &str| {
        let text = option.get(field).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let mut lines = Vec::new();
    for (place, option) in options.iter().enumerate() {
        let label = text_of(option, "label").unwrap_or_default();
        let description = text_of(option, "description").filter(|text| !text.trim().is_empty());
        let about = description.map(|text| {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            format!(": {text}")
        });
        lines.push(format!("- {}{}", code(&label), about.unwrap_or_default()));
        if !is_text && !is_many {
            told = told.way(
                branch_port(place),
                format!("the answer is {}", code(&label)),
            );
        }
    }
    if !lines.is_empty() && !is_text {
        told = told.say(format!("The options:\n\n{}", lines.join("\n")));
        for option in options {
            if let Some(value) = option.get("value") {
                let label = code(&text_of(option, "label").unwrap_or_default());
                told = told.say(format!(
                    "{label} stands for this value:\n\n{}",
                    block(value)
                ));
            }
        }
    }
    match teller.number("timeoutMs") {
        Some(ms) => told.way(
            PORT_TIMEOUT,
            format!("nobody answers within {}", duration(ms)),
        ),
        None => told,
    }
}
