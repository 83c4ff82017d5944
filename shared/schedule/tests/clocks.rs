//! Where clocks are changed, against a walk over every minute.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use chrono::{DateTime, Datelike, NaiveDateTime, Timelike};
use chrono_tz::Tz;
use lattice_model::Millis;
use lattice_schedule::{Expression, ScheduleError};
use proptest::prelude::*;
use std::collections::BTreeSet;

const MINUTE_MS: u64 = 60_000;

fn at(text: &str) -> Millis {
    Millis::from_rfc3339(text).unwrap()
}

fn firings(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let expression = Expression::read(expression, zone).unwrap();
    let next = |after: &Millis| expression.next_after(*after, Millis::new(0));
    let moments = std::iter::successors(next(&at(from)), next);
    moments.take(count).map(Millis::rfc3339).collect()
}

#[test]
fn a_time_that_clocks_leave_out_is_skipped() {
    // Berlin went from 2:00 to 3:00 at 01:00Z on 28 March 2027.
    let found = firings("30 2 * * *", "Europe/Berlin", "2027-03-26T12:00:00Z", 3);
    let expected = [
        "2027-03-27T01:30:00.000Z",
        "2027-03-29T00:30:00.000Z",
        "2027-03-30T00:30:00.000Z",
    ];
    assert_eq!(found, expected);
    // The times on both sides of the gap are there.
    let found = firings("59,0 1,3 * * *", "Europe/Berlin", "2027-03-28T00:30:00Z", 3);
    let expected = [
        "2027-03-28T00:59:00.000Z",
        "2027-03-28T01:00:00.000Z",
        "2027-03-28T01:59:00.000Z",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_time_that_comes_twice_fires_the_first_time() {
    // New York went from 2:00 back to 1:00 at 06:00Z on 7 November 2027.
    let found = firings("30 1 * * *", "America/New_York", "2027-11-06T12:00:00Z", 2);
    assert_eq!(
        found,
        ["2027-11-07T05:30:00.000Z", "2027-11-08T06:30:00.000Z"]
    );
    // Asked between the two, or at the second of them.
    let found = firings("30 1 * * *", "America/New_York", "2027-11-07T05:45:00Z", 1);
    assert_eq!(found, ["2027-11-08T06:30:00.000Z"]);
    let found = firings("30 1 * * *", "America/New_York", "2027-11-07T06:30:00Z", 1);
    assert_eq!(found, ["2027-11-08T06:30:00.000Z"]);
    // What fires each half hour is silent for the hour that comes again.
    let found = firings(
        "*/30 * * * *",
        "America/New_York",
        "2027-11-07T05:00:00Z",
        3,
    );
    let expected = [
        "2027-11-07T05:30:00.000Z",
        "2027-11-07T07:00:00.000Z",
        "2027-11-07T07:30:00.000Z",
    ];
    assert_eq!(found, expected);
}

#[test]
fn once_is_a_time_that_there_is() {
    let once = |text: &str, zone: &str| Expression::read(text, zone);
    let gap = once("at(2027-03-28T02:30:00)", "Europe/Berlin").unwrap_err();
    assert!(matches!(gap, ScheduleError::Never { .. }));
    let year = once("cron(30 2 28 3 ? 2027)", "Europe/Berlin").unwrap_err();
    assert!(matches!(year, ScheduleError::Never { .. }), "{year}");
    let twice = once("at(2027-11-07T01:30:00)", "America/New_York").unwrap();
    assert_eq!(
        twice.arm(at("2027-01-01T00:00:00Z")),
        Ok(at("2027-11-07T05:30:00Z"))
    );
}

/// The moments of a daily schedule by walking: a minute fires if clocks show a time of it that they
/// have not shown before.
fn walk(zone: Tz, minutes: &[u32], hours: &[u32], from: Millis, to: Millis) -> Vec<Millis> {
    let mut shown = BTreeSet::<NaiveDateTime>::new();
    let day = 24 * 60 * MINUTE_MS;
    let mut found = Vec::new();
    // Times that were shown shortly before count as shown.
    let first = from.get() - day;
    for moment in (first..=to.get()).step_by(MINUTE_MS as usize) {
        let utc = DateTime::from_timestamp_millis(moment as i64).unwrap();
        let wall = utc.with_timezone(&zone).naive_local();
        let fits = minutes.contains(&wall.minute()) && hours.contains(&wall.hour());
        if shown.insert(wall) && fits && moment > from.get() {
            found.push(Millis::new(moment));
        }
    }
    found
}

/// Places where clocks are changed in unusual ways: by half an hour, at midnight, or with a whole
/// day left out.
const CHANGES: &[(&str, &str)] = &[
    ("Europe/Berlin", "2027-03-28T01:00:00Z"),
    ("Europe/Berlin", "2027-10-31T01:00:00Z"),
    ("America/New_York", "2027-03-14T07:00:00Z"),
    ("America/New_York", "2027-11-07T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Australia/Lord_Howe", "2027-04-03T15:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Africa/Cairo", "2027-04-29T22:00:00Z"),
    ("Asia/Kathmandu", "2027-01-01T00:00:00Z"),
    ("UTC", "2027-01-01T00:00:00Z"),
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_day_is_as_a_walk_over_its_minutes(
        change in prop::sample::select(CHANGES),
        minutes in prop::collection::btree_set(0_u32..60, 1..5),
        hours in prop::collection::btree_set(0_u32..24, 1..12),
        offset in 0_u64..60 * 48,
    ) {
        let (zone, moment) = change;
        let minutes: Vec<_> = minutes.into_iter().collect();
        let hours: Vec<_> = hours.into_iter().collect();
        let list = |values: &[u32]| values.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let text = format!("{} {} * * *", list(&minutes), list(&hours));
        let expression = Expression::read(&text, zone).unwrap();
        let from = Millis::new(at(moment).get() - offset * MINUTE_MS + 7);
        let to = from.plus(72 * 60 * MINUTE_MS);
        let next = |after: &Millis| expression.next_after(*after, Millis::new(0));
        let found = std::iter::successors(next(&from), next);
        let found: Vec<_> = found.take_while(|moment| *moment <= to).collect();
        let start = Millis::new(from.get() - 7);
        let expected = walk(zone.parse().unwrap(), &minutes, &hours, start, to);
        let expected: Vec<_> = expected.into_iter().filter(|moment| *moment > from).collect();
        prop_assert_eq!(found, expected, "{} {}", text, zone);
    }

    #[test]
    fn the_last_moment_is_the_end_of_a_walk(
        change in prop::sample::select(CHANGES),
        text in prop::sample::select(vec!["*/7 * * * *", "30 2 * * *", "0 9 1 * *", "rate(7 minutes)", "at(2027-03-28T04:00:00)"]),
        before in 0_u64..60 * 30,
        length in 0_u64..60 * 40,
    ) {
        let (zone, moment) = change;
        let expression = Expression::read(text, zone).unwrap();
        let from = Millis::new(at(moment).get() - before * MINUTE_MS + 7);
        let until = from.plus(length * MINUTE_MS + 3);
        let anchor = Millis::new(from.get() - 11);
        let next = |after: &Millis| expression.next_after(*after, anchor);
        let walked = std::iter::successors(next(&from), next);
        let expected = walked.take_while(|moment| *moment <= until).last();
        prop_assert_eq!(expression.last_in(from, until, anchor), expected, "{} {}", text, zone);
        prop_assert_eq!(expression.last_in(until, from, anchor), None);
    }

    #[test]
    fn any_text_is_answered(text in "[-0-9a-zA-Z*?/#,()LW: ]{0,40}", form in 0..4) {
        let text = match form {
            0 => text,
            1 => format!("cron({text})"),
            2 => format!("rate({text})"),
            _ => format!("at({text})"),
        };
        if let Ok(expression) = Expression::read(&text, "Europe/Berlin") {
            let written = expression.canonical();
            let again = Expression::read(&written, "Europe/Berlin").unwrap();
            prop_assert_eq!(again.canonical(), written);
            let moment = expression.next_after(Millis::new(0), Millis::new(0)).unwrap();
            let utc = DateTime::from_timestamp_millis(moment.get() as i64).unwrap();
            prop_assert!((1970..=2199).contains(&utc.year()) || text.contains("at("));
        }
    }
}
