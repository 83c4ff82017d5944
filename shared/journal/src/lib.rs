//! What is stored for ever: events, the commits that hold them, and the words for how a run stands.
//!
//! A run is a chain of commits, each of 1..32 events; `event` lists the types, `payload` their
//! fields, `commit` the chain, `status` the state machine, `summary` what stays when a run is over.

pub mod budget;
pub mod commit;
pub mod event;
pub mod failure;
pub mod fork;
pub mod inbox;
pub mod limit;
mod map;
mod outcome;
pub mod payload;
pub mod question;
pub mod status;
pub mod summary;
pub mod value;

pub use budget::Budget;
pub use commit::{ChainError, Commit, Tail};
pub use event::{DecodeError, EVENT_VERSION, Event, EventBody};
pub use failure::{Failure, FailureKind, Usage};
pub use fork::ForkedFrom;
pub use inbox::{InboxBody, InboxItem};
pub use limit::Limit;
pub use question::{Choice, Question, QuestionOption};
pub use status::RunStatus;
pub use summary::{ForkPoint, Head, RunSummary, Totals};
pub use value::ValueRef;
