//! When a schedule fires: `cron(..)`, `rate(..)` and `at(..)` as EventBridge Scheduler writes them,
//! and the five fields of a crontab. No IO, no clock, no randomness.
//!
//! `expression` reads a text and says when it fires, `cron` holds the six fields, `values` the
//! numbers of one field, `zone` turns the time on a wall into a moment, `error` says what is wrong.

mod cron;
mod error;
mod expression;
mod values;
mod zone;

pub use error::ScheduleError;
pub use expression::Expression;
