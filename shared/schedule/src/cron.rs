//! The six fields of EventBridge's cron, and how the five of a crontab become them.

use crate::error::ScheduleError;
use crate::values::{
    DAY_OF_MONTH, DAY_OF_WEEK, HOURS, MINUTES, MONTH, UNIX_DAY_OF_WEEK, Values, YEAR,
};
use crate::zone;
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike, Weekday};
use chrono_tz::Tz;
use croner::Cron as Search;
use croner::parser::{CronParser, Seconds, Year};
use lattice_model::Millis;

/// The six fields; seconds are always 0.
#[derive(Debug, Clone)]
pub(crate) struct Cron {
    minutes: Values,
    hours: Values,
    days: Days,
    months: Values,
    years: Values,
    search: Search,
}

/// The days, by the month or by the week: the field that says nothing is `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    OfMonth(Values),
    LastOfMonth,
    /// The day from Monday to Friday that is nearest to this one and in the same month.
    NearestWeekday(u16),
    OfWeek(Values),
    /// The last such day of the month; 1 is Sunday.
    LastOfWeek(u16),
    /// Such a day for the n-th time in the month.
    Nth(u16, u16),
}

impl Cron {
    /// Reads the six fields of EventBridge.
    pub fn read(fields: &[&str]) -> Result<Self, ScheduleError> {
        let [minutes, hours, day_of_month, month, day_of_week, year] = fields else {
            let count = fields.len();
            return Err(ScheduleError::Form {
                text: format!("cron({})", fields.join(" ").escape_debug()),
                help: format!(
                    "it has {count} fields; write six: minutes, hours, day-of-month, month, \
                     day-of-week, year, such as `cron(0 9 ? * MON-FRI *)`"
                ),
            });
        };
        let days = match (*day_of_month, *day_of_week) {
            ("?", "?") => Err(DAY_OF_WEEK.error(
                "both it and `day-of-month` are `?`",
                "write `*` in one of the two for every day",
            )),
            (_, "?") => Days::by_month(day_of_month),
            ("?", _) => Days::by_week(day_of_week),
            _ => Err(DAY_OF_WEEK.error(
                "both it and `day-of-month` say on which days",
                "write `?` in one of the two",
            )),
        };
        Self::new(
            MINUTES.read(minutes)?,
            HOURS.read(hours)?,
            days?,
            MONTH.read(month)?,
            YEAR.read(year)?,
        )
    }

    /// Reads the five fields of a crontab.
    pub fn read_unix(fields: &[&str]) -> Result<Self, ScheduleError> {
        let [minutes, hours, day_of_month, month, day_of_week] = fields else {
            let text = fields.join(" ").escape_debug().to_string();
            let help = "write the five fields of a crontab, `cron(..)` with six fields, `rate(..)` \
                        or `at(..)`";
            return Err(ScheduleError::Form {
                text,
                help: help.to_owned(),
            });
        };
        let of_month = DAY_OF_MONTH.read(day_of_month)?;
        let of_week = UNIX_DAY_OF_WEEK.read(day_of_week)?;
        let of_week = of_week.map(|day| day % 7 + 1);
        let days = match (of_month.is_all(DAY_OF_MONTH), of_week.is_all(DAY_OF_WEEK)) {
            (_, true) => Days::OfMonth(of_month),
            (true, false) => Days::OfWeek(of_week),
            (false, false) => {
                return Err(DAY_OF_WEEK.error(
                    "a crontab fires when it or `day-of-month` fits, and no single schedule can \
                     say that",
                    "write two schedules, each with `*` in one of the two fields",
                ));
            }
        };
        Self::new(
            MINUTES.read(minutes)?,
            HOURS.read(hours)?,
            days,
            MONTH.read(month)?,
            YEAR.all(),
        )
    }

    fn new(
        minutes: Values,
        hours: Values,
        days: Days,
        months: Values,
        years: Values,
    ) -> Result<Self, ScheduleError> {
        let (day_of_month, day_of_week) = days.for_search();
        let pattern = format!(
            "0 {} {} {day_of_month} {} {day_of_week} {}",
            minutes.list(),
            hours.list(),
            months.list(),
            years.list(),
        );
        let parser = CronParser::builder().seconds(Seconds::Required);
        let parser = parser.year(Year::Required).build();
        // Every field is known to be good, so this is a defect of ours if it happens.
        let search = parser
            .parse(&pattern)
            .map_err(|error| ScheduleError::Form {
                text: pattern,
                help: error.to_string(),
            })?;
        let cron = Self {
            minutes,
            hours,
            days,
            months,
            years,
            search,
        };
        match cron.has_a_day() {
            true => Ok(cron),
            false => Err(ScheduleError::Never {
                expression: cron.canonical(),
                help: "none of these months has such a day; write one that they have".to_owned(),
            }),
        }
    }

    /// In the one spelling that EventBridge takes.
    pub fn canonical(&self) -> String {
        let (day_of_month, day_of_week) = self.days.canonical();
        format!(
            "cron({} {} {day_of_month} {} {day_of_week} {})",
            self.minutes.canonical(MINUTES),
            self.hours.canonical(HOURS),
            self.months.canonical(MONTH),
            self.years.canonical(YEAR),
        )
    }

