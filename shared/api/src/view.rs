//! Turns rows, states and summaries into answers.

use crate::places::waits_for;
use crate::triggers::next_at;
use lattice_engine::{Phase, RunState};
use lattice_ir::{Payload, TriggerKind, WebhookAuth};
use lattice_journal::{Head, RunSummary, ValueRef};
use lattice_model::limits::VALUE_BYTES_MAX;
use lattice_model::{Millis, RunId, Seq, canonical_len};
use lattice_ports::{Blobs, PortError, Slots, TriggerRow, WorkflowVersion};
use lattice_wire::shapes::{
    BudgetAnswer, HookRow, Omitted, OpenQuestion, OpenStage, RunAnswer, RunRow, ScheduleRow,
    StateAnswer, WorkflowRow,
};
use serde_json::{Map, Value};

/// A run in a list.
pub fn run_row(head: Head) -> RunRow {
    RunRow {
        run_id: head.run,
        workflow: head.workflow,
        name: head.name,
        status: head.status,
        seq: head.seq,
        started_at: head.started_at.rfc3339(),
        updated_at: head.updated_at.rfc3339(),
        forked_from: head.forked_from,
    }
}

/// A workflow in a list.
pub fn workflow_row(version: WorkflowVersion) -> WorkflowRow {
    WorkflowRow {
        id: version.id,
        name: version.name,
        version: version.version,
        program: version.program,
        stored_at: version.stored_at.rfc3339(),
    }
}

/// A trigger that is a webhook.
pub fn hook_row(row: &TriggerRow) -> Option<HookRow> {
    let TriggerKind::Webhook(webhook) = &row.on else {
        return None;
    };
    let (authentication, header) = match &webhook.authentication {
        WebhookAuth::HmacSha256 { header, .. } => ("hmac-sha256", header.as_str()),
        WebhookAuth::StandardWebhooks { .. } => ("standard-webhooks", "webhook-signature"),
        WebhookAuth::ApiKey { header, .. } => ("api-key", header.as_str()),
    };
    let payload = match webhook.payload {
        Payload::Json => "json",
        Payload::Form => "form",
        Payload::Text => "text",
    };
    Some(HookRow {
        id: row.id.clone(),
        path: format!("/v1/hooks/{}", row.id),
        workflow: row.workflow.clone(),
        node: row.node.clone(),
        methods: webhook.methods.clone(),
        authentication: authentication.to_owned(),
        header: header.to_owned(),
        secret: webhook.authentication.secret().to_owned(),
        payload: payload.to_owned(),
        stored_at: row.stored_at.rfc3339(),
    })
}

/// A trigger that is a schedule.
pub fn schedule_row(row: &TriggerRow, now: Millis) -> Option<ScheduleRow> {
    let TriggerKind::Schedule(schedule) = &row.on else {
        return None;
    };
    let paused = row.pause.filter(|pause| pause.is_on());
    let next = match paused {
        None => next_at(schedule, now, row.stored_at),
        Some(_) => None,
    };
    Some(ScheduleRow {
        id: row.id.clone(),
        workflow: row.workflow.clone(),
        node: row.node.clone(),
        expression: schedule.expression.clone(),
        timezone: schedule.timezone.clone(),
        overlap: schedule.overlap.as_str().to_owned(),
        missed: schedule.missed.as_str().to_owned(),
        next_at: next.map(Millis::rfc3339),
        paused_at: paused.map(|pause| pause.since.rfc3339()),
        waiting_at: row.note.waiting.map(Millis::rfc3339),
        last_skipped: row.note.skipped.map(Millis::rfc3339),
        stored_at: row.stored_at.rfc3339(),
    })
}

/// How a run stands.
pub async fn run_answer<S: Blobs + Slots>(
    store: &S,
    run: &RunId,
    state: &RunState,
    summary: Option<RunSummary>,
) -> Result<RunAnswer, PortError> {
    let (output, failure, node, ended_at) = match summary {
        Some(summary) => (
            summary.output,
            summary.failure,
            summary.node,
            Some(summary.ended_at),
        ),
        None => (None, None, None, None),
    };
    let output = match output {
        Some(output) => Some(value(store, &output).await?),
        None => None,
    };
    Ok(RunAnswer {
        run_id: run.clone(),
        workflow: state.workflow.clone(),
        name: state.name.to_string(),
        program: state.program,
        forked_from: state.forked_from.clone(),
        status: state.status,
        seq: state.seq,
        started_at: state.started_at.rfc3339(),
        ended_at: ended_at.map(Millis::rfc3339),
        totals: state.totals,
        budget: budget(state),
        waits_for: waits_for(store, run, state).await?,
        questions: questions(run, state),
        output,
        failure,
        node,
    })
}

