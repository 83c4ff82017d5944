//! The same schedules read by two other crates, `cron` and `cronexpr`, where their dialects agree
//! with EventBridge's; and a table of where they do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use cronexpr::MakeTimestamp;
use lattice_model::Millis;
use lattice_schedule::Expression;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::str::FromStr;

const COUNT: usize = 8;

fn ours(text: &str, after: Millis) -> Vec<String> {
    let expression =
        Expression::read(text, "UTC").unwrap_or_else(|error| panic!("{text}: {error}"));
    let next = |after: &Millis| expression.next_after(*after, Millis::new(0));
    let moments = std::iter::successors(next(&after), next);
    moments.take(COUNT).map(Millis::rfc3339).collect()
}

/// `cron` counts days of the week as EventBridge does, and wants seconds.
fn by_cron(fields: &str, after: Millis) -> Vec<String> {
    let schedule = cron::Schedule::from_str(&format!("0 {fields}")).unwrap();
    let after: DateTime<Utc> = DateTime::from_timestamp_millis(after.get() as i64).unwrap();
    let moments = schedule.after(&after).take(COUNT);
    moments
        .map(|moment| Millis::new(moment.timestamp_millis() as u64).rfc3339())
        .collect()
}

/// `cronexpr` counts days of the week as a crontab does, has no years, and gives up after four of
/// them without a firing.
fn by_cronexpr(fields: &str, after: Millis) -> Vec<String> {
    let crontab = cronexpr::parse_crontab(&format!("{fields} UTC")).unwrap();
    let after = MakeTimestamp::from_millisecond(after.get() as i64).unwrap();
    let moments = crontab.iter_after(after).unwrap().take(COUNT);
    moments
        .map_while(Result::ok)
        .map(|moment| moment.timestamp().as_millisecond())
        .map(|moment| Millis::new(moment as u64).rfc3339())
        .collect()
}

/// What a letter means.
#[derive(Debug, Clone, Copy)]
enum Letter {
    Last,
    Nearest(u32),
    LastOf(u32),
    Nth(u32, u32),
}

impl Letter {
    /// Whether it means this day, looked up in the calendar. 1 is Sunday.
    fn is_on(self, date: NaiveDate) -> bool {
        let of_week = |date: NaiveDate| date.weekday().number_from_sunday();
        let leaves = |days: i64| (date + TimeDelta::days(days)).month() != date.month();
        match self {
            Self::Last => leaves(1),
            Self::LastOf(day) => of_week(date) == day && leaves(7),
            Self::Nth(day, nth) => of_week(date) == day && (date.day() - 1) / 7 + 1 == nth,
            Self::Nearest(day) => {
                let works = |date: &NaiveDate| !matches!(of_week(*date), 1 | 7);
                // The nearer first; of the two that are as near no two work.
                let near = [0, -1, 1, -2, 2].map(|days| {
                    let wanted = date.with_day(day)?;
                    let near = wanted + TimeDelta::days(days);
                    Some(near).filter(|near| near.month() == wanted.month())
                });
                near.into_iter().flatten().find(works) == Some(date)
            }
        }
    }
}

/// The moments at 7:00 of such days in these months, by walking over the days.
fn by_walk(letter: Letter, months: &BTreeSet<u32>, after: Millis) -> Vec<String> {
    let start = DateTime::from_timestamp_millis(after.get() as i64).unwrap();
    let days = start.date_naive().iter_days().take(366 * 100);
    let days = days.filter(|date| months.contains(&date.month()) && letter.is_on(*date));
    let moments = days.map(|date| date.and_hms_opt(7, 0, 0).unwrap().and_utc());
    let moments = moments.filter(|moment| *moment > start);
    let moments = moments.map(|moment| Millis::new(moment.timestamp_millis() as u64).rfc3339());
    moments.take(COUNT).collect()
}

/// A list of numbers, ranges and steps of one field.
fn field(min: u16, max: u16) -> impl Strategy<Value = String> {
    let number = min..=max;
    let range = (min..=max, min..=max).prop_map(|(one, other)| {
        let (from, to) = (one.min(other), one.max(other));
        format!("{from}-{to}")
    });
    let stepped = (range.clone(), 1..=max).prop_map(|(range, step)| format!("{range}/{step}"));
    let every = (1..=max).prop_map(|step| format!("*/{step}"));
    let part = prop_oneof![
        number.prop_map(|number| number.to_string()),
        range,
        stepped,
        every
    ];
    prop_oneof![
        1 => Just("*".to_owned()),
        3 => prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(",")),
    ]
}

/// Moments from 2000 to 2060, seldom on a minute.
fn moment() -> impl Strategy<Value = Millis> {
    (946_684_800_000_u64..2_840_140_800_000).prop_map(Millis::new)
}

