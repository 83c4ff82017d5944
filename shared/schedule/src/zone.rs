//! The time on a wall, and the moment that it is.
//!
//! When clocks go forward a time that they leave out fires nothing; when they go back a time that
//! comes twice fires the first time only. So says EventBridge Scheduler: "if a cron expression
//! falls on a non-existent date and time, your schedule invocation is skipped", and in the fall
//! "your schedule runs only once" (User Guide, "Schedule types", section "Daylight saving time").

use crate::error::ScheduleError;
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use lattice_model::Millis;

/// Reads the name of a time zone.
pub(crate) fn read(name: &str) -> Result<Tz, ScheduleError> {
    name.parse().map_err(|_| ScheduleError::Zone {
        zone: name
            .chars()
            .take(64)
            .collect::<String>()
            .escape_debug()
            .to_string(),
    })
}

/// The moment at which clocks first show this time; `None` if they leave it out.
pub(crate) fn moment(zone: Tz, wall: NaiveDateTime) -> Option<Millis> {
    let moment = match zone.from_local_datetime(&wall) {
        LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => moment,
        LocalResult::None => return None,
    };
    u64::try_from(moment.timestamp_millis())
        .ok()
        .map(Millis::new)
}

/// What clocks show at a moment; `None` beyond the years that are known.
pub(crate) fn wall(zone: Tz, moment: Millis) -> Option<NaiveDateTime> {
    let moment = DateTime::from_timestamp_millis(i64::try_from(moment.get()).ok()?)?;
    Some(moment.with_timezone(&zone).naive_local())
}