/// A run as it was: every value in place, as long as they fit together into one answer.
pub async fn state_answer<S: Blobs>(
    store: &S,
    run: &RunId,
    state: &RunState,
) -> Result<StateAnswer, PortError> {
    let mut shown = Shown {
        store,
        left: VALUE_BYTES_MAX,
        omitted: Vec::new(),
    };
    let input = shown.value("input".to_owned(), &state.input).await?;
    let mut variables = Map::new();
    for (name, variable) in &state.variables {
        let value = shown.value(format!("variables.{name}"), variable).await?;
        variables.insert(name.clone(), value);
    }
    let mut outputs = Map::new();
    for (node, output) in state.all_outputs() {
        let value = shown.value(format!("outputs.{node}"), output).await?;
        outputs.insert(node.to_string(), value);
    }
    Ok(StateAnswer {
        run_id: run.clone(),
        workflow: state.workflow.clone(),
        name: state.name.to_string(),
        program: state.program,
        forked_from: state.forked_from.clone(),
        seq: state.seq,
        status: state.status,
        started_at: state.started_at.rfc3339(),
        deadline: (state.seq > Seq::ZERO).then(|| state.deadline.rfc3339()),
        input,
        variables,
        outputs,
        open: open(state),
        questions: questions(run, state),
        totals: state.totals,
        budget: budget(state),
        omitted: shown.omitted,
    })
}

/// How the budget of a run stands.
pub fn budget(state: &RunState) -> Option<BudgetAnswer> {
    let spending = state.spending.as_ref()?;
    Some(BudgetAnswer {
        tokens: spending.budget.tokens,
        used: spending.used(state.totals.usage),
        reserved: spending.reserved(),
    })
}

/// The questions that a run asks.
pub fn questions(run: &RunId, state: &RunState) -> Vec<OpenQuestion> {
    let question = |(stage, node, question, due_at): (_, _, _, Option<Millis>)| {
        let (stage, node, question): (
            &lattice_model::StageId,
            &lattice_model::NodeId,
            &lattice_journal::Question,
        ) = (stage, node, question);
        OpenQuestion {
            run_id: run.clone(),
            workflow: state.workflow.clone(),
            node: node.clone(),
            stage: stage.clone(),
            question: question.clone(),
            due_at: due_at.map(Millis::rfc3339),
        }
    };
    state.questions().map(question).collect()
}

fn open(state: &RunState) -> Vec<OpenStage> {
    let stage = |(id, stage): (&lattice_model::StageId, &lattice_engine::Stage)| {
        let (phase, attempt, due_at) = match &stage.phase {
            _ if state.is_held(id) => ("held", None, None),
            Phase::Ready => ("ready", None, None),
            Phase::Claimed { attempt, .. } => ("claimed", Some(*attempt), None),
            Phase::Backoff {
                attempt, due_at, ..
            } => ("backoff", Some(*attempt), Some(*due_at)),
            Phase::Waiting { due_at, .. } => ("waiting", None, *due_at),
            Phase::Joining { .. } => ("joining", None, None),
            Phase::Mapping(map) => ("mapping", None, state.pause_ends_at(map)),
            Phase::Calling(child) => ("calling", None, child.due_at),
        };
        OpenStage {
            stage: id.clone(),
            branch: stage.branch.clone(),
            phase: phase.to_owned(),
            attempt,
            due_at: due_at.map(Millis::rfc3339),
        }
    };
    state.stages.iter().map(stage).collect()
}

struct Shown<'a, S> {
    store: &'a S,
    left: usize,
    omitted: Vec<Omitted>,
}

impl<S: Blobs> Shown<'_, S> {
    async fn value(&mut self, name: String, of: &ValueRef) -> Result<Value, PortError> {
        let bytes = match of {
            ValueRef::Inline(value) => canonical_len(value) as u64,
            ValueRef::Blob { bytes, .. } => *bytes,
        };
        let fits = usize::try_from(bytes).is_ok_and(|bytes| bytes <= self.left);
        if !fits {
            self.omitted.push(Omitted { name, bytes });
            return Ok(Value::Null);
        }
        self.left -= usize::try_from(bytes).unwrap_or(self.left);
        value(self.store, of).await
    }
}

/// The value itself, wherever it is kept.
pub async fn value<S: Blobs>(store: &S, value: &ValueRef) -> Result<Value, PortError> {
    match value {
        ValueRef::Inline(value) => Ok(Value::clone(value)),
        ValueRef::Blob { hash, .. } => Ok(Value::clone(&*store.blob(*hash).await?)),
    }
}
