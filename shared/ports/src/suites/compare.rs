//! Random operations on two stores, every answer compared: what the checks forgot to think of.

mod draw;

use super::sample::{NOON, run};
use crate::{Checkpoint, Expect, PortError, Put, RunFilter, Store, StoredWorkflow};
use draw::Generator;
use lattice_journal::{Head, InboxItem};
use lattice_model::{Hash, InboxId, Millis, RunId, Seq, Tenant, WorkflowId};
use std::fmt::Debug;

/// Performs so many random operations, a function of the seed, on both stores, and compares what
/// they answer; at the end, everything that can be read of each run.
pub async fn compare_stores(left: &impl Store, right: &impl Store, seed: u64, steps: usize) {
    let mut generator = Generator::new(seed);
    for step in 0..steps {
        let operation = generator.next();
        let answer = perform(left, &operation).await;
        let other = perform(right, &operation).await;
        assert_eq!(answer, other, "seed {seed}, step {step}: {operation:?}");
        generator.learn(&operation, &answer);
    }
    for operation in reads() {
        let answer = perform(left, &operation).await;
        assert_eq!(
            answer,
            perform(right, &operation).await,
            "seed {seed}, the end: {operation:?}"
        );
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Append(Box<Put>),
    Load(RunId, Seq),
    Page(RunId, Seq, usize),
    PutCheckpoint(Checkpoint),
    ReadCheckpoint(RunId),
    Summary(RunId),
    Key(String),
    PutHead(Head),
    Head(RunId),
    Heads(RunFilter),
    Due(Millis, usize),
    Defer(RunId, Seq, Millis, Millis),
    PutItem(InboxItem),
    Bury(RunId, Vec<InboxId>),
    Fingerprint(RunId, InboxId),
    Unread(RunId, usize),
    RunsWithUnread,
    PutWorkflow(StoredWorkflow, Expect),
    DeleteWorkflow(Tenant, WorkflowId, Expect),
    Workflow(Tenant, WorkflowId, Option<Hash>),
    Workflows(Tenant, Option<WorkflowId>, usize),
    Versions(Tenant, WorkflowId, usize),
}

/// The answer as a text; of an error only its kind, because its words are the adapter's own.
async fn perform(store: &impl Store, operation: &Operation) -> String {
    match operation.clone() {
        Operation::Append(put) => show(store.append(*put).await),
        Operation::Load(run, from) => show(store.load(&run, from).await),
        Operation::Page(run, after, events) => show(store.page(&run, after, events).await),
        Operation::PutCheckpoint(checkpoint) => show(store.put_checkpoint(checkpoint).await),
        Operation::ReadCheckpoint(run) => show(store.checkpoint(&run).await),
        Operation::Summary(run) => show(store.summary(&run).await),
        Operation::Key(key) => show(store.run_of_key(&key).await),
        Operation::PutHead(head) => show(store.put_head(head).await),
        Operation::Head(run) => show(store.head(&run).await),
        Operation::Heads(filter) => show(store.heads(filter).await),
        Operation::Due(now, limit) => show(store.due(now, limit).await),
        Operation::Defer(run, seq, was, until) => show(store.defer(&run, seq, was, until).await),
        Operation::PutItem(item) => show(store.put_item(item).await),
        Operation::Bury(run, ids) => show(store.bury(&run, &ids).await),
        Operation::Fingerprint(run, id) => show(store.fingerprint(&run, &id).await),
        Operation::Unread(run, limit) => show(store.unread(&run, limit).await),
        Operation::RunsWithUnread => show(store.runs_with_unread(99).await.map(|mut runs| {
            runs.sort();
            runs
        })),
        Operation::PutWorkflow(put, expect) => show(store.put_workflow(put, expect).await),
        Operation::DeleteWorkflow(owner, id, expect) => {
            show(store.delete_workflow(&owner, &id, expect).await)
        }
        Operation::Workflow(owner, id, version) => show(store.workflow(&owner, &id, version).await),
        Operation::Workflows(owner, after, limit) => {
            show(store.workflows(&owner, after.as_ref(), limit).await)
        }
        Operation::Versions(owner, id, limit) => show(store.versions(&owner, &id, limit).await),
    }
}

fn show<T: Debug>(answer: Result<T, PortError>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{error:?}").split(['(', ' ']).take(1).collect(),
    }
}

fn reads() -> Vec<Operation> {
    let mut reads = vec![
        Operation::Heads(RunFilter {
            limit: 99,
            ..RunFilter::default()
        }),
        Operation::Due(NOON.plus(1_000_000), 99),
        Operation::RunsWithUnread,
    ];
    reads.extend((0..draw::KEYS).map(|key| Operation::Key(format!("k{key}"))));
    for owner in (0..draw::TENANTS).map(draw::owner) {
        reads.push(Operation::Workflows(owner.clone(), None, 99));
        for id in (0..draw::WORKFLOWS).map(draw::workflow_id) {
            reads.push(Operation::Workflow(owner.clone(), id.clone(), None));
            reads.push(Operation::Versions(owner.clone(), id, 99));
        }
    }
    for run in (0..draw::RUNS).map(run) {
        reads.push(Operation::Load(run.clone(), Seq::FIRST));
        reads.push(Operation::Page(run.clone(), Seq::FIRST, 99));
        reads.push(Operation::ReadCheckpoint(run.clone()));
        reads.push(Operation::Summary(run.clone()));
        reads.push(Operation::Unread(run, 99));
    }
    reads
}
