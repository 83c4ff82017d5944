//! Runs the engine without a world: a test says what happens and reads the log as lines.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines
)]

pub mod budgets;
pub mod forks;
pub mod maps;

use lattice_engine::{BlobCache, Cause, DecideError, Decision, Input, RunState, decide, start};
use lattice_ir::{
    Call, CallDone, CallRequest, Effect, End, IR_VERSION, ModelCall, NodeInfo, OnUnknown, Op,
    OpKind, Plan, Program, Retry,
};
use lattice_journal::payload::SignalOutcome;
use lattice_journal::{EventBody, Failure, FailureKind, InboxBody, InboxItem, Usage, ValueRef};
use lattice_model::{BootId, Guards, InboxId, Millis, NodeId, OpId, RunId, StageId, WorkflowId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Drives one run.
pub struct Runner {
    pub plan: Plan,
    pub state: RunState,
    pub log: Vec<EventBody>,
    pub calls: Vec<CallRequest>,
    pub blobs: BlobCache,
    pub at: u64,
    pub guards: Guards,
    pub log_bytes: u64,
    pub claims: bool,
    pub has_place: bool,
    inbox: Vec<InboxItem>,
}

impl Runner {
    /// Starts a run of the ops at moment 1,000.
    pub fn start(ops: Vec<Op>, input: Value) -> Self {
        Self::of(program(ops), input)
    }

    pub fn of(program: Program, input: Value) -> Self {
        let plan = Plan::new(Arc::new(program)).unwrap_or_else(|errors| panic!("{errors:?}"));
        let first = start(
            &plan,
            lattice_model::Tenant::local(),
            input,
            lattice_engine::Origin::Request,
            Millis::new(1_000),
        )
        .unwrap();
        let mut runner = Self {
            plan,
            state: RunState::empty(),
            log: Vec::new(),
            calls: Vec::new(),
            blobs: BlobCache::new(),
            at: 1_000,
            guards: Guards::ALL,
            log_bytes: 0,
            claims: true,
            has_place: false,
            inbox: Vec::new(),
        };
        runner.take(first);
        runner
    }

    pub fn run_id() -> RunId {
        RunId::from_parts(Millis::new(1), [1; 10])
    }

    pub fn decide(&self, cause: Cause) -> Result<Decision, DecideError> {
        self.decide_all(vec![cause])
    }

    pub fn decide_all(&self, causes: Vec<Cause>) -> Result<Decision, DecideError> {
        let input = Input {
            run: Self::run_id(),
            at: Millis::new(self.at),
            boot: BootId::new("boot"),
            has_place: self.has_place,
            claims: self.claims,
            log_bytes: self.log_bytes,
            inbox: self.inbox.clone(),
            causes,
            guards: self.guards,
        };
        decide(&self.plan, &self.state, &input, &self.blobs)
    }

    pub fn take(&mut self, decision: Decision) {
        self.log.extend(decision.events);
        self.state = decision.state;
        self.calls.extend(decision.calls);
        self.blobs.extend(decision.blobs);
        self.inbox.retain(|item| !decision.folds.contains(&item.id));
    }

    pub fn tell(&mut self, cause: Cause) -> &mut Self {
        let mut decision = self.decide(cause).unwrap();
        loop {
            let more = decision.more;
            self.take(decision);
            if !more {
                return self;
            }
            decision = self.decide(Cause::Wake).unwrap();
        }
    }

    pub fn wake(&mut self) -> &mut Self {
        self.tell(Cause::Wake)
    }

    pub fn wake_at(&mut self, at: u64) -> &mut Self {
        self.at = at;
        self.wake()
    }

    pub fn wake_later(&mut self, by: u64) -> &mut Self {
        self.at += by;
        self.wake()
    }

    pub fn answers(&mut self, stage: &str, attempt: u32, text: &str) -> &mut Self {
        self.tell(Cause::Ended {
            stage: StageId::new(stage),
            attempt,
            outcome: Ok(done(text)),
        })
    }

    pub fn fails(&mut self, stage: &str, attempt: u32, kind: FailureKind) -> &mut Self {
        let usage = Usage {
            input_tokens: 3,
            output_tokens: 0,
        };
        let outcome = Err((Failure::new(kind, "scripted"), usage));
        self.tell(Cause::Ended {
            stage: StageId::new(stage),
            attempt,
            outcome,
        })
    }

    pub fn loses(&mut self, stage: &str, attempt: u32) -> &mut Self {
        self.tell(Cause::Lost {
            stage: StageId::new(stage),
            attempt,
        })
    }

    pub fn item(&mut self, id: &str, body: InboxBody) -> &mut Self {
        let (run, id, at) = (Self::run_id(), InboxId::new(id), Millis::new(self.at));
        self.inbox.push(InboxItem { run, id, at, body });
        self
    }

    pub fn signal(&mut self, id: &str, node: &str, wait: Option<&str>, value: Value) -> &mut Self {
        let (node, wait) = (NodeId::new(node), wait.map(StageId::new));
        let value = ValueRef::Inline(Arc::new(value));
        self.item(id, InboxBody::Signal { node, wait, value })
            .wake()
    }

    /// Puts an answer and does not wake the run.
    pub fn put_signal(&mut self, id: &str, node: &str, value: Value) {
        let (node, value) = (NodeId::new(node), ValueRef::Inline(Arc::new(value)));
        let wait = None;
        self.item(id, InboxBody::Signal { node, wait, value });
    }

    pub fn cancel(&mut self, id: &str) -> &mut Self {
        self.item(
            id,
            InboxBody::Cancel {
                reason: "enough".to_owned(),
            },
        )
        .wake()
    }

    /// The log behind the first `skip` events, a line each.
    pub fn lines(&self, skip: usize) -> String {
        let lines = self.log.iter().skip(skip).map(line);
        lines.collect::<Vec<_>>().join("\n") + "\n"
    }
}

/// What a model said.
pub fn done(text: &str) -> CallDone {
    CallDone {
        text: text.to_owned(),
        model: "mock".to_owned(),
        finish: "stop".to_owned(),
        usage: Usage {
            input_tokens: 10,
            output_tokens: 5,
        },
        latency_ms: 7,
    }
}

fn line(event: &EventBody) -> String {
    let kind = event.kind();
    let value = |value: &ValueRef| match value {
        ValueRef::Inline(value) => value.to_string(),
        ValueRef::Blob { bytes, .. } => format!("<{bytes} bytes>"),
    };
    let maybe = |reference: &Option<ValueRef>| reference.as_ref().map_or("-".to_owned(), value);
    let to = |next: &Option<lattice_journal::payload::StageRef>| {
        next.as_ref()
            .map_or(String::new(), |next| format!(" -> {}", next.stage))
    };
    match event {
        EventBody::StageStarted(e) => {
            let key: String = e.key.to_hex().chars().take(4).collect();
            format!(
                "{kind} {} attempt {} epoch {} key {key}",
                e.stage, e.attempt, e.epoch
            )
        }
        EventBody::StageCompleted(e) => {
            let port = e
                .port
                .as_ref()
                .map_or(String::new(), |port| format!(" [{port}]"));
            format!(
                "{kind} {}{port} {}{}",
                e.stage,
                maybe(&e.output),
                to(&e.next)
            )
        }
        EventBody::StageFailed(e) => {
            format!(
                "{kind} {} after {} {}{}",
                e.stage,
                e.attempt,
                e.failure.kind,
                to(&e.next)
            )
        }
        EventBody::StageRetrying(e) => {
            format!(
                "{kind} {} epoch {} {} until {}",
                e.stage,
                e.epoch,
                e.failure.kind,
                e.due_at.get()
            )
        }
        EventBody::StageSkipped(e) => format!("{kind} {} ({})", e.stage, e.reason),
        EventBody::BranchStarted(e) => format!("{kind} {} at {}", e.branch, e.entry.stage),
        EventBody::BranchEnded(e) => format!("{kind} {} {:?}", e.branch, e.outcome),
        EventBody::JoinFired(e) => format!(
            "{kind} {} counted {:?} skipped {:?}",
            e.stage, e.counted, e.skipped
        ),
        EventBody::LlmStepStarted(e) => format!("{kind} {} {}", e.stage, value(&e.prompt)),
        EventBody::LlmStepCompleted(e) => format!("{kind} {} {}", e.stage, value(&e.text)),
        EventBody::LlmStepFailed(e) => format!("{kind} {} {}", e.stage, e.failure.kind),
        EventBody::WaitOpened(e) => {
            let text = e
                .question
                .as_ref()
                .map_or("-", |question| question.text.as_str());
            format!("{kind} {} {text}", e.stage)
        }
        EventBody::TimerSet(e) => format!("{kind} {} {}", e.stage, e.due_at.get()),
        EventBody::TimerFired(e) => format!("{kind} {} {}", e.stage, e.due_at.get()),
        EventBody::SignalReceived(e) => match &e.outcome {
            SignalOutcome::Refused { reason } => format!("{kind} {} refused: {reason}", e.inbox),
            outcome => format!("{kind} {} {outcome:?}", e.inbox).to_lowercase(),
        },
        EventBody::VariableSet(e) => format!("{kind} {} = {}", e.name, maybe(&e.value)),
        EventBody::RunCompleted(e) => format!("{kind} {}", value(&e.output)),
        EventBody::RunFailed(e) => format!("{kind} {}", e.failure),
        EventBody::TraceBreadcrumb(e) => format!("{kind} {} {}", e.kind, e.detail),
        _ => kind.to_owned(),
    }
}

pub fn program(ops: Vec<Op>) -> Program {
    let info = |op: &Op| {
        let (kind, label) = ("test".to_owned(), op.node.to_string());
        (op.node.clone(), NodeInfo { kind, label })
    };
    Program {
        ir_version: IR_VERSION,
        workflow: WorkflowId::new("test"),
        name: "Test".to_owned(),
        input: None,
        variables: BTreeMap::new(),
        lifetime_ms: 3_600_000,
        budget: None,
        concurrency: None,
        entry: OpId(0),
        triggers: Vec::new(),
        nodes: ops.iter().map(info).collect(),
        ops,
    }
}

pub fn op(name: &str, kind: OpKind) -> Op {
    let node = name.split('.').next().unwrap();
    Op {
        name: name.to_owned(),
        node: NodeId::new(node),
        visits_max: None,
        kind,
    }
}

/// A call of three attempts with a prompt; `change` has the last word.
pub fn call(name: &str, prompt: &str, next: u32, change: impl FnOnce(&mut Call)) -> Op {
    let effect = Effect::Model(ModelCall {
        model: "medium".to_owned(),
        system: None,
        prompt: prompt.to_owned(),
        output_schema: None,
        max_output_tokens: None,
        temperature_milli: None,
    });
    let mut call = Call {
        effect,
        timeout_ms: 30_000,
        retry: Retry {
            attempts_max: 3,
            delay_ms: 1_000,
            delay_ms_max: 8_000,
        },
        on_unknown: OnUnknown::Retry,
        next: OpId(next),
        on_error: None,
        on_timeout: None,
    };
    change(&mut call);
    op(name, OpKind::Call(call))
}

pub fn end(name: &str, output: Value) -> Op {
    op(name, OpKind::End(End { output }))
}

pub fn schema_of_choice() -> Value {
    json!({
        "type": "object",
        "properties": { "choice": { "enum": ["a", "b"] } },
        "required": ["choice"],
    })
}
