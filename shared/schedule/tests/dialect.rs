//! What is read, how it is written, and what is said of what cannot be read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_model::Millis;
use lattice_model::limits::{SCHEDULE_BYTES_MAX, SCHEDULE_RATE_MS_MAX};
use lattice_schedule::{Expression, ScheduleError};

fn canonical(text: &str) -> String {
    Expression::read(text, "UTC")
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .canonical()
}

fn at(text: &str) -> Millis {
    Millis::from_rfc3339(text).unwrap()
}

/// Each row: what people write, and the one spelling of it. What is written is read as itself.
#[test]
fn one_schedule_has_one_spelling() {
    for (given, expected) in [
        ("cron(0 9 ? * MON-FRI *)", "cron(0 9 ? * MON-FRI *)"),
        ("cron(0 9 ? * 2-6 *)", "cron(0 9 ? * MON-FRI *)"),
        (
            "cron(0 9 ? * fri,mon,TUE,wed,THU *)",
            "cron(0 9 ? * MON-FRI *)",
        ),
        ("  CRON ( 00  09 ?\t* 2-6 * ) ", "cron(0 9 ? * MON-FRI *)"),
        ("0 9 * * 1-5", "cron(0 9 ? * MON-FRI *)"),
        ("0 9 * * MON-FRI", "cron(0 9 ? * MON-FRI *)"),
        ("0 9 * * 5-7", "cron(0 9 ? * SUN,FRI,SAT *)"),
        ("0 9 * * 0", "cron(0 9 ? * SUN *)"),
        ("0 9 * * 7", "cron(0 9 ? * SUN *)"),
        ("0 9 1,15 * *", "cron(0 9 1,15 * ? *)"),
        ("*/15 * * * *", "cron(0/15 * * * ? *)"),
        ("0 9 * * */2", "cron(0 9 ? * 1/2 *)"),
        ("5-59/10 0-23 1-31 1-12 *", "cron(5/10 * * * ? *)"),
        ("cron(* * * * ? *)", "cron(* * * * ? *)"),
        ("cron(* * ? * * *)", "cron(* * * * ? *)"),
        ("cron(* * ? * 1-7 *)", "cron(* * * * ? *)"),
        (
            "cron(1/10 8-10,20 1 JAN,feb,12 ? 2027/2)",
            "cron(1/10 8-10,20 1 1,2,12 ? 2027/2)",
        ),
        ("cron(30,0 9 L * ? *)", "cron(0,30 9 L * ? *)"),
        ("cron(0 9 15w * ? 2027,2028)", "cron(0 9 15W * ? 2027,2028)"),
        ("cron(0 9 ? * FRIL *)", "cron(0 9 ? * 6L *)"),
        ("cron(0 9 ? * L *)", "cron(0 9 ? * SAT *)"),
        ("cron(0 9 ? * TUE#2 *)", "cron(0 9 ? * 3#2 *)"),
        ("cron(0/60 9 * * ? *)", ""),
        ("rate(1 minute)", "rate(1 minutes)"),
        ("Rate( 05 Hours )", "rate(5 hours)"),
        ("rate(366 days)", "rate(366 days)"),
        ("at(2027-01-31T09:00:00)", "at(2027-01-31T09:00:00)"),
        ("at( 2024-02-29T23:59:59 )", "at(2024-02-29T23:59:59)"),
    ] {
        if expected.is_empty() {
            assert!(Expression::read(given, "UTC").is_err(), "{given}");
            continue;
        }
        assert_eq!(canonical(given), expected, "{given}");
        assert_eq!(canonical(expected), expected);
    }
}

