//! What every Lambda function of ours is made of, below the HTTP API: settings, logs, counts, trace
//! context, a driver over AWS, and batches of messages.
//!
//! `process` is made once, of what `settings` reads; `functions` are those that need no API; `batch`
//! serves messages; `logs` and `counts` write lines for CloudWatch, `watch` says what was committed;
//! `trace`, `queue` and `invocation` carry the trace from message to message.

pub mod batch;
pub mod counts;
pub mod functions;
pub mod invocation;
pub mod logs;
pub mod process;
pub mod queue;
pub mod settings;
pub mod trace;
mod watch;

pub use counts::{Counts, Teller};
pub use functions::{NoEffects, step, sweep};
pub use process::{CloudDriver, Process, StartError, leave};
pub use queue::Traced;
pub use settings::{Role, Settings, SettingsError};
pub use trace::Trace;
