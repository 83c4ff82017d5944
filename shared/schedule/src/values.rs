//! The numbers of one field: lists, ranges, steps and names.

use crate::error::ScheduleError;
use std::collections::BTreeSet;

/// A field of a cron expression and what may stand in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub name: &'static str,
    pub min: u16,
    pub max: u16,
    /// Names of the numbers from `min` on, or none.
    pub names: &'static [&'static str],
}

pub(crate) const MINUTES: Field = Field::new("minutes", 0, 59, &[]);
pub(crate) const HOURS: Field = Field::new("hours", 0, 23, &[]);
pub(crate) const DAY_OF_MONTH: Field = Field::new("day-of-month", 1, 31, &[]);
pub(crate) const MONTH: Field = Field::new(
    "month",
    1,
    12,
    &[
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ],
);
/// As EventBridge counts: 1 is Sunday.
pub(crate) const DAY_OF_WEEK: Field = Field::new("day-of-week", 1, 7, DAYS);
/// As a crontab counts: 0 and 7 are Sunday.
pub(crate) const UNIX_DAY_OF_WEEK: Field = Field::new("day-of-week", 0, 7, DAYS);
pub(crate) const YEAR: Field = Field::new("year", 1970, 2199, &[]);

const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Field {
    const fn new(name: &'static str, min: u16, max: u16, names: &'static [&'static str]) -> Self {
        Self {
            name,
            min,
            max,
            names,
        }
    }

    /// Every number of the field.
    pub fn all(self) -> Values {
        Values((self.min..=self.max).collect())
    }

    /// Reads lists, ranges and steps.
    pub fn read(self, text: &str) -> Result<Values, ScheduleError> {
        let mut values = BTreeSet::new();
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(self.step(step)?)),
                None => (part, None),
            };
            let (from, to) = match range.split_once('-') {
                _ if range == "*" => (self.min, self.max),
                Some((from, to)) => (self.number(from)?, self.number(to)?),
                // A number with a step goes on to the end of the field.
                None => {
                    let from = self.number(range)?;
                    (from, if step.is_some() { self.max } else { from })
                }
            };
            if from > to {
                return Err(self.error(
                    format!("the range `{range}` ends before it begins"),
                    "write two ranges with a comma between them",
                ));
            }
            values.extend((from..=to).step_by(usize::from(step.unwrap_or(1))));
        }
        Ok(Values(values))
    }

    /// Reads one number or name.
    pub fn number(self, text: &str) -> Result<u16, ScheduleError> {
        let named = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(place) => Some(self.min + place as u16),
            None => digits(text),
        };
        number
            .filter(|number| (self.min..=self.max).contains(number))
            .ok_or_else(|| {
                let help = match self.names {
                    [first, .., last] => {
                        let (min, max) = (self.min, self.max);
                        format!("write {min} to {max}, or `{first}` to `{last}`")
                    }
                    _ => format!("write {} to {}", self.min, self.max),
                };
                let text = text.escape_debug();
                self.error(format!("`{text}` is not a value of it"), help)
            })
    }

    pub fn error(self, reason: impl Into<String>, help: impl Into<String>) -> ScheduleError {
        ScheduleError::field(self.name, reason, help)
    }

    fn step(self, text: &str) -> Result<u16, ScheduleError> {
        let step = digits(text).filter(|step| *step > 0 && *step <= self.max);
        step.ok_or_else(|| {
            let text = text.escape_debug();
            let help = format!("write a step of 1 to {}", self.max);
            self.error(format!("`{text}` is not a step"), help)
        })
    }

    /// The number in the one spelling that is written.
    fn spell(self, value: u16) -> String {
        // The names of months say no more than their numbers; of days each tool counts differently.
        let is_day = self.min == DAY_OF_WEEK.min && self.max == DAY_OF_WEEK.max;
        let name = self.names.get(usize::from(value.saturating_sub(self.min)));
        match name.filter(|_| is_day) {
            Some(name) => (*name).to_owned(),
            None => value.to_string(),
        }
    }
}

/// `u16::from_str` would also take a sign.
fn digits(text: &str) -> Option<u16> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// The numbers of one field; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Values(BTreeSet<u16>);

impl Values {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u16> {
        self.0.iter().copied()
    }

    pub fn min(&self) -> u16 {
        self.0.first().copied().unwrap_or_default()
    }

    /// Each number changed.
    pub fn map(&self, change: impl Fn(u16) -> u16) -> Self {
        Self(self.iter().map(change).collect())
    }

    pub fn is_all(&self, field: Field) -> bool {
        self.0.len() == usize::from(field.max - field.min) + 1
    }

    /// As a list of numbers.
    pub fn list(&self) -> String {
        let numbers: Vec<_> = self.iter().map(|value| value.to_string()).collect();
        numbers.join(",")
    }

    /// As EventBridge writes it: `*`, `start/step`, or a list of numbers and ranges.
    pub fn canonical(&self, field: Field) -> String {
        if self.is_all(field) {
            return "*".to_owned();
        }
        if let Some(step) = self.step(field) {
            return format!("{}/{step}", self.min());
        }
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for value in self.iter() {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == value => *last = value,
                _ => runs.push((value, value)),
            }
        }
        let runs = runs.into_iter().map(|(from, to)| {
            let (first, last) = (field.spell(from), field.spell(to));
            match to - from {
                0 => first,
                1 => format!("{first},{last}"),
                _ => format!("{first}-{last}"),
            }
        });
        runs.collect::<Vec<_>>().join(",")
    }

    /// The step, if the numbers are three or more with one step of at least 2 up to the end of the
    /// field.
    fn step(&self, field: Field) -> Option<u16> {
        let mut values = self.iter();
        let step = values
            .next()
            .zip(values.next())
            .map(|(one, two)| two - one)?;
        let stepped: BTreeSet<u16> = (self.min()..=field.max)
            .step_by(usize::from(step))
            .collect();
        (step > 1 && stepped.len() > 2 && stepped == self.0).then_some(step)
    }
}