/// What is written, what is said of it, and what is said to write.
const WRONG: &[(&str, &str, &str)] = &[
    ("cron(60 9 * * ? *)", "field `minutes`: `60`", "0 to 59"),
    ("cron(0 24 * * ? *)", "field `hours`: `24`", "0 to 23"),
    ("cron(0 9 0 * ? *)", "field `day-of-month`: `0`", "1 to 31"),
    (
        "cron(0 9 * 13 ? *)",
        "field `month`: `13`",
        "`JAN` to `DEC`",
    ),
    (
        "cron(0 9 ? * 0 *)",
        "field `day-of-week`: `0`",
        "1 to 7, or `SUN` to `SAT`",
    ),
    ("cron(0 9 ? * 8 *)", "field `day-of-week`: `8`", "1 to 7"),
    (
        "cron(0 9 * * ? 1969)",
        "field `year`: `1969`",
        "1970 to 2199",
    ),
    (
        "cron(0 9 * * ? 2200)",
        "field `year`: `2200`",
        "1970 to 2199",
    ),
    (
        "cron(0 9 * * * *)",
        "both it and `day-of-month` say",
        "write `?` in one",
    ),
    (
        "cron(0 9 1 * MON *)",
        "both it and `day-of-month` say",
        "write `?` in one",
    ),
    (
        "cron(0 9 ? * ? *)",
        "both it and `day-of-month` are `?`",
        "write `*` in one",
    ),
    (
        "cron(0 9 * * ?)",
        "cron(0 9 * * ?)` is no schedule",
        "it has 5 fields; write six",
    ),
    (
        "cron(0 0 9 * * ? *)",
        "is no schedule",
        "it has 7 fields; write six",
    ),
    ("cron()", "is no schedule", "it has 0 fields"),
    (
        "0 9 1 * MON",
        "a crontab fires when it or `day-of-month` fits",
        "two schedules",
    ),
    ("0 9 * *", "`0 9 * *` is no schedule", "five fields"),
    ("@daily", "`@daily` is no schedule", "five fields"),
    ("0 9 * * 8", "field `day-of-week`: `8`", "0 to 7"),
    ("0 9 L * *", "field `day-of-month`: `L`", "1 to 31"),
    (
        "cron(50-10 9 * * ? *)",
        "`50-10` ends before it begins",
        "two ranges",
    ),
    ("cron(*/0 9 * * ? *)", "`0` is not a step", "1 to 59"),
    ("cron(0/ 9 * * ? *)", "`` is not a step", "1 to 59"),
    ("cron(0,,5 9 * * ? *)", "`` is not a value", "0 to 59"),
    ("cron(+5 9 * * ? *)", "`+5` is not a value", "0 to 59"),
    ("cron(0 9 LW * ? *)", "EventBridge has no `LW`", "`28W`"),
    ("cron(0 9 L-3 * ? *)", "`L-3` cannot be read", "alone"),
    ("cron(0 9 1,15W * ? *)", "`1,15` is not a value", "1 to 31"),
    ("cron(0 9 32W * ? *)", "`32` is not a value", "1 to 31"),
    ("cron(0 9 ? * 3#6 *)", "`#6` cannot be read", "1 to 5"),
    (
        "cron(0 9 ? * 3#1,5#2 *)",
        "`#1,5#2` cannot be read",
        "one day",
    ),
    ("cron(0 9 ? * 2,6L *)", "`2,6` is not a value", "1 to 7"),
    ("cron(0 9 ? * W *)", "`W` is not a value", "`SUN` to `SAT`"),
    ("rate(0 minutes)", "field `value`: `0`", "rate(5 minutes)"),
    ("rate(1.5 hours)", "field `value`: `1.5`", "rate(5 minutes)"),
    ("rate(-1 days)", "field `value`: `-1`", "rate(5 minutes)"),
    (
        "rate(367 days)",
        "`367` is not a number from 1 to 366",
        "rate(5 minutes)",
    ),
    (
        "rate(30 seconds)",
        "field `unit`: `seconds`",
        "`minutes`, `hours` or `days`",
    ),
    ("rate(5)", "`rate(5)` is no schedule", "rate(5 minutes)"),
    (
        "at(2027-02-30T09:00:00)",
        "is no schedule",
        "at(2027-01-31T09:00:00)",
    ),
    (
        "at(2027-01-31T09:00:00Z)",
        "is no schedule",
        "without a zone",
    ),
    (
        "at(2027-1-31T9:00:00)",
        "is no schedule",
        "at(2027-01-31T09:00:00)",
    ),
    (
        "at(2027-01-31T09:00)",
        "is no schedule",
        "at(2027-01-31T09:00:00)",
    ),
    (
        "at(2016-12-31T23:59:60)",
        "is no schedule",
        "at(2027-01-31T09:00:00)",
    ),
    ("", "`` is no schedule", "five fields"),
    ("cron(0 9 * * ? *", "is no schedule", "five fields"),
];

#[test]
fn what_is_wrong_names_the_field_and_what_to_write() {
    for &(given, text, help) in WRONG {
        let error = Expression::read(given, "UTC").expect_err(given);
        let said = format!("{error}");
        assert!(said.contains(text), "{given}: {said}");
        assert!(error.help().contains(help), "{given}: {}", error.help());
    }
}

