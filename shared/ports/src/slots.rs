//! Slots: how many runs may be open at once under one key, and who waits in line for the next place.
//!
//! The port keeps places and lines and knows nothing of runs: whoever ends a run, or finds one that is
//! over, gives its place back, and whoever looks for what was left behind asks for the lines.

use crate::PortError;
use lattice_model::{Hash, Millis, RunId, Tenant, WorkflowId};
use std::future::Future;

/// What a limit counts: runs of one workflow of one tenant, those with the same key. No other tenant's
/// runs can take a place of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotKey {
    /// Whose runs.
    pub tenant: Tenant,
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// What the workflow's template gave; empty without one.
    pub key: String,
}

impl SlotKey {
    /// A name without the words of the key, which may be long and hold anything.
    pub fn hash(&self) -> Hash {
        let (tenant, workflow) = (self.tenant.as_str(), self.workflow.as_str());
        let parts = [tenant, workflow, &self.key].map(str::as_bytes);
        Hash::of_parts(&[parts[0], parts[1], parts[2]])
    }
}

/// A run that asks for a place: the one that was queued first comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asker {
    /// When the run was queued.
    pub since: Millis,
    /// The run.
    pub run: RunId,
}

/// What an asker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// It has a place, now or since it asked before.
    Held,
    /// It stands in line.
    Waits,
}

/// The places and the lines.
pub trait Slots: Send + Sync + 'static {
    /// Takes a place for the run, or lets it stand in line. Asked again it says the same, or that a
    /// place came free: a run that stands before it in the line is never overtaken by one that asks
    /// later. Never are more than `max` places taken.
    fn acquire(
        &self,
        key: &SlotKey,
        asker: &Asker,
        max: u32,
    ) -> impl Future<Output = Result<Slot, PortError>> + Send;

    /// Gives the run's place back, or takes it out of the line; it may have neither. Names those who
    /// would have a place now if they asked: somebody has to wake them, again if this is called again.
    fn release(
        &self,
        key: &SlotKey,
        asker: &Asker,
        max: u32,
    ) -> impl Future<Output = Result<Vec<RunId>, PortError>> + Send;

    /// Who has a place, by run.
    fn holders(&self, key: &SlotKey) -> impl Future<Output = Result<Vec<RunId>, PortError>> + Send;

    /// Who stands in line, the first one first, `limit` at most.
    fn line(
        &self,
        key: &SlotKey,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Asker>, PortError>> + Send;
}
