//! The store as one process sees it: every call numbered, every write watched.

use crate::desk::ProcessId;
use crate::fate::{Fate, Kind};
use crate::report::BreachKind;
use crate::sim::Sim;
use lattice_ir::Program;
use lattice_journal::{Commit, Head, InboxItem, RunSummary};
use lattice_model::{Hash, InboxId, Millis, ProgramHash, RunId, Seq, Tenant, WorkflowId};
use lattice_ports::{
    Appended, Asker, Blobs, Checkpoint, Expect, Inbox, InboxPut, Keys, PortError, Put, RunFilter,
    RunIndex, RunLog, Slot, SlotKey, Slots, StoredWorkflow, WorkflowPut, WorkflowVersion,
    Workflows,
};
use serde_json::Value;
use std::sync::Arc;

/// The store as one process sees it.
pub struct SimStore {
    /// The world.
    pub sim: Arc<Sim>,
    /// Who calls.
    pub process: ProcessId,
}

/// Passes a method on through the desk.
macro_rules! through {
    ($self:ident, $kind:ident, $call:ident($($argument:expr),*)) => {
        $self.sim.call($self.process, Kind::$kind, $self.sim.raw.$call($($argument),*)).await
    };
}

impl RunLog for SimStore {
    async fn append(&self, put: Put) -> Result<Appended, PortError> {
        let append = async {
            let appended = self.sim.raw.append(put.clone()).await?;
            if appended == Appended::Written {
                self.sim.written(&put);
                self.check_tombstones(&put).await?;
            }
            Ok(appended)
        };
        self.sim.call(self.process, Kind::Append, append).await
    }

    async fn load(&self, run: &RunId, from: Seq) -> Result<Vec<Commit>, PortError> {
        // The two faults of reading that a sound store does not have: they come from outside.
        let fate = self.sim.desk.gate(self.process, Kind::Load).await;
        let mut commits = self.sim.raw.load(run, from).await?;
        match fate {
            Fate::Refused | Fate::AnswerLost => {
                let reason = "refused at `Load`".to_owned();
                Err(PortError::Unavailable {
                    port: "simulated world",
                    reason,
                })
            }
            Fate::CrashAfter => {
                self.sim.crash(self.process).await;
                Ok(commits)
            }
            Fate::Hole => {
                if commits.len() > 2 {
                    commits.remove(commits.len() / 2);
                }
                Ok(commits)
            }
            Fate::SlowBefore(ms) | Fate::SlowAfter(ms) => {
                self.sim.clock_sleep(ms).await;
                self.sim.raw.load(run, from).await
            }
            _ => Ok(commits),
        }
    }

    async fn page(&self, run: &RunId, after: Seq, events: usize) -> Result<Vec<Commit>, PortError> {
        through!(self, Load, page(run, after, events))
    }

    async fn put_checkpoint(&self, checkpoint: Checkpoint) -> Result<bool, PortError> {
        self.check_checkpoint(&checkpoint);
        through!(self, PutCheckpoint, put_checkpoint(checkpoint))
    }

    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, PortError> {
        let checkpoint: Option<Checkpoint> = through!(self, Checkpoint, checkpoint(run))?;
        let corrupt = self.sim.scenario.rig.corrupt_checkpoints;
        Ok(checkpoint.map(|checkpoint| {
            if corrupt {
                changed(checkpoint)
            } else {
                checkpoint
            }
        }))
    }

    async fn summary(&self, run: &RunId) -> Result<Option<RunSummary>, PortError> {
        through!(self, Summary, summary(run))
    }
}

impl SimStore {
    /// Folded items have to be tombstones by the time their fold can be seen.
    async fn check_tombstones(&self, put: &Put) -> Result<(), PortError> {
        if put.folds.is_empty() {
            return Ok(());
        }
        let unread = self.sim.raw.unread(&put.commit.run, usize::MAX).await?;
        if let Some(item) = unread.iter().find(|item| put.folds.contains(&item.id)) {
            let text = format!("inbox item `{}` was folded and is still unread", item.id);
            self.sim.breach(BreachKind::Duplicated, text);
        }
        Ok(())
    }

    /// A checkpoint is the fold of the log up to its seq.
    fn check_checkpoint(&self, checkpoint: &Checkpoint) {
        let body: Option<Value> = serde_json::from_slice(&checkpoint.body).ok();
        let state = body.and_then(|mut body| body.get_mut("state").map(Value::take));
        let folded = self
            .sim
            .look_at(&checkpoint.run, |shadow| shadow.state_at(checkpoint.seq));
        let folded = folded.and_then(|state| serde_json::to_value(state).ok());
        if state.is_none() || state != folded {
            let text = format!(
                "the checkpoint at {} is not the fold of the log",
                checkpoint.seq
            );
            self.sim.breach(BreachKind::Wrong, text);
        }
    }
}

