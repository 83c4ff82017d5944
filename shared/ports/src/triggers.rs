//! Triggers: what stands ready to start runs, and the clock that fires schedules.

use crate::PortError;
use lattice_ir::TriggerKind;
use lattice_model::{Millis, NodeId, RunId, Tenant, TriggerId, WorkflowId};
use serde::{Deserialize, Serialize};
use std::future::Future;

/// A trigger of the newest version of a stored workflow. What it says is a copy, for lists and for
/// the clock: whoever fires it looks at the workflow's newest Program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TriggerRow {
    /// Its id: a function of tenant, workflow and node, so that saving the workflow again keeps
    /// the address.
    pub id: TriggerId,
    /// Whose it is.
    pub tenant: Tenant,
    /// The workflow whose runs it starts.
    pub workflow: WorkflowId,
    /// The node that it is.
    pub node: NodeId,
    /// What it listens to.
    pub on: TriggerKind,
    /// When it was stored.
    pub stored_at: Millis,
    /// Whether a person wants a schedule to rest, or has; kept over saves of the workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// What a schedule has fired; kept over saves of the workflow.
    #[serde(default, skip_serializing_if = "FiringNote::is_blank")]
    pub note: FiringNote,
}

/// A rest of a schedule. A moment inside it starts nothing, whenever its firing comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// From this moment on.
    pub since: Millis,
    /// Up to this one; none = for as long as nobody ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}

impl Pause {
    /// Whether it goes on.
    pub fn is_on(&self) -> bool {
        self.until.is_none()
    }

    /// Whether a moment falls into it.
    pub fn covers(&self, at: Millis) -> bool {
        self.since <= at && self.until.is_none_or(|until| at <= until)
    }
}

/// What a schedule whose runs may not overlap has fired, so that every process that fires it judges
/// by the same. Changed only against the revision that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FiringNote {
    /// Rises by one with each change; 0 = there was none.
    pub revision: u64,
    /// The last moment that was given a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastFiring>,
    /// The moment that waits until that run is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Millis>,
    /// The newest moment that started nothing because of that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Millis>,
}

/// A moment that was given a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastFiring {
    /// The moment.
    pub at: Millis,
    /// Its run; none = whoever looks next starts it, under the key of the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

impl FiringNote {
    /// Whether nothing was ever noted.
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// Whether something is left to do: a run to start, now or once another is over.
    pub fn is_open(&self) -> bool {
        self.since().is_some()
    }

    /// Since when something is left to do.
    pub fn since(&self) -> Option<Millis> {
        let last = self.last.as_ref().filter(|last| last.run.is_none());
        last.map(|last| last.at)
            .into_iter()
            .chain(self.waiting)
            .min()
    }

    /// The note that follows this one.
    pub fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.revision = self.revision + 1;
        next
    }
}

/// The rows of triggers.
pub trait Triggers: Send + Sync + 'static {
    /// Stores a row, or replaces the one with its id. Its pause and its note are those that stand
    /// there, or none: the two calls below alone change them.
    fn put_trigger(&self, row: TriggerRow) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Sets the pause of a row; says whether there is one.
    fn pause_trigger(
        &self,
        id: &TriggerId,
        pause: Pause,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Sets the note of a row, if the one that stands there has the revision before it; says whether
    /// it did.
    fn note_firing(
        &self,
        id: &TriggerId,
        note: FiringNote,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// Rows with an open note, of all tenants, `limit` at most: what the sweep looks at. One that
    /// has just been written may be missing for a moment.
    fn open_firings(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<TriggerRow>, PortError>> + Send;

    /// Removes a row with its pause and its note; one that is not there is no mistake.
    fn delete_trigger(&self, id: &TriggerId) -> impl Future<Output = Result<(), PortError>> + Send;

    /// The row with this id, strongly consistent.
    fn trigger(
        &self,
        id: &TriggerId,
    ) -> impl Future<Output = Result<Option<TriggerRow>, PortError>> + Send;

    /// The rows of a tenant by id, those behind `after`, `limit` at most; of one workflow if it is
    /// named. `None` as the tenant = of all: for the process that owns the data.
    fn triggers(
        &self,
        tenant: Option<&Tenant>,
        workflow: Option<&WorkflowId>,
        after: Option<&TriggerId>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<TriggerRow>, PortError>> + Send;
}

/// A clock outside of any run that fires schedules, at least once each; the start's key (`schedule id`
/// and moment) makes a repeated firing harmless.
pub trait Schedules: Send + Sync + 'static {
    /// Fires from now on as the row says, and no longer as an older row of this id said. While the
    /// row is paused a clock may fire all the same: whoever is told starts nothing.
    fn arm(&self, row: &TriggerRow) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Never fires again; one that is not armed is no mistake.
    fn disarm(&self, id: &TriggerId) -> impl Future<Output = Result<(), PortError>> + Send;
}
