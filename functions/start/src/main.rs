//! Starts runs, keeps workflows, takes webhooks and schedules.

fn main() {}
