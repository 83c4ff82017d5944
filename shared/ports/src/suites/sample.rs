//! Data for the checks: runs, chains of commits, rows, items.

use crate::{StoredWorkflow, WorkflowVersion};
use lattice_ir::{End, IR_VERSION, NodeInfo, Op, OpKind, Program};
use lattice_journal::payload::{RunResumed, RunWaiting, TraceBreadcrumb};
use lattice_journal::{
    Commit, EventBody, Failure, FailureKind, ForkPoint, Head, InboxBody, InboxItem, RunStatus,
    RunSummary, Tail, Totals, Usage, ValueRef,
};
use lattice_model::{
    CommitId, Hash, InboxId, Millis, NodeId, OpId, RunId, Seq, StageId, Tenant, WorkflowId,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The moment at which the samples begin.
pub const NOON: Millis = Millis::new(1_760_000_000_000);

/// The id of the nth sample run; a greater number is a newer run.
pub fn run(number: u64) -> RunId {
    let byte = number.to_be_bytes()[7];
    RunId::from_parts(NOON.plus(number), [byte; 10])
}

/// A tenant.
pub fn tenant(id: &str) -> Tenant {
    id.parse().unwrap()
}

/// A chain of commits as one worker would write it.
#[derive(Debug, Clone)]
pub struct Chain {
    tail: Tail,
}

impl Chain {
    /// The chain of a run that has no event yet.
    pub fn new(run: RunId) -> Self {
        Self {
            tail: Tail::empty(run),
        }
    }

    /// A commit at the end of the chain, of so many events; the chain does not move.
    pub fn seal(&self, id: &str, events: usize) -> Commit {
        let body = |nth: usize| -> EventBody {
            if nth.is_multiple_of(2) {
                RunWaiting {}.into()
            } else {
                RunResumed {}.into()
            }
        };
        Commit::seal(
            &self.tail,
            CommitId::new(id),
            NOON,
            (0..events).map(body).collect(),
        )
        .unwrap()
    }

    /// A commit of one event whose text has so many bytes; the chain does not move.
    pub fn seal_text(&self, id: &str, bytes: usize) -> Commit {
        let detail = json!({ "text": "x".repeat(bytes) });
        let crumb = TraceBreadcrumb {
            kind: "sample".to_owned(),
            stage: None,
            detail,
        };
        Commit::seal(&self.tail, CommitId::new(id), NOON, vec![crumb.into()]).unwrap()
    }

    /// Goes on behind the commit.
    pub fn follow(&mut self, commit: &Commit) {
        self.tail = self.tail.follow(commit).unwrap();
    }

    /// Seals a commit and goes on behind it.
    pub fn next(&mut self, id: &str, events: usize) -> Commit {
        let commit = self.seal(id, events);
        self.follow(&commit);
        commit
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        self.tail.run()
    }

    /// The seq of the last event.
    pub fn last(&self) -> Seq {
        self.tail.last()
    }
}

/// A row with a value in every field.
pub fn head(run: &RunId, seq: u64, status: RunStatus, due_at: Option<Millis>) -> Head {
    Head {
        tenant: tenant("sample"),
        run: run.clone(),
        workflow: WorkflowId::new("wf-sample"),
        name: "Sample \"flow\" é".to_owned(),
        program: Hash::of(b"a program"),
        seq: Seq::from_stored(seq),
        status,
        started_at: NOON,
        updated_at: NOON.plus(seq),
        due_at,
        forked_from: seq.is_multiple_of(2).then(|| ForkPoint {
            run: run.clone(),
            seq: Seq::from_stored(seq + 7),
        }),
    }
}

/// The summary of a failed run, with a value in every field.
pub fn summary(run: &RunId, seq: u64) -> RunSummary {
    let usage = Usage {
        input_tokens: 3,
        output_tokens: 4,
    };
    RunSummary {
        tenant: tenant("sample"),
        run: run.clone(),
        workflow: WorkflowId::new("wf-sample"),
        status: RunStatus::Failed,
        started_at: NOON,
        ended_at: NOON.plus(9),
        seq: Seq::from_stored(seq),
        totals: Totals {
            stages: 1,
            attempts: 2,
            usage,
        },
        output: Some(ValueRef::Inline(Arc::new(json!({"a": [1, null]})))),
        failure: Some(Failure::new(FailureKind::Timeout, "too slow").after(Some(5))),
        node: Some(NodeId::new("ask")),
    }
}

/// An answer for the run; the text makes two items of one id differ.
pub fn item(run: &RunId, id: &str, text: &str) -> InboxItem {
    let body = InboxBody::Signal {
        node: NodeId::new("ask"),
        wait: Some(StageId::new("ask@1")),
        value: ValueRef::Inline(Arc::new(json!(text))),
    };
    InboxItem {
        run: run.clone(),
        id: InboxId::new(id),
        at: NOON,
        body,
    }
}

/// A version of a workflow; its document tells it from other versions.
pub fn workflow(owner: &Tenant, id: &str, document: &str) -> StoredWorkflow {
    StoredWorkflow {
        row: WorkflowVersion {
            tenant: owner.clone(),
            id: WorkflowId::new(id),
            name: format!("The {id} of {owner}"),
            version: Hash::of(document.as_bytes()),
            program: Hash::of(b"a program"),
            stored_at: NOON,
        },
        document: Arc::from(document),
    }
}

/// A Program of one op, told from others by its name.
pub fn program(name: &str) -> Program {
    let node = NodeId::new("end");
    let info = NodeInfo {
        kind: "end".to_owned(),
        label: "End".to_owned(),
    };
    let kind = OpKind::End(End {
        output: json!({"b": "{{in.x}}", "a": 1}),
    });
    Program {
        ir_version: IR_VERSION,
        workflow: WorkflowId::new("wf-sample"),
        name: name.to_owned(),
        input: Some(json!({"type": "object"})),
        variables: BTreeMap::from([("v".to_owned(), json!(1.5))]),
        lifetime_ms: 1_000,
        budget: None,
        concurrency: None,
        entry: OpId(0),
        triggers: Vec::new(),
        ops: vec![Op {
            name: "end".to_owned(),
            node: node.clone(),
            visits_max: None,
            kind,
        }],
        nodes: BTreeMap::from([(node, info)]),
    }
}
