//! `delay`: waits for a while, or until a moment.

use crate::codes;
use crate::fields::Fields;
use crate::kind::{NodeKind, Opened, Part, Port};
use crate::opening::{Opening, Secrets};
use crate::prose::{Need, Teller, Told, code};
use lattice_document::{PORT_ERROR, PORT_OUT};
use lattice_ir::{OpKind, Timer, Wait};
use lattice_model::Millis;
use lattice_model::limits::LIFETIME_MS_MAX;
use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;

/// The type.
pub(crate) struct Delay;

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "its JSON Schema is what is used")]
struct Settings {
    /// Whether `duration` and `unit` or `until` say how long.
    delay_type: DelayType,
    /// How long, in `unit`; at most 366 days.
    #[schemars(range(min = 0))]
    duration: Option<f64>,
    /// The unit of `duration`.
    unit: Option<Unit>,
    /// Until when: a moment as RFC 3339 in UTC, or a template that gives one. A moment that is past
    /// ends the wait at once.
    until: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum DelayType {
    Duration,
    Until,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Hours,
    Days,
}

impl Unit {
    /// Milliseconds in one of them.
    fn ms(self) -> f64 {
        match self {
            Self::Milliseconds => 1.0,
            Self::Seconds => 1_000.0,
            Self::Minutes => 60_000.0,
            Self::Hours => 3_600_000.0,
            Self::Days => 86_400_000.0,
        }
    }
}

impl NodeKind for Delay {
    fn name(&self) -> &'static str {
        "delay"
    }

    fn title(&self) -> &'static str {
        "Delay"
    }

    fn summary(&self) -> &'static str {
        "Waits for a duration, or until a moment."
    }

    fn settings_schema(&self) -> Schema {
        schema_for!(Settings)
    }

    fn open(&self, opening: &Opening<'_>) -> Option<Opened> {
        let mut fields = opening.fields();
        for setting in ["delayType", "duration", "unit", "until"] {
            fields.raw(setting);
        }
        let opened = match fields.required::<DelayType>("delayType") {
            Some(DelayType::Duration) => {
                refuse_unused(&mut fields, &["until"], "`delayType` is `duration`");
                Some(open_duration(&mut fields))
            }
            Some(DelayType::Until) => {
                refuse_unused(&mut fields, &["duration", "unit"], "`delayType` is `until`");
                Some(open_until(opening, &mut fields))
            }
            None => None,
        };
        fields.done();
        opened
    }

    fn tell(&self, teller: Teller<'_>) -> Told {
        let told = Told::new(Need::Delay);
        if let Some(until) = teller.plain("until") {
            return told.say(format!("Do not go on before {}.", code(until)));
        }
        let number = teller.raw("duration").map(ToString::to_string);
        told.say(format!(
            "Wait for {} {} before you go on.",
            number.unwrap_or_default(),
            teller.plain_or("unit", "milliseconds"),
        ))
    }
}

fn refuse_unused(fields: &mut Fields<'_>, names: &[&'static str], why: &str) {
    for name in names {
        if fields.raw(name).is_some() {
            fields.unused(name, why);
        }
    }
}

fn open_duration(fields: &mut Fields<'_>) -> Opened {
    let number = fields.required::<f64>("duration");
    let unit = fields.required::<Unit>("unit");
    let ms = number
        .zip(unit)
        .map(|(number, unit)| (number * unit.ms()).round());
    let range = 1.0..=LIFETIME_MS_MAX as f64;
    if ms.is_some_and(|ms| !range.contains(&ms)) {
        let text = "`duration` must be from 1 millisecond to 366 days".to_owned();
        fields.out_of_range("duration", text);
    }
    let ms = ms.unwrap_or_default() as u64;
    Opened {
        wait: Some((ms, fields.at("duration"))),
        ..Opened::new(vec![Port::out()], vec![wait(Timer::After(ms))])
    }
}

fn open_until(opening: &Opening<'_>, fields: &mut Fields<'_>) -> Opened {
    let until = fields.required_text("until").unwrap_or_default();
    let at = fields.at("until");
    let template = opening.template(&at, &until, Secrets::Refused);
    let is_literal = template.is_some_and(|template| template.references().is_empty());
    if is_literal && !until.is_empty() && Millis::from_rfc3339(&until).is_none() {
        let text = format!("`{}` is not a moment", until.escape_debug());
        let help = "write RFC 3339 in UTC, such as `2027-01-31T09:00:00Z`";
        opening.error(codes::BAD_MOMENT, &at, text, help);
    }
    // A moment that stands in the document is known to be one; a template may give anything.
    let ports = match is_literal {
        true => vec![Port::out()],
        false => vec![Port::out(), Port::error()],
    };
    Opened::new(ports, vec![wait(Timer::Until(until))])
}

fn wait(timer: Timer) -> Part {
    Part::main(move |lowering| {
        OpKind::Wait(Wait {
            question: None,
            timer: Some(timer.clone()),
            on_answer: None,
            on_timer: Some(lowering.to(PORT_OUT)),
            on_error: lowering.to_maybe(PORT_ERROR),
        })
    })
}
