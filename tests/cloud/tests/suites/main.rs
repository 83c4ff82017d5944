//! The AWS adapters keep every port's promise, over an engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod counts;
mod faults;
mod patient;
mod queue;
mod schedules;
mod secrets;
mod store;
