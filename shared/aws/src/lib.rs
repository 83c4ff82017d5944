//! The ports over DynamoDB, SQS, S3, Secrets Manager and EventBridge Scheduler.
//!
//! Everything durable stands in one table and one bucket (`keys` says where). A process makes
//! `Clients` once and takes from them what it needs; an SDK that it does not ask for is not linked.
//! All calls go through one connector, which counts them (`Counter`).
//!
//! What is read of a run's log, inbox and row by its id is strongly consistent. Lists (`heads`, `due`,
//! `runs_with_unread`, `workflows`, `triggers`) come from indices that follow the table a moment
//! later: a list may miss what was just written, and the next one has it. Nothing is decided by a
//! list alone: whoever finds a run there loads it.

mod append;
mod blobs;
mod bucket;
mod clients;
mod clock;
mod counter;
mod error;
#[cfg(feature = "faults")]
pub mod faults;
#[cfg(test)]
mod golden;
mod http;
mod inbox;
mod item;
mod keys;
mod log;
mod queue;
mod rows;
mod schedules;
mod secrets;
mod slots;
mod store;
mod table;
mod trace;
mod triggers;
mod versions;

pub use clients::{Access, AwsSettings, Clients};
pub use clock::SystemClock;
pub use counter::{Counter, Snapshot, Unit};
pub use http::Http;
pub use queue::SqsQueue;
pub use schedules::{AwsSchedules, SOURCE as SCHEDULE_SOURCE, ScheduleSettings};
pub use secrets::AwsSecrets;
pub use store::{AwsStore, StoreSettings};
pub use trace::{traced, traceparent};
