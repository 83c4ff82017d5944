//! The bodies of requests and answers.

use lattice_document::{Change, Problem};
use lattice_journal::{Event, Failure, ForkPoint, ForkedFrom, Question, RunStatus, Totals};
use lattice_model::limits::{KEY_CHARS_MAX, REASON_CHARS_MAX};
use lattice_model::{Hash, NodeId, ProgramHash, RunId, Seq, StageId, WorkflowId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
            #[serde(rename_all = "camelCase")]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
        )*
    };
}

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
        )*
    };
}

requests! {
    /// A run that somebody wants. Only stored workflows run: there is no place for a document here.
    StartBody {
        /// The workflow.
        workflow_id: WorkflowId,
        /// The version; the newest if it is not named.
        #[serde(default)]
        version: Option<Hash>,
        /// The input; `{}` if there is none.
        #[serde(default = "nothing")]
        input: Value,
        /// The same key gives the same run, however often it is sent.
        #[serde(default)]
        #[schemars(schema_with = "key")]
        idempotency_key: Option<String>,
    }
    /// An answer to a question.
    SignalBody {
        /// The node that asks.
        node: NodeId,
        /// The visit that is answered; the open one if it is not named.
        #[serde(default)]
        wait: Option<StageId>,
        /// The answer: an option by its label, value or number, a list of them, or a text.
        #[serde(default)]
        value: Value,
        /// The same key counts once, however often it is sent; the first answer under it stands.
        #[serde(default)]
        #[schemars(schema_with = "key")]
        idempotency_key: Option<String>,
    }
    /// A request to end a run.
    CancelBody {
        /// Why, for the record.
        #[serde(default)]
        #[schemars(length(max = REASON_CHARS_MAX))]
        reason: Option<String>,
    }
}

mod exports;
mod forks;
mod triggers;

pub use exports::*;
pub use forks::{ForkAnswer, ForkBody};
pub use triggers::*;

