//! The queue that wakes workers. At least once, in any order: everything that matters is in the log.

use crate::PortError;
use lattice_model::{RunId, Seq, StageId, Tenant};
use serde::{Deserialize, Serialize};
use std::future::Future;

/// A nudge: look at this run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The run.
    pub run: RunId,
    /// Whose run it is: nobody's messages keep those of another tenant waiting.
    #[serde(default, skip_serializing_if = "Tenant::is_local")]
    pub tenant: Tenant,
    /// The last event that the sender knew of; a hint, never trusted.
    pub hint: Seq,
    /// Claims of others that the sender waited for. Such a message is sent with the rest of the
    /// longest of their leases as its delay, so whoever receives it knows that they are over without
    /// having seen the claims before: a worker that remembers nothing needs to be told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub saw: Vec<Saw>,
}

/// An attempt that was seen running.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Saw {
    /// The stage.
    pub stage: StageId,
    /// The attempt.
    pub attempt: u32,
}

impl Message {
    /// A nudge and nothing more.
    pub fn new(run: RunId, hint: Seq) -> Self {
        Self {
            run,
            tenant: Tenant::local(),
            hint,
            saw: Vec::new(),
        }
    }

    /// The same for a run of this tenant.
    #[must_use]
    pub fn of(self, tenant: &Tenant) -> Self {
        let tenant = tenant.clone();
        Self { tenant, ..self }
    }
}

/// Names one delivery.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt(pub String);

/// A message handed to a worker, hidden from the others until it is acknowledged or given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// For `ack` and `give_back`.
    pub receipt: Receipt,
    /// How often it was delivered, this time included.
    pub receives: u32,
}

/// The queue.
pub trait StageQueue: Send + Sync + 'static {
    /// Sends a message that becomes visible after `delay_ms` (at most `QUEUE_DELAY_MS_MAX`; a
    /// longer delay is cut to it, so whoever receives it looks at the time itself).
    fn send(
        &self,
        message: Message,
        delay_ms: u64,
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The next message; waits until there is one. `None` when the queue is closed.
    fn receive(&self) -> impl Future<Output = Result<Option<Delivery>, PortError>> + Send;

    /// Deletes the delivered message. A receipt that is no longer good changes nothing.
    fn ack(&self, receipt: &Receipt) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Makes the delivered message visible again after `delay_ms`.
    fn give_back(
        &self,
        receipt: &Receipt,
        delay_ms: u64,
    ) -> impl Future<Output = Result<(), PortError>> + Send;
}
