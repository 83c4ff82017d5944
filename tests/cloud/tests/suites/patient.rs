//! A store behind somebody patient: he asks again while nobody answers, and knows what an answer
//! means that came to a repeated question.
//!
//! What was written by a call whose answer was lost is told from what stood there before by looking
//! before the call, through clients that nothing happens to.

use lattice_aws::AwsStore;
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

/// So often he asks. At the faults' rate nobody is asked in vain so often.
const ASKS_MAX: usize = 60;

pub struct Patient {
    pub faulty: AwsStore,
    pub clean: AwsStore,
}

async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, PortError>
where
    F: Future<Output = Result<T, PortError>>,
{
    for _ in 1..ASKS_MAX {
        match ask().await {
            Err(PortError::Unavailable { .. }) => {}
            answer => return answer,
        }
    }
    ask().await
}

impl RunLog for Patient {
    async fn append(&self, put: Put) -> Result<Appended, PortError> {
        let commit = &put.commit;
        let stood = self.clean.load(&commit.run, commit.first).await?;
        let stood = stood.first().is_some_and(|it| it.first == commit.first);
        let answer = patiently(|| self.faulty.append(put.clone())).await?;
        Ok(match answer {
            Appended::Taken(found) if found.id == commit.id && !stood => Appended::Written,
            answer => answer,
        })
    }

    async fn load(&self, run: &RunId, from: Seq) -> Result<Vec<Commit>, PortError> {
        patiently(|| self.faulty.load(run, from)).await
    }

    async fn page(&self, run: &RunId, after: Seq, events: usize) -> Result<Vec<Commit>, PortError> {
        patiently(|| self.faulty.page(run, after, events)).await
    }

    async fn put_checkpoint(&self, checkpoint: Checkpoint) -> Result<bool, PortError> {
        let stood = self.clean.checkpoint(&checkpoint.run).await?;
        let done = patiently(|| self.faulty.put_checkpoint(checkpoint.clone())).await?;
        let stands = self.clean.checkpoint(&checkpoint.run).await?;
        Ok(done || (stood != stands && stands == Some(checkpoint)))
    }

    async fn checkpoint(&self, run: &RunId) -> Result<Option<Checkpoint>, PortError> {
        patiently(|| self.faulty.checkpoint(run)).await
    }

    async fn summary(&self, run: &RunId) -> Result<Option<RunSummary>, PortError> {
        patiently(|| self.faulty.summary(run)).await
    }
}

impl Keys for Patient {
    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, PortError> {
        patiently(|| self.faulty.run_of_key(key)).await
    }
}

impl Slots for Patient {
    async fn acquire(&self, key: &SlotKey, asker: &Asker, max: u32) -> Result<Slot, PortError> {
        patiently(|| self.faulty.acquire(key, asker, max)).await
    }

    async fn release(
        &self,
        key: &SlotKey,
        asker: &Asker,
        max: u32,
    ) -> Result<Vec<RunId>, PortError> {
        patiently(|| self.faulty.release(key, asker, max)).await
    }

    async fn holders(&self, key: &SlotKey) -> Result<Vec<RunId>, PortError> {
        patiently(|| self.faulty.holders(key)).await
    }

    async fn line(&self, key: &SlotKey, limit: usize) -> Result<Vec<Asker>, PortError> {
        patiently(|| self.faulty.line(key, limit)).await
    }
}

impl RunIndex for Patient {
    async fn put_head(&self, head: Head) -> Result<bool, PortError> {
        let stood = self.clean.head(&head.run).await?;
        let done = patiently(|| self.faulty.put_head(head.clone())).await?;
        let stands = self.clean.head(&head.run).await?;
        Ok(done || (stood != stands && stands == Some(head)))
    }

    async fn head(&self, run: &RunId) -> Result<Option<Head>, PortError> {
        patiently(|| self.faulty.head(run)).await
    }

    async fn heads(&self, filter: RunFilter) -> Result<Vec<Head>, PortError> {
        patiently(|| self.faulty.heads(filter.clone())).await
    }