answers! {
    /// The server is there.
    Health {
        /// Always `ok`.
        status: String,
        /// The version of this build.
        version: String,
    }
    /// What came of compiling a document.
    CompileAnswer {
        /// Whether it can run.
        ok: bool,
        /// The Program it compiles to; absent if it cannot run.
        #[serde(skip_serializing_if = "Option::is_none")]
        program: Option<ProgramHash>,
        /// What is wrong with it, errors first.
        problems: Vec<Problem>,
        /// What the upgrade of an older document changed.
        changes: Vec<Change>,
    }
    /// A version of a workflow, without its document.
    WorkflowRow {
        /// The workflow.
        id: WorkflowId,
        /// Its name.
        name: String,
        /// The version: the hash of the stored document. In quotation marks it is the ETag.
        version: Hash,
        /// The Program it compiles to.
        program: ProgramHash,
        /// When it was stored.
        #[schemars(schema_with = "moment")]
        stored_at: String,
    }
    /// A version of a workflow with its document.
    WorkflowAnswer {
        /// Which it is.
        workflow: WorkflowRow,
        /// The document.
        document: Value,
    }
    /// A workflow was stored.
    WorkflowSaved {
        /// What was stored.
        workflow: WorkflowRow,
        /// Warnings; a document with errors is not stored.
        problems: Vec<Problem>,
        /// What the upgrade of an older document changed.
        changes: Vec<Change>,
        /// Where its webhooks are taken.
        hooks: Vec<HookRow>,
        /// When the clock starts it.
        schedules: Vec<ScheduleRow>,
    }
    /// A page of workflows, by id.
    WorkflowPage {
        /// The newest version of each.
        workflows: Vec<WorkflowRow>,
        /// Give it back as `cursor` for the next page; absent at the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_cursor: Option<String>,
    }
    /// The versions of a workflow, newest first.
    VersionPage {
        /// The versions.
        versions: Vec<WorkflowRow>,
    }
    /// A run was started.
    Started {
        /// The run.
        run_id: RunId,
        /// Whether it was there already, under the same key.
        known: bool,
    }
    /// A request was stored; the run takes it up.
    Accepted {
        /// The run.
        run_id: RunId,
        /// Whether the same request was stored before.
        known: bool,
    }
    /// A run in a list.
    RunRow {
        /// The run.
        run_id: RunId,
        /// What it runs.
        workflow: WorkflowId,
        /// The name of the workflow.
        name: String,
        /// How it stood when the row was written.
        status: RunStatus,
        /// The last event that the row knows of.
        seq: Seq,
        /// When it was queued.
        #[schemars(schema_with = "moment")]
        started_at: String,
        /// When the row was written.
        #[schemars(schema_with = "moment")]
        updated_at: String,
        /// Where it comes from, if it is a fork.
        #[serde(skip_serializing_if = "Option::is_none")]
        forked_from: Option<ForkPoint>,
    }
    /// A page of runs, newest first.
    RunPage {
        /// The runs.
        runs: Vec<RunRow>,
        /// Give it back as `cursor` for the next page; absent at the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_cursor: Option<String>,
    }
    /// A question that a run asks.
    OpenQuestion {
        /// The run.
        run_id: RunId,
        /// The workflow.
        workflow: WorkflowId,
        /// The node that asks.
        node: NodeId,
        /// The visit; an answer may name it.
        stage: StageId,
        /// What is asked.
        question: Question,
        /// Until when it can be answered.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "moment")]
        due_at: Option<String>,
    }
    /// A page of open questions, those of the newest runs first.
    WaitPage {
        /// The questions.
        waits: Vec<OpenQuestion>,
        /// Give it back as `cursor` for the next page; absent at the end.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_cursor: Option<String>,
    }
    /// How the budget of a run stands, in tokens.
    BudgetAnswer {
        /// What the run may use in all.
        tokens: u64,
        /// What counts as used: what calls reported, and all that lost attempts could have used.
        used: u64,
        /// What is kept for calls and runs that are under way.
        reserved: u64,
    }
    /// What a queued run stands in line for, because its workflow limits its open runs.
    PlaceAnswer {
        /// Which runs of the workflow count together; empty = all of them.
        key: String,
        /// How many of them may be open at once.
        max_runs: u32,
        /// How many stand in line before it, unless there are very many.
        #[serde(skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
    }
    /// How a run stands.
    RunAnswer {
        /// The run.
        run_id: RunId,
        /// What it runs.
        workflow: WorkflowId,
        /// The name of the workflow.
        name: String,
        /// The Program it is pinned to.
        program: ProgramHash,
        /// How it stands.
        status: RunStatus,
        /// Where it comes from, if it is a fork.
        #[serde(skip_serializing_if = "Option::is_none")]
        forked_from: Option<ForkedFrom>,
        /// Its last event.
        seq: Seq,
        /// When it was queued.
        #[schemars(schema_with = "moment")]
        started_at: String,
        /// When it ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "moment")]
        ended_at: Option<String>,
        /// Counts.
        totals: Totals,
        /// How its budget stands, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        budget: Option<BudgetAnswer>,
        /// The place that it stands in line for, if it does.
        #[serde(skip_serializing_if = "Option::is_none")]
        waits_for: Option<PlaceAnswer>,
        /// What it asks at the moment.
        questions: Vec<OpenQuestion>,
        /// What it produced, if it completed.
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<Value>,
        /// Why it failed, if it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// The node at which it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
    }
    /// A stage that is open.
    OpenStage {
        /// The visit.
        stage: StageId,
        /// The branch that it stands in, if it is in one.
        #[serde(skip_serializing_if = "Option::is_none")]
        branch: Option<lattice_model::BranchId>,
        /// How far it is: `ready`, `claimed`, `backoff`, `waiting`, `joining`: waits for branches,
        /// `calling`: waits for a run, or `held`: waits for what others have reserved of the budget.
        phase: String,
        /// The attempt that is under way, or the last one.
        #[serde(skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// When its timer fires or its next attempt comes.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "moment")]
        due_at: Option<String>,
    }
    /// A value that is too large to be shown beside the others.
    Omitted {
        /// What it is, such as `outputs.draft`.
        name: String,
        /// Its length as JSON, in bytes.
        bytes: u64,
    }
    /// A run as it was after an event: the fold of its log up to there.
    StateAnswer {
        /// The run.
        run_id: RunId,
        /// What it runs.
        workflow: WorkflowId,
        /// The name of the workflow.
        name: String,
        /// The Program it is pinned to.
        program: ProgramHash,
        /// Where it comes from, if it is a fork.
        #[serde(skip_serializing_if = "Option::is_none")]
        forked_from: Option<ForkedFrom>,
        /// The last event that is folded in.
        seq: Seq,
        /// How it stood.
        status: RunStatus,
        /// When it was queued.
        #[schemars(schema_with = "moment")]
        started_at: String,
        /// When it is over in any case; unset before its first event.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "moment")]
        deadline: Option<String>,
        /// The input.
        input: Value,
        /// The variables.
        variables: Map<String, Value>,
        /// What each node gave.
        outputs: Map<String, Value>,
        /// The open stages.
        open: Vec<OpenStage>,
        /// What it asked.
        questions: Vec<OpenQuestion>,
        /// Counts.
        totals: Totals,
        /// How its budget stood, if it has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        budget: Option<BudgetAnswer>,
        /// Values that are left out because they are too large; they stand as null above.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        #[schemars(default)]
        omitted: Vec<Omitted>,
    }
    /// A page of a run's log.
    EventPage {
        /// The events, in order, without a gap.
        events: Vec<Event>,
        /// The last of them, or `lastSeq` as it was given: the `lastSeq` of the next page.
        last_seq: Seq,
        /// Whether there are more at this moment.
        more: bool,
        /// Whether the last of them ends the run.
        over: bool,
    }
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

fn key(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"], "minLength": 1, "maxLength": KEY_CHARS_MAX,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    })
}

fn moment(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// Whether a text may be an idempotency key: printable ASCII without blanks around it, of a fit length.
pub fn is_key(text: &str) -> bool {
    let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    (1..=KEY_CHARS_MAX).contains(&text.len()) && printable && text.trim() == text
}

#[cfg(test)]
#[path = "shapes_tests.rs"]
mod tests;
