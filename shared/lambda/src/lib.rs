//! What every Lambda function of ours is made of, below the HTTP API: settings, logs, counts, trace
//! context, a driver over AWS, and batches of messages.
//!
//! `settings` reads the environment; `logs` and `counts` write lines for CloudWatch; `trace` and
//! `invocation` say what those lines are about; `batch` serves messages. The functions
//! themselves are a few lines each in `functions/`.

pub mod batch;
pub mod counts;
pub mod invocation;
pub mod logs;
pub mod settings;
pub mod trace;

pub use counts::Counts;
pub use settings::{Role, Settings, SettingsError};
pub use trace::Trace;
