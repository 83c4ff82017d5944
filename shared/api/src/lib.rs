//! The HTTP API over the ports: the same routes in Lambda and on a laptop.
//!
//! `service` takes a request through every check in one place and hands it to the route's handler in
//! `routes`; `gate` says who asks and what they may; `take` reads queries and bodies; `refuse` turns
//! errors into problem bodies; `view` turns states into answers,
//! `places` says what a queued run waits for. `triggers` keeps webhooks and schedules
//! in line with their workflows, and starts the runs of those that fire. `flows` finds the workflows
//! that a document calls. `streams` follows logs for many
//! readers at once, `log` reads pages of them. `metrics` counts. `server` is the loop that accepts
//! connections on a laptop, `meter` what it knows of each.

mod flows;
mod gate;
mod log;
mod meter;
mod metrics;
mod places;
mod refuse;
mod routes;
pub mod server;
mod service;
mod streams;
mod take;
mod triggers;
mod view;

pub use flows::flows_for;
pub use gate::{Caller, Gate, JwtError, JwtRules};
pub use meter::Meter;
pub use metrics::{Fresh, METRICS_MEDIA_TYPE, Metrics};
pub use places::waits_for;
pub use refuse::Refused;
pub use service::{Api, Kit, Parts, router, router_beside};
pub use streams::{StreamSettings, Streams};
pub use triggers::{is_trigger_id, next_at, pause_of, sync_triggers, trigger_id};
pub use view::{budget, hook_row, schedule_row, state_answer, value};