    /// The first moment behind `after`.
    pub fn next_after(&self, zone: Tz, after: Millis) -> Option<Millis> {
        // Behind a time on a wall stand only moments behind its own, so the walk begins there.
        // The search carries parts of a second along, so they are cut off first.
        let mut wall = zone::wall(zone, after)?.with_nanosecond(0)?;
        loop {
            wall = self.next_wall(wall)?;
            let moment = zone::moment(zone, wall);
            if let Some(moment) = moment.filter(|moment| *moment > after) {
                return Some(moment);
            }
        }
    }

    /// The first time on a wall behind `wall`.
    fn next_wall(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        // Past the last year the search would go on for thousands of them.
        let last = self.years.iter().next_back()?;
        if wall.year() > i32::from(last) {
            return None;
        }
        // In UTC no clock is ever changed, so this is the search for a time on a wall alone.
        let found = self.search.find_next_occurrence(&wall.and_utc(), false);
        Some(found.ok()?.naive_utc())
    }

    fn has_a_day(&self) -> bool {
        self.years.iter().any(|year| {
            let mut months = self.months.iter();
            months.any(|month| self.days.is_in(i32::from(year), u32::from(month)))
        })
    }
}

impl Days {
    fn by_month(text: &str) -> Result<Self, ScheduleError> {
        let upper = text.to_ascii_uppercase();
        let help = "write `L`, or a day such as `15W`, alone";
        match upper.strip_suffix('W') {
            _ if upper == "L" => Ok(Self::LastOfMonth),
            Some("L") => Err(DAY_OF_MONTH.error(
                "EventBridge has no `LW`",
                "write `L` for the last day of the month, or a day such as `28W`",
            )),
            Some(day) => DAY_OF_MONTH.number(day).map(Self::NearestWeekday),
            None if upper.contains(['L', 'W', '#', '?']) => {
                let text = text.escape_debug();
                Err(DAY_OF_MONTH.error(format!("`{text}` cannot be read"), help))
            }
            None => DAY_OF_MONTH.read(&upper).map(Self::OfMonth),
        }
    }

    fn by_week(text: &str) -> Result<Self, ScheduleError> {
        let upper = text.to_ascii_uppercase();
        let field = DAY_OF_WEEK;
        if let Some((day, nth)) = upper.split_once('#') {
            let nth = match nth.as_bytes() {
                [digit @ b'1'..=b'5'] => u16::from(digit - b'0'),
                _ => {
                    let nth = nth.escape_debug();
                    let help = "write one day and 1 to 5, such as `3#2` for the second Tuesday";
                    return Err(field.error(format!("`#{nth}` cannot be read"), help));
                }
            };
            return Ok(Self::Nth(field.number(day)?, nth));
        }
        match upper.strip_suffix('L') {
            // The last day of the week.
            Some("") => field.read("SAT").map(Self::OfWeek),
            Some(day) => field.number(day).map(Self::LastOfWeek),
            None => field.read(&upper).map(Self::OfWeek),
        }
    }

    /// Day-of-month and day-of-week as EventBridge writes them.
    fn canonical(&self) -> (String, String) {
        let none = || "?".to_owned();
        match self {
            Self::OfMonth(days) => (days.canonical(DAY_OF_MONTH), none()),
            Self::LastOfMonth => ("L".to_owned(), none()),
            Self::NearestWeekday(day) => (format!("{day}W"), none()),
            Self::OfWeek(days) if days.is_all(DAY_OF_WEEK) => ("*".to_owned(), none()),
            Self::OfWeek(days) => (none(), days.canonical(DAY_OF_WEEK)),
            Self::LastOfWeek(day) => (none(), format!("{day}L")),
            Self::Nth(day, nth) => (none(), format!("{day}#{nth}")),
        }
    }

    /// The same in the words of the search, for which Sunday is 0.
    fn for_search(&self) -> (String, String) {
        let any = || "*".to_owned();
        match self {
            Self::OfMonth(days) if days.is_all(DAY_OF_MONTH) => (any(), any()),
            Self::OfMonth(days) => (days.list(), any()),
            Self::LastOfMonth => ("L".to_owned(), any()),
            Self::NearestWeekday(day) => (format!("{day}W"), any()),
            Self::OfWeek(days) => (any(), days.map(|day| day - 1).list()),
            Self::LastOfWeek(day) => (any(), format!("{}L", day - 1)),
            Self::Nth(day, nth) => (any(), format!("{}#{nth}", day - 1)),
        }
    }

    /// Whether the month has such a day.
    fn is_in(&self, year: i32, month: u32) -> bool {
        let Some(first) = NaiveDate::from_ymd_opt(year, month, 1) else {
            return false;
        };
        let length = u16::from(first.num_days_in_month());
        match self {
            Self::OfMonth(days) => days.min() <= length,
            Self::NearestWeekday(day) => *day <= length,
            Self::Nth(day, nth) => {
                let day = Weekday::try_from((day + 5) as u8 % 7).unwrap_or(Weekday::Mon);
                NaiveDate::from_weekday_of_month_opt(year, month, day, *nth as u8).is_some()
            }
            Self::LastOfMonth | Self::OfWeek(_) | Self::LastOfWeek(_) => true,
        }
    }
}
