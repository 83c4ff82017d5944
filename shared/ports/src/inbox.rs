//! What outside writers hand to runs.

use crate::PortError;
use lattice_journal::InboxItem;
use lattice_model::{Hash, InboxId, RunId};
use std::future::Future;

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxPut {
    /// It is stored, durably.
    Stored,
    /// An item with this id was put before, read or not; nothing changed.
    Known,
}

/// What outside writers hand to runs. Items are never deleted: a fold makes them tombstones.
pub trait Inbox: Send + Sync + 'static {
    /// Puts an item once per `(run, id)`. The run need not exist yet.
    fn put_item(&self, item: InboxItem)
    -> impl Future<Output = Result<InboxPut, PortError>> + Send;

    /// What the item under this id says, read or not: its `InboxBody::fingerprint`, strongly
    /// consistent. `None` if no item with this id was put.
    fn fingerprint(
        &self,
        run: &RunId,
        id: &InboxId,
    ) -> impl Future<Output = Result<Option<Hash>, PortError>> + Send;

    /// Items of the run that no commit has folded, in the order they were put, `limit` at most.
    fn unread(
        &self,
        run: &RunId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<InboxItem>, PortError>> + Send;

    /// Makes items of a run that is over tombstones: nobody will ever fold them.
    fn bury(
        &self,
        run: &RunId,
        ids: &[InboxId],
    ) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Runs that have unread items.
    fn runs_with_unread(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<RunId>, PortError>> + Send;
}