    async fn due(&self, now: Millis, limit: usize) -> Result<Vec<Head>, PortError> {
        patiently(|| self.faulty.due(now, limit)).await
    }

    async fn defer(
        &self,
        run: &RunId,
        seq: Seq,
        was: Millis,
        until: Millis,
    ) -> Result<bool, PortError> {
        let stood = self.clean.head(run).await?;
        let done = patiently(|| self.faulty.defer(run, seq, was, until)).await?;
        let stands = self.clean.head(run).await?;
        Ok(done || stood != stands)
    }
}

impl Inbox for Patient {
    async fn put_item(&self, item: InboxItem) -> Result<InboxPut, PortError> {
        let stood = self.clean.fingerprint(&item.run, &item.id).await?;
        let answer = patiently(|| self.faulty.put_item(item.clone())).await?;
        Ok(match stood {
            None => InboxPut::Stored,
            Some(_) => answer,
        })
    }

    async fn fingerprint(&self, run: &RunId, id: &InboxId) -> Result<Option<Hash>, PortError> {
        patiently(|| self.faulty.fingerprint(run, id)).await
    }

    async fn unread(&self, run: &RunId, limit: usize) -> Result<Vec<InboxItem>, PortError> {
        patiently(|| self.faulty.unread(run, limit)).await
    }

    async fn bury(&self, run: &RunId, ids: &[InboxId]) -> Result<(), PortError> {
        patiently(|| self.faulty.bury(run, ids)).await
    }

    async fn runs_with_unread(&self, limit: usize) -> Result<Vec<RunId>, PortError> {
        patiently(|| self.faulty.runs_with_unread(limit)).await
    }
}

impl Blobs for Patient {
    async fn put_blob(&self, hash: Hash, value: Arc<Value>) -> Result<(), PortError> {
        patiently(|| self.faulty.put_blob(hash, Arc::clone(&value))).await
    }

    async fn blob(&self, hash: Hash) -> Result<Arc<Value>, PortError> {
        patiently(|| self.faulty.blob(hash)).await
    }
}

impl Patient {
    async fn newest(&self, tenant: &Tenant, id: &WorkflowId) -> Result<Option<Hash>, PortError> {
        let newest = self.clean.workflow(tenant, id, None).await?;
        Ok(newest.map(|newest| newest.row.version))
    }
}

impl Workflows for Patient {
    async fn put_program(&self, hash: ProgramHash, program: Arc<Program>) -> Result<(), PortError> {
        patiently(|| self.faulty.put_program(hash, Arc::clone(&program))).await
    }

    async fn program(&self, hash: ProgramHash) -> Result<Arc<Program>, PortError> {
        patiently(|| self.faulty.program(hash)).await
    }

    async fn put_workflow(
        &self,
        workflow: StoredWorkflow,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        let (row, stood) = (
            &workflow.row,
            self.newest(&workflow.row.tenant, &workflow.row.id).await?,
        );
        let answer = patiently(|| self.faulty.put_workflow(workflow.clone(), expect)).await?;
        let own = WorkflowPut::Conflict(Some(row.version));
        Ok(match answer {
            answer if answer == own && expect.holds(stood) => WorkflowPut::Done,
            answer => answer,
        })
    }

    async fn delete_workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        let stood = self.newest(tenant, id).await?;
        let answer = patiently(|| self.faulty.delete_workflow(tenant, id, expect)).await?;
        Ok(match answer {
            WorkflowPut::Conflict(None) if expect.holds(stood) => WorkflowPut::Done,
            answer => answer,
        })
    }

    async fn workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        version: Option<Hash>,
    ) -> Result<Option<StoredWorkflow>, PortError> {
        patiently(|| self.faulty.workflow(tenant, id, version)).await
    }

    async fn workflows(
        &self,
        tenant: &Tenant,
        after: Option<&WorkflowId>,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        patiently(|| self.faulty.workflows(tenant, after, limit)).await
    }

    async fn versions(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        patiently(|| self.faulty.versions(tenant, id, limit)).await
    }
}
