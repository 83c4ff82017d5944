//! The log of a run: commits, appended only at the end, and the cache of their fold.

use crate::PortError;
use lattice_journal::{Commit, Head, InboxItem, RunSummary};
use lattice_model::limits::PAGE_BYTES_MAX;
use lattice_model::{Hash, InboxId, RunId, Seq};
use std::future::Future;
use std::sync::Arc;

/// One append: a commit, and what is written together with it or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// The commit; written only if none stands at `(run, first)`.
    pub commit: Arc<Commit>,
    /// With the first commit: the idempotency key of the start. One key, one run.
    pub start_key: Option<String>,
    /// Inbox items that the commit folds; each becomes a tombstone. At most `FOLD_ITEMS_MAX`.
    pub folds: Vec<InboxId>,
    /// Items for the inboxes of other runs: the end of a child for its parent, a cancel for a child.
    /// At most `NOTICES_MAX`. The ids are made of what happens once in a run, so that no item with
    /// such an id was put before.
    pub notices: Vec<InboxItem>,
    /// With the first and the last commit: the run's row.
    pub head: Option<Head>,
    /// With the last commit: what stays of the run.
    pub summary: Option<RunSummary>,
}

impl Put {
    /// An append of the commit alone.
    pub fn of(commit: Commit) -> Self {
        Self {
            commit: Arc::new(commit),
            start_key: None,
            folds: Vec::new(),
            notices: Vec::new(),
            head: None,
            summary: None,
        }
    }
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq)]
pub enum Appended {
    /// All of it is stored.
    Written,
    /// A commit stands there already, and nothing of the put was written. Here it is, so that
    /// nobody has to read again. If it has the id of the commit that was put, the put had
    /// succeeded and only its answer was lost.
    Taken(Commit),
    /// The start key already belongs to this run, and nothing was written.
    KeyTaken(RunId),
}

/// A page of a log while it is read: every adapter cuts it at the same place.
#[derive(Debug)]
pub struct LogPage {
    after: Seq,
    events: usize,
    bytes: usize,
    commits: Vec<Commit>,
}

impl LogPage {
    /// An empty page of what stands behind `after`.
    pub fn new(after: Seq, events: usize) -> Self {
        Self {
            after,
            events,
            bytes: PAGE_BYTES_MAX,
            commits: Vec::new(),
        }
    }

    /// Whether another commit belongs to it.
    pub fn is_open(&self) -> bool {
        self.commits.is_empty() || (self.events > 0 && self.bytes > 0)
    }

    /// Takes the next commit of the run; one that ends at `after` or before is left out.
    pub fn push(&mut self, commit: Commit) {
        let behind = commit.events.iter().filter(|event| event.seq > self.after);
        let count = behind.count();
        if count == 0 {
            return;
        }
        self.events = self.events.saturating_sub(count);
        self.bytes = self.bytes.saturating_sub(commit.body.len());
        self.commits.push(commit);
    }

    /// What it holds.
    pub fn into_commits(self) -> Vec<Commit> {
        self.commits
    }
}

/// A cache of the fold of a run's log.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The run.
    pub run: RunId,
    /// The last event that is folded in.
    pub seq: Seq,
    /// The hash of the body; one that does not match is not believed.
    pub hash: Hash,
    /// The state, as the engine serialises it.
    pub body: Arc<[u8]>,
}

/// The log of each run.
pub trait RunLog: Send + Sync + 'static {
    /// Appends atomically: all parts of the put, or none. Success means it is durable.
    fn append(&self, put: Put) -> impl Future<Output = Result<Appended, PortError>> + Send;

    /// Reads every commit whose first seq is `from` or later, in order, strongly consistent.
    /// Opens each with `Commit::open`; the caller checks the chain.
    fn load(
        &self,
        run: &RunId,
        from: Seq,
    ) -> impl Future<Output = Result<Vec<Commit>, PortError>> + Send;

    /// Reads the commits that hold the events behind `after`, in order, strongly consistent: at least
    /// one if there is one, whole commits, and no more once `events` events behind `after` or
    /// `PAGE_BYTES_MAX` bytes are there. The first may begin before `after`. The caller checks the
    /// chain. An adapter finds the first commit by its key and cuts with `LogPage`.
    fn page(
        &self,
        run: &RunId,
        after: Seq,
        events: usize,
    ) -> impl Future<Output = Result<Vec<Commit>, PortError>> + Send;

    /// Stores a checkpoint if its seq is greater than the stored one's; says whether it did.
    fn put_checkpoint(
        &self,
        checkpoint: Checkpoint,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;

    /// The stored checkpoint.
    fn checkpoint(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<Option<Checkpoint>, PortError>> + Send;

    /// The summary that was written with the last commit.
    fn summary(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<Option<RunSummary>, PortError>> + Send;
}

/// The idempotency keys of starts.
pub trait Keys: Send + Sync + 'static {
    /// The run that was started under the key.
    fn run_of_key(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<RunId>, PortError>> + Send;
}
