//! Moments, in milliseconds. For people and for timers, never for the order of events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Millis(u64);

impl Millis {
    /// The moment `number` milliseconds after the epoch.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Milliseconds since the epoch.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The moment `duration_ms` later; stays at the end of time instead of wrapping.
    #[must_use]
    pub const fn plus(self, duration_ms: u64) -> Self {
        Self(self.0.saturating_add(duration_ms))
    }

    /// Milliseconds from `earlier` to this moment; 0 if the clock went back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with milliseconds, as events show it.
    pub fn rfc3339(self) -> String {
        let (days, ms_of_day) = (self.0 / 86_400_000, self.0 % 86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (ms_of_day / 3_600_000, ms_of_day / 60_000 % 60);
        let (second, ms) = (ms_of_day / 1_000 % 60, ms_of_day % 1_000);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }

    /// Reads RFC 3339 in UTC (`Z` or `+00:00`), with or without a fraction. `None` if it is not.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let body = text
            .strip_suffix('Z')
            .or_else(|| text.strip_suffix("+00:00"))?;
        let (date, clock) = body.split_once('T')?;
        let mut date = date.split('-');
        let year = number(date.next()?, 4)?;
        let month = number(date.next()?, 2).filter(|month| (1..=12).contains(month))?;
        let day = number(date.next()?, 2).filter(|day| (1..=31).contains(day))?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let mut clock = clock.split(':');
        let hour = number(clock.next()?, 2).filter(|hour| *hour < 24)?;
        let minute = number(clock.next()?, 2).filter(|minute| *minute < 60)?;
        let second = number(clock.next()?, 2).filter(|second| *second < 61)?;
        if date.next().is_some() || clock.next().is_some() || year < 1970 {
            return None;
        }
        let ms = milliseconds(fraction)?;
        let days = days_from_civil(year, month, day);
        if civil_from_days(days) != (year, month, day) {
            return None;
        }
        let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
        Some(Self(seconds * 1_000 + ms))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

fn number(text: &str, width: usize) -> Option<u64> {
    (text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

fn milliseconds(fraction: &str) -> Option<u64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded: String = fraction.chars().chain("00".chars()).take(3).collect();
    padded.parse().ok()
}

/// Days since 1970-01-01 to (year, month, day): the proleptic Gregorian algorithm that Howard
/// Hinnant published as `civil_from_days`, for days from the epoch on.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The inverse, `days_from_civil` of the same source, for years from 1970 on.
fn days_from_civil(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::Millis;

    #[test]
    fn moments_are_written_as_people_expect() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_764_000_000_123, "2025-11-24T16:00:00.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ] {
            assert_eq!(Millis::new(ms).rfc3339(), text);
            assert_eq!(Millis::from_rfc3339(text), Some(Millis::new(ms)));
        }
    }

    #[test]
    fn texts_that_are_no_moment_are_refused() {
        for text in [
            "2025-11-24",
            "2025-02-30T00:00:00Z",
            "2025-13-01T00:00:00Z",
            "2025-11-24T16:00:00+02:00",
            "tomorrow",
        ] {
            assert_eq!(Millis::from_rfc3339(text), None, "{text}");
        }
    }
}