fn months() -> impl Strategy<Value = String> {
    field(1, 12)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 600,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn fields_mean_what_the_others_read(
        minutes in field(0, 59),
        hours in field(0, 23),
        of_month in field(1, 31),
        of_week in field(1, 7),
        months in months(),
        by_week in any::<bool>(),
        after in moment(),
    ) {
        let (of_month, of_week) = match by_week {
            true => ("?".to_owned(), of_week),
            false => (of_month, "?".to_owned()),
        };
        let fields = format!("{minutes} {hours} {of_month} {months} {of_week} *");
        let text = format!("cron({fields})");
        prop_assume!(Expression::read(&text, "UTC").is_ok());
        // `cron` looks only as far as 2100.
        let found = ours(&text, after);
        prop_assert_eq!(&found, &by_cron(&fields, after), "{}", &text);
        let (_, written) = canonical_fields(&text);
        prop_assert_eq!(&found, &by_cron(&written, after), "{} written {}", &text, &written);
        if !by_week {
            let fields = format!("{minutes} {hours} {of_month} {months} *");
            prop_assert_eq!(&found, &by_cronexpr(&fields, after), "{}", &text);
            prop_assert_eq!(&found, &ours(&fields, after), "{}", &fields);
        }
    }

    #[test]
    fn a_crontab_means_what_the_other_reads(
        minutes in field(0, 59),
        of_week in field(0, 7),
        months in months(),
        after in moment(),
    ) {
        let fields = format!("{minutes} 7,19 * {months} {of_week}");
        prop_assert_eq!(ours(&fields, after), by_cronexpr(&fields, after), "{}", fields);
    }

    #[test]
    fn the_letters_mean_what_the_other_reads(
        months in prop::collection::btree_set(1_u32..=12, 1..6),
        day in 1_u32..=31,
        of_week in 1_u32..=7,
        nth in 1_u32..=5,
        letter in 0..4,
        after in moment(),
    ) {
        let sunday_first = of_week - 1;
        let names: Vec<_> = months.iter().map(u32::to_string).collect();
        let names = names.join(",");
        let (letter, days, theirs) = match letter {
            0 => (Letter::Last, format!("L {names} ?"), format!("L {names} *")),
            1 => (Letter::Nearest(day), format!("{day}W {names} ?"), format!("{day}W {names} *")),
            2 => (
                Letter::LastOf(of_week),
                format!("? {names} {of_week}L"),
                format!("* {names} {sunday_first}L"),
            ),
            _ => (
                Letter::Nth(of_week, nth),
                format!("? {names} {of_week}#{nth}"),
                format!("* {names} {sunday_first}#{nth}"),
            ),
        };
        let text = format!("cron(0 7 {days} *)");
        let walked = by_walk(letter, &months, after);
        if walked.is_empty() {
            prop_assert!(Expression::read(&text, "UTC").is_err(), "{}", text);
            return Ok(());
        }
        let found = ours(&text, after);
        // A fifth Monday of February is rare: the walk may end first.
        prop_assert!(found.starts_with(&walked), "{} {:?} {:?}", text, found, walked);
        // `cronexpr` 1.7 passes over the last days of December, and reads days that a month does
        // not have otherwise.
        if !months.contains(&12) && day <= 28 {
            let theirs = by_cronexpr(&format!("0 7 {theirs}"), after);
            prop_assert!(found.starts_with(&theirs), "{} {:?} {:?}", text, found, theirs);
        }
    }
}

fn canonical_fields(text: &str) -> (String, String) {
    let written = Expression::read(text, "UTC").unwrap().canonical();
    let inner = written
        .strip_prefix("cron(")
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap();
    let inner = inner.to_owned();
    (written, inner)
}

#[test]
fn years_mean_what_the_other_reads() {
    let after = Millis::from_rfc3339("2026-06-01T00:00:00Z").unwrap();
    for fields in [
        "0 9 29 2 ? *",
        "0 9 1 1 ? 2027,2030",
        "0 9 1 1 ? 2028-2031",
        "0 9 ? 1 MON 2027/3",
        "30 23 31 12 ? 2026",
    ] {
        assert_eq!(
            ours(&format!("cron({fields})"), after),
            by_cron(fields, after),
            "{fields}"
        );
    }
}

/// Where dialects part: what the text means here, and what it means there.
#[test]
fn where_the_others_differ_is_known() {
    let after = Millis::from_rfc3339("2027-01-01T00:00:00Z").unwrap();
    let first = |moments: Vec<String>| moments[0].clone();
    // A number of a day is one day earlier in a crontab.
    assert_eq!(
        first(ours("cron(0 9 ? * 2 *)", after)),
        "2027-01-04T09:00:00.000Z"
    );
    assert_eq!(
        first(by_cronexpr("0 9 * * 2", after)),
        "2027-01-05T09:00:00.000Z"
    );
    // Both days restricted: a crontab fires on either, `cron` on both at once; here it is refused.
    assert!(Expression::read("0 9 13 * FRI", "UTC").is_err());
    assert_eq!(
        first(by_cronexpr("0 9 13 * FRI", after)),
        "2027-01-01T09:00:00.000Z"
    );
    assert_eq!(
        first(by_cron("0 9 13 * FRI *", after)),
        "2027-08-13T09:00:00.000Z"
    );
    // `L` alone in the week is its last day, Saturday.
    assert_eq!(
        first(ours("cron(0 9 ? * L *)", after)),
        "2027-01-02T09:00:00.000Z"
    );
    // The working day nearest to the 31st is sought in months that have one.
    let after = Millis::from_rfc3339("2027-03-31T12:00:00Z").unwrap();
    assert_eq!(
        first(ours("cron(0 9 31W * ? *)", after)),
        "2027-05-31T09:00:00.000Z"
    );
}
