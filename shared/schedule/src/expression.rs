//! One schedule: read, written in one spelling, and asked when it fires next.

use crate::cron::Cron;
use crate::error::ScheduleError;
use crate::zone;
use chrono::{NaiveDateTime, Timelike};
use chrono_tz::Tz;
use lattice_model::Millis;
use lattice_model::limits::{SCHEDULE_BYTES_MAX, SCHEDULE_RATE_MS_MAX};

/// A schedule in a time zone.
#[derive(Debug, Clone)]
pub struct Expression {
    form: Form,
    zone: Tz,
}

#[derive(Debug, Clone)]
enum Form {
    Cron(Box<Cron>),
    Rate { count: u64, unit: &'static Unit },
    At { wall: NaiveDateTime, moment: Millis },
}

#[derive(Debug)]
struct Unit {
    one: &'static str,
    many: &'static str,
    ms: u64,
}

/// Days are 24 hours, whatever clocks do (EventBridge Scheduler User Guide, "Schedule types").
static UNITS: [Unit; 3] = [
    Unit::new("minute", "minutes", 60_000),
    Unit::new("hour", "hours", 3_600_000),
    Unit::new("day", "days", 86_400_000),
];

impl Unit {
    const fn new(one: &'static str, many: &'static str, ms: u64) -> Self {
        Self { one, many, ms }
    }
}

const MOMENT: &str = "%Y-%m-%dT%H:%M:%S";

impl Expression {
    /// Reads `cron(..)`, `rate(..)`, `at(..)` or the five fields of a crontab. `zone` is the name of
    /// an IANA time zone, in which `cron`, `at` and a crontab are meant.
    ///
    /// # Errors
    /// When the text is none of these, the zone is not known, or no moment fits. That the last
    /// moment has passed is no error here, for it depends on when one asks: see `arm`.
    pub fn read(text: &str, zone: &str) -> Result<Self, ScheduleError> {
        let zone = zone::read(zone)?;
        if text.len() > SCHEDULE_BYTES_MAX {
            let bytes = text.len();
            return Err(ScheduleError::TooLong { bytes });
        }
        let trimmed = text.trim();
        let inside = |word: &str| {
            let head = trimmed.get(..word.len())?;
            let rest = trimmed.get(word.len()..)?.trim_start();
            let inner = rest.strip_prefix('(')?.strip_suffix(')')?;
            head.eq_ignore_ascii_case(word).then_some(inner.trim())
        };
        let fields = |text: &'_ str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let form = if let Some(inner) = inside("cron") {
            let fields = fields(inner);
            let fields: Vec<_> = fields.iter().map(String::as_str).collect();
            Form::Cron(Box::new(Cron::read(&fields)?))
        } else if let Some(inner) = inside("rate") {
            read_rate(inner)?
        } else if let Some(inner) = inside("at") {
            read_at(inner, zone)?
        } else {
            let fields = fields(trimmed);
            let fields: Vec<_> = fields.iter().map(String::as_str).collect();
            Form::Cron(Box::new(Cron::read_unix(&fields)?))
        };
        let expression = Self { form, zone };
        match expression.next_after(Millis::new(0), Millis::new(0)) {
            Some(_) => Ok(expression),
            None => Err(ScheduleError::Never {
                expression: expression.canonical(),
                help: "clocks leave this time out; write another".to_owned(),
            }),
        }
    }

    /// The expression in the one spelling that EventBridge Scheduler takes.
    pub fn canonical(&self) -> String {
        match &self.form {
            Form::Cron(cron) => cron.canonical(),
            Form::Rate { count, unit } => format!("rate({count} {})", unit.many),
            Form::At { wall, .. } => format!("at({})", wall.format(MOMENT)),
        }
    }

