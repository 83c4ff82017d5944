//! What the driver needs from the world, as traits: storage, queue, effects, time.
//!
//! Each port has one conformance suite in `suites` (feature `suites`) that every adapter runs, and
//! an in-memory adapter in `memory`. A port's promise is what its suite tests.

pub mod blobs;
pub mod clock;
pub mod error;
pub mod inbox;
pub mod log;
pub mod memory;
pub mod performer;
pub mod queue;
pub mod run_index;
pub mod secrets;
pub mod slots;
#[cfg(feature = "suites")]
pub mod suites;
pub mod triggers;
pub mod workflows;

pub use blobs::Blobs;
pub use clock::Clock;
pub use error::PortError;
pub use inbox::{Inbox, InboxPut};
pub use log::{Appended, Checkpoint, Keys, LogPage, Put, RunLog};
pub use performer::{LiveText, Performer, Unwatched};
pub use queue::{Delivery, Message, Receipt, Saw, StageQueue};
pub use run_index::{RunFilter, RunIndex};
pub use secrets::Secrets;
pub use slots::{Asker, Slot, SlotKey, Slots};
pub use triggers::{FiringNote, LastFiring, Pause, Schedules, TriggerRow, Triggers};
pub use workflows::{Expect, StoredWorkflow, WorkflowPut, WorkflowVersion, Workflows};

/// Everything durable, behind one handle.
pub trait Store: RunLog + RunIndex + Inbox + Blobs + Workflows + Keys + Slots {}

impl<T: RunLog + RunIndex + Inbox + Blobs + Workflows + Keys + Slots> Store for T {}