#[test]
fn a_day_that_no_month_has_never_fires() {
    for given in [
        "cron(0 9 31 2,4,6 ? *)",
        "cron(0 9 30,31 2 ? *)",
        "cron(0 9 29 2 ? 2027)",
        "cron(0 9 31W 4 ? *)",
        "cron(0 9 ? 2 2#5 2027)",
        "0 9 30 2 *",
    ] {
        let error = Expression::read(given, "UTC").expect_err(given);
        assert!(
            matches!(error, ScheduleError::Never { .. }),
            "{given}: {error}"
        );
    }
    for given in [
        "cron(0 9 29 2 ? *)",
        "cron(0 9 31W 5 ? *)",
        "cron(0 9 ? 2 2#5 2044)",
    ] {
        canonical(given);
    }
}

#[test]
fn zones_are_those_of_the_list() {
    for zone in [
        "UTC",
        "Europe/Berlin",
        "America/St_Johns",
        "Asia/Kathmandu",
        "Etc/GMT+5",
    ] {
        let expression = Expression::read("0 9 * * *", zone).unwrap();
        assert_eq!(expression.timezone(), zone);
    }
    for zone in [
        "",
        "Berlin",
        "CEST",
        "+02:00",
        "Europe/berlin ",
        "Europe/Berlin\0",
    ] {
        let error = Expression::read("0 9 * * *", zone).unwrap_err();
        assert!(
            matches!(error, ScheduleError::Zone { .. }),
            "{zone}: {error}"
        );
    }
}

#[test]
fn a_text_has_a_limit() {
    let padded = |bytes: usize| format!("{:<bytes$}", "rate(1 day)");
    assert!(Expression::read(&padded(SCHEDULE_BYTES_MAX), "UTC").is_ok());
    let error = Expression::read(&padded(SCHEDULE_BYTES_MAX + 1), "UTC").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the expression has 257 bytes, the limit is 256"
    );
}

#[test]
fn a_rate_counts_from_its_anchor_and_days_are_24_hours() {
    let rate = Expression::read("rate(2 days)", "Europe/Berlin").unwrap();
    let anchor = at("2027-03-27T10:00:00.500Z");
    let day = 86_400_000;
    let next = |after: u64| {
        rate.next_after(Millis::new(after), anchor)
            .unwrap()
            .since(anchor)
    };
    assert_eq!(next(0), 2 * day);
    assert_eq!(next(anchor.get()), 2 * day);
    assert_eq!(next(anchor.get() + 2 * day - 1), 2 * day);
    // Behind, not at: clocks went forward in between, and the rate does not care.
    assert_eq!(next(anchor.get() + 2 * day), 4 * day);
    assert_eq!(rate.arm(anchor), Ok(anchor.plus(2 * day)));
    let last = Millis::new(u64::MAX);
    assert_eq!(rate.next_after(last, anchor), None);
    let longest = Expression::read("rate(366 days)", "UTC").unwrap();
    assert_eq!(
        longest.next_after(anchor, anchor).unwrap().since(anchor),
        SCHEDULE_RATE_MS_MAX
    );
}

#[test]
fn what_has_passed_is_an_error_only_when_it_is_armed() {
    let once = Expression::read("at(2020-01-01T09:00:00)", "Asia/Tokyo").unwrap();
    let moment = at("2020-01-01T00:00:00Z");
    assert_eq!(once.arm(Millis::new(moment.get() - 1)), Ok(moment));
    let text = "`at(2020-01-01T09:00:00)` fires no more: its last moment has passed";
    assert_eq!(once.arm(moment).unwrap_err().to_string(), text);
    let years = Expression::read("cron(0 9 1 1 ? 2020-2021)", "UTC").unwrap();
    assert_eq!(years.arm(moment), Ok(at("2020-01-01T09:00:00Z")));
    assert_eq!(
        years.arm(at("2020-01-01T09:00:00Z")),
        Ok(at("2021-01-01T09:00:00Z"))
    );
    assert!(years.arm(at("2021-01-01T09:00:00Z")).is_err());
    let always = Expression::read("0 9 * * *", "UTC").unwrap();
    assert!(always.arm(at("2199-12-31T08:59:59Z")).is_ok());
    assert!(always.arm(at("2199-12-31T09:00:00Z")).is_err());
    assert!(always.arm(Millis::new(u64::MAX)).is_err());
}