    /// The name of the time zone.
    pub fn timezone(&self) -> &'static str {
        self.zone.name()
    }

    /// The first moment behind `after`. A rate counts from `anchor`, the moment at which the
    /// schedule was set up, and fires for the first time one period behind it.
    pub fn next_after(&self, after: Millis, anchor: Millis) -> Option<Millis> {
        match &self.form {
            Form::Cron(cron) => cron.next_after(self.zone, after),
            Form::At { moment, .. } => Some(*moment).filter(|moment| *moment > after),
            Form::Rate { count, unit } => {
                let period = count.checked_mul(unit.ms)?;
                let gone = after.get().saturating_sub(anchor.get());
                let periods = (gone / period).checked_add(1)?;
                let moment = anchor.get().checked_add(periods.checked_mul(period)?)?;
                Some(Millis::new(moment))
            }
        }
    }

    /// The last moment behind `after` and not behind `until`, if there is one.
    pub fn last_in(&self, after: Millis, until: Millis, anchor: Millis) -> Option<Millis> {
        let next = |from: u64| {
            let found = self.next_after(Millis::new(from), anchor);
            found.filter(|moment| *moment <= until)
        };
        // A moment lies behind `low`, and none behind `high`.
        let (mut low, mut high) = (after.get(), until.get());
        let mut found = next(low)?;
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match next(middle) {
                Some(later) => (low, found) = (middle, later),
                None => high = middle,
            }
        }
        Some(found)
    }

    /// The first moment of a schedule that is set up at `now`.
    ///
    /// # Errors
    /// When the last moment that fits has passed.
    pub fn arm(&self, now: Millis) -> Result<Millis, ScheduleError> {
        self.next_after(now, now)
            .ok_or_else(|| ScheduleError::Over {
                expression: self.canonical(),
            })
    }
}

fn read_rate(inner: &str) -> Result<Form, ScheduleError> {
    let help = "write `rate(5 minutes)`, with `minutes`, `hours` or `days`";
    let mut parts = inner.split_whitespace();
    let (Some(count), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err(ScheduleError::Form {
            text: format!("rate({})", inner.escape_debug()),
            help: help.to_owned(),
        });
    };
    let is_unit = |unit: &&Unit| {
        [unit.one, unit.many]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(name))
    };
    let Some(unit) = UNITS.iter().find(is_unit) else {
        let name = name.escape_debug();
        return Err(ScheduleError::field(
            "unit",
            format!("`{name}` is not one"),
            help,
        ));
    };
    let digits = count.bytes().all(|byte| byte.is_ascii_digit());
    let number: Option<u64> = count.parse().ok().filter(|count| digits && *count > 0);
    let max = SCHEDULE_RATE_MS_MAX / unit.ms;
    let Some(count) = number.filter(|count| *count <= max) else {
        let reason = format!("`{}` is not a number from 1 to {max}", count.escape_debug());
        return Err(ScheduleError::field("value", reason, help));
    };
    Ok(Form::Rate { count, unit })
}

fn read_at(inner: &str, zone: Tz) -> Result<Form, ScheduleError> {
    let wall = NaiveDateTime::parse_from_str(inner, MOMENT).ok();
    // The format reads fewer digits too, and leap seconds, which no schedule fires at.
    let is_second = |wall: &NaiveDateTime| wall.nanosecond() == 0;
    let wall = wall.filter(|wall| is_second(wall) && wall.format(MOMENT).to_string() == inner);
    let Some(wall) = wall else {
        return Err(ScheduleError::Form {
            text: format!("at({})", inner.escape_debug()),
            help: "write the date and the time without a zone, such as `at(2027-01-31T09:00:00)`; \
                   the zone is a setting of its own"
                .to_owned(),
        });
    };
    match zone::moment(zone, wall) {
        Some(moment) => Ok(Form::At { wall, moment }),
        None => Err(ScheduleError::Never {
            expression: format!("at({})", wall.format(MOMENT)),
            help: "clocks leave this time out; write another".to_owned(),
        }),
    }
}
