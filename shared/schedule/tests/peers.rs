//! The same schedules read by two other crates, `cron` and `cronexpr`, where their dialects agree
//! with EventBridge's; and a table of where they do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, Utc};
use cronexpr::MakeTimestamp;
use lattice_model::Millis;
use lattice_schedule::Expression;
use proptest::prelude::*;
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

/// `cronexpr` counts days of the week as a crontab does, and has no years.
fn by_cronexpr(fields: &str, after: Millis) -> Vec<String> {
    let crontab = cronexpr::parse_crontab(&format!("{fields} UTC")).unwrap();
    let after = MakeTimestamp::from_millisecond(after.get() as i64).unwrap();
    let moments = crontab.iter_after(after).unwrap().take(COUNT);
    moments
        .map(|moment| moment.unwrap().timestamp().as_millisecond())
        .map(|moment| Millis::new(moment as u64).rfc3339())
        .collect()
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
    #![proptest_config(ProptestConfig::with_cases(600))]

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
        minute in 0..60,
        months in months(),
        day in 1..=28,
        of_week in 1..=7,
        nth in 1..=5,
        letter in 0..4,
        after in moment(),
    ) {
        let sunday_first = of_week - 1;
        let (days, theirs) = match letter {
            0 => ("L * ?".to_owned(), "L * *".to_owned()),
            1 => (format!("{day}W * ?"), format!("{day}W * *")),
            2 => (format!("? * {of_week}L"), format!("* * {sunday_first}L")),
            _ => (format!("? * {of_week}#{nth}"), format!("* * {sunday_first}#{nth}")),
        };
        let within = |days: &str| days.replacen(" * ", &format!(" {months} "), 1);
        let text = format!("cron({minute} 7 {} *)", within(&days));
        let theirs = format!("{minute} 7 {}", within(&theirs));
        prop_assert_eq!(ours(&text, after), by_cronexpr(&theirs, after), "{}", text);
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
