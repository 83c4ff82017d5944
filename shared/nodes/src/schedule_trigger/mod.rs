//! `scheduleTrigger`: the clock starts runs.

use crate::codes;
use crate::fields::Fields;
use crate::kind::{NodeKind, Opened, Port};
use crate::opening::Opening;
use crate::prose::{Need, Teller, Told, code};
use lattice_ir::{Missed, Overlap, Schedule, TriggerKind};
use lattice_model::canonical_len;
use lattice_model::limits::INPUT_BYTES_MAX;
use lattice_schedule::{Expression, ScheduleError};
use schemars::{JsonSchema, Schema, schema_for};
use serde_json::{Map, Value};

/// The type.
pub(crate) struct ScheduleTrigger;

const UTC: &str = "UTC";

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// When: `cron(..)`, `rate(..)` or `at(..)` as EventBridge Scheduler writes them, or the five
    /// fields of a crontab.
    #[schemars(length(min = 1, max = 256))]
    expression: String,
    /// The IANA time zone in which `expression` is meant; left out, `UTC`.
    timezone: Option<String>,
    /// The input of each run, as it stands; left out, `{}`.
    input: Option<Value>,
    /// What becomes of a moment that finds the run open that the schedule started before: `allow`
    /// starts a run beside it (this if it is left out), `skip` starts nothing, `queue` lets the newest
    /// moment wait until that run is over, `cancelOld` also cancels that run.
    overlap: Option<OverlapWord>,
    /// What becomes of moments that went by while nothing could fire: `skip` passes them over (this if
    /// it is left out), `once` makes up for the newest of them.
    missed: Option<MissedWord>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
enum OverlapWord {
    Allow,
    Skip,
    Queue,
    CancelOld,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", inline)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
enum MissedWord {
    Skip,
    Once,
}

impl NodeKind for ScheduleTrigger {
    fn name(&self) -> &'static str {
        "scheduleTrigger"
    }

    fn title(&self) -> &'static str {
        "Schedule"
    }

    fn summary(&self) -> &'static str {
        "Starts runs by the clock: a cron expression, a rate, or once."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn begins_runs(&self) -> bool {
        true
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        let expression = fields.required_text("expression");
        let timezone = fields.text("timezone").unwrap_or_else(|| UTC.to_owned());
        let input = open_input(opening, &mut fields);
        let overlap = one_of(opening, &mut fields, "overlap", Overlap::ALL, |it| {
            it.as_str()
        });
        let missed = one_of(opening, &mut fields, "missed", Missed::ALL, |it| {
            it.as_str()
        });
        let expression =
            expression.and_then(
                |expression| match Expression::read(&expression, &timezone) {
                    Ok(expression) => Some(expression),
                    Err(error) => {
                        let setting = match error {
                            ScheduleError::Zone { .. } => "timezone",
                            _ => "expression",
                        };
                        let at = fields.at(setting);
                        opening.error(codes::BAD_SCHEDULE, &at, error.to_string(), error.help());
                        None
                    }
                },
            );
        fields.done();
        let trigger = expression.map(|expression| {
            TriggerKind::Schedule(Schedule {
                expression: expression.canonical(),
                timezone: expression.timezone().to_owned(),
                input,
                overlap,
                missed,
            })
        });
        Some(Opened {
            takes_edges: false,
            trigger,
            ..Opened::new(vec![Port::out()], Vec::new())
        })
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let zone = teller.plain_or("timezone", "UTC");
        Told::new(Need::Schedule)
            .say(format!(
                "Elsewhere a clock starts this work at {} in the time zone {zone}. Here no clock does: \
                 begin when you are asked to.",
                code(teller.plain_or("expression", "")),
            ))
            .say_maybe(teller.shown("The input, unless you are given another one:", "input"))
    }
}

/// A setting that is one of a few words; left out, the first of them.
fn one_of<T: Copy + Default>(
    opening: &Opening<'_>,
    fields: &mut Fields<'_>,
    name: &'static str,
    all: &[T],
    word: fn(T) -> &'static str,
) -> T {
    let Some(given) = fields.optional::<String>(name) else {
        return T::default();
    };
    let found = all.iter().copied().find(|one| word(*one) == given);
    if found.is_none() {
        let words: Vec<_> = all.iter().map(|one| format!("`{}`", word(*one))).collect();
        let text = format!("`{name}` is `{}`, which is no word for it", shown(&given));
        let help = format!("write {}", words.join(", "));
        opening.error(codes::OUT_OF_RANGE, &fields.at(name), text, &help);
    }
    found.unwrap_or_default()
}

/// What was written, as much of it as fits a line.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    start.escape_debug().to_string()
}

fn open_input(opening: &Opening<'_>, fields: &mut Fields<'_>) -> Value {
    let input = fields.raw("input").cloned();
    let input = input.unwrap_or_else(|| Value::Object(Map::new()));
    let bytes = canonical_len(&input);
    if bytes > INPUT_BYTES_MAX {
        let text = format!("`input` has {bytes} bytes, the limit is {INPUT_BYTES_MAX}");
        fields.out_of_range("input", text);
    }
    if has_template(&input) {
        let text = "`input` has a `{{`, and is taken as it stands".to_owned();
        let help = "write plain values: when a schedule fires there is nothing to refer to yet";
        opening.warning(codes::BAD_TEMPLATE, &fields.at("input"), text, help);
    }
    input
}

fn has_template(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("{{"),
        Value::Array(items) => items.iter().any(has_template),
        Value::Object(fields) => fields.values().any(has_template),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
