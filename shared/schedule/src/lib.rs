//! When a schedule fires: `cron`, `rate` and `at` expressions, in a time zone. No clock.