/// The checkpoint with another count in its state and its old hash: what a broken disk may give.
fn changed(checkpoint: Checkpoint) -> Checkpoint {
    let Ok(mut body) = serde_json::from_slice::<Value>(&checkpoint.body) else {
        return checkpoint;
    };
    if let Some(tokens) = body.pointer_mut("/state/totals/usage/inputTokens") {
        *tokens = Value::from(1_000_000);
    }
    match serde_json::to_vec(&body) {
        Ok(bytes) => Checkpoint {
            body: bytes.into(),
            ..checkpoint
        },
        Err(_) => checkpoint,
    }
}

impl RunIndex for SimStore {
    async fn put_head(&self, head: Head) -> Result<bool, PortError> {
        through!(self, PutHead, put_head(head))
    }

    async fn head(&self, run: &RunId) -> Result<Option<Head>, PortError> {
        through!(self, Head, head(run))
    }

    async fn heads(&self, filter: RunFilter) -> Result<Vec<Head>, PortError> {
        through!(self, Heads, heads(filter))
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<Head>, PortError> {
        through!(self, Due, due(now, limit))
    }

    async fn defer(
        &self,
        run: &RunId,
        seq: Seq,
        was: Millis,
        until: Millis,
    ) -> Result<bool, PortError> {
        through!(self, Defer, defer(run, seq, was, until))
    }
}

impl Inbox for SimStore {
    async fn put_item(&self, item: InboxItem) -> Result<InboxPut, PortError> {
        let put = async {
            self.sim.put_item(&item);
            self.sim.raw.put_item(item).await
        };
        self.sim.call(self.process, Kind::PutItem, put).await
    }

    async fn fingerprint(&self, run: &RunId, id: &InboxId) -> Result<Option<Hash>, PortError> {
        through!(self, Fingerprint, fingerprint(run, id))
    }

    async fn unread(&self, run: &RunId, limit: usize) -> Result<Vec<InboxItem>, PortError> {
        through!(self, Unread, unread(run, limit))
    }

    async fn bury(&self, run: &RunId, ids: &[InboxId]) -> Result<(), PortError> {
        through!(self, Bury, bury(run, ids))
    }

    async fn runs_with_unread(&self, limit: usize) -> Result<Vec<RunId>, PortError> {
        through!(self, UnreadRuns, runs_with_unread(limit))
    }
}

impl Blobs for SimStore {
    async fn put_blob(&self, hash: Hash, value: Arc<Value>) -> Result<(), PortError> {
        through!(self, PutBlob, put_blob(hash, value))
    }

    async fn blob(&self, hash: Hash) -> Result<Arc<Value>, PortError> {
        through!(self, Blob, blob(hash))
    }
}

impl Workflows for SimStore {
    async fn put_program(&self, hash: ProgramHash, program: Arc<Program>) -> Result<(), PortError> {
        through!(self, PutShelf, put_program(hash, program))
    }

    async fn program(&self, hash: ProgramHash) -> Result<Arc<Program>, PortError> {
        through!(self, Shelf, program(hash))
    }

    async fn put_workflow(
        &self,
        workflow: StoredWorkflow,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        through!(self, PutShelf, put_workflow(workflow, expect))
    }

    async fn delete_workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        through!(self, PutShelf, delete_workflow(tenant, id, expect))
    }

    async fn workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        version: Option<Hash>,
    ) -> Result<Option<StoredWorkflow>, PortError> {
        through!(self, Shelf, workflow(tenant, id, version))
    }

    async fn workflows(
        &self,
        tenant: &Tenant,
        after: Option<&WorkflowId>,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        through!(self, Shelf, workflows(tenant, after, limit))
    }

    async fn versions(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        through!(self, Shelf, versions(tenant, id, limit))
    }
}

impl Slots for SimStore {
    async fn acquire(&self, key: &SlotKey, asker: &Asker, max: u32) -> Result<Slot, PortError> {
        through!(self, Acquire, acquire(key, asker, max))
    }

    async fn release(
        &self,
        key: &SlotKey,
        asker: &Asker,
        max: u32,
    ) -> Result<Vec<RunId>, PortError> {
        through!(self, Release, release(key, asker, max))
    }

    async fn holders(&self, key: &SlotKey) -> Result<Vec<RunId>, PortError> {
        through!(self, Slots, holders(key))
    }

    async fn line(&self, key: &SlotKey, limit: usize) -> Result<Vec<Asker>, PortError> {
        through!(self, Slots, line(key, limit))
    }
}

impl Keys for SimStore {
    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, PortError> {
        through!(self, RunOfKey, run_of_key(key))
    }
}
