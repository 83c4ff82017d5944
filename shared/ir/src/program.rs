//! The Program as it is stored: immutable, named by the hash of its canonical JSON.

use crate::branches::{Join, Split};
use crate::invoke::Invoke;
use crate::map::{Gather, Map};
use crate::trigger::Trigger;
use lattice_journal::{Budget, Choice as AnswerChoice, Question};
use lattice_model::{Hash, NodeId, OpId, ProgramHash, WorkflowId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The version that this build writes and reads. A newer one is left untouched.
pub const IR_VERSION: u32 = 1;

/// A compiled workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Program {
    /// See `IR_VERSION`.
    pub ir_version: u32,
    /// The workflow it came from.
    pub workflow: WorkflowId,
    /// The workflow's name, for people.
    pub name: String,
    /// JSON Schema of the trigger input.
    pub input: Option<Value>,
    /// The workflow's variables and what they are at the start.
    pub variables: BTreeMap<String, Value>,
    /// How long a run may live, in milliseconds.
    pub lifetime_ms: u64,
    /// What a run may use; unset = as much as it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// How many of its runs may be open at once; unset = all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<crate::Concurrency>,
    /// Where a run begins.
    pub entry: OpId,
    /// What starts runs from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// The ops; an `OpId` is a place in this list.
    pub ops: Vec<Op>,
    /// The nodes that the ops and the triggers came from, for people.
    pub nodes: BTreeMap<NodeId, NodeInfo>,
}

impl Program {
    /// The Program's name: the hash of its canonical JSON.
    pub fn hash(&self) -> Result<ProgramHash, serde_json::Error> {
        serde_json::to_value(self).map(|value| Hash::of_json(&value))
    }
}

/// What people know of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeInfo {
    /// The type in the catalogue.
    pub kind: String,
    /// The label, or the id where there is none.
    pub label: String,
}

/// One thing the engine can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Op {
    /// Unique in the Program: the node's id, and `.part` behind it if the node became several ops.
    pub name: String,
    /// The node it came from.
    pub node: NodeId,
    /// How often a run may come to it, 1..=`VISITS_MAX`; one visit more fails as `limit`. Set on one
    /// op of each loop at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visits_max: Option<u32>,
    /// What it does.
    pub kind: OpKind,
}

/// What an op does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub enum OpKind {
    /// Performs an effect; its result is the node's output.
    Call(Call),
    /// Computes the node's output from what is there.
    Eval(Eval),
    /// Sets or deletes a variable.
    Assign(Assign),
    /// Goes one of several ways.
    Choice(Choice),
    /// Waits for an answer, a timer, or either.
    Wait(Wait),
    /// Begins its branches at once.
    Split(Split),
    /// Waits for the branches of a split.
    Join(Join),
    /// Does the same for each item of a list.
    Map(Map),
    /// Waits for the items of a map.
    Gather(Gather),
    /// Starts a run of another workflow and waits for it.
    Invoke(Invoke),
    /// Ends the run.
    End(End),
}

/// Performs an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// What to perform.
    pub effect: Effect,
    /// Time for one attempt, in milliseconds; the lease is longer by `LEASE_MARGIN_MS`.
    pub timeout_ms: u64,
    /// When to try again.
    pub retry: Retry,
    /// What to do about an attempt whose outcome nobody knows.
    pub on_unknown: OnUnknown,
    /// Where to go with the result.
    pub next: OpId,
    /// Where to go with a failure; unset = the run fails. The node's output is then `{"error": ..}`.
    pub on_error: Option<OpId>,
    /// Where to go when the last failure was a timeout; unset = as `on_error`.
    pub on_timeout: Option<OpId>,
}

/// When a failed attempt is followed by another one: exponential back-off, doubled each time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Attempts in all, lost ones counted; 1..=`STAGE_ATTEMPTS_MAX`.
    pub attempts_max: u32,
    /// The first pause in milliseconds.
    pub delay_ms: u64,
    /// The longest pause in milliseconds.
    pub delay_ms_max: u64,
}

/// What to do about an attempt that was claimed and never reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnUnknown {
    /// Perform it again under the same idempotency key.
    Retry,
    /// The stage fails with `unknown_outcome`.
    Fail,
}

/// An effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "camelCase")]
pub enum Effect {
    /// One answer of a language model.
    Model(ModelCall),
}

/// One answer of a language model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelCall {
    /// A class (`small`, `medium`, `large`) or the name of a model.
    pub model: String,
    /// Template of the instructions.
    pub system: Option<String>,
    /// Template of the prompt.
    pub prompt: String,
    /// What the answer must be, as JSON Schema; unset = a text.
    pub output_schema: Option<Value>,
    /// A ceiling for the answer.
    pub max_output_tokens: Option<u32>,
    /// In thousandths, so that a Program has no fractions: 700 = 0.7.
    pub temperature_milli: Option<u32>,
}

/// Computes the node's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Eval {
    /// What to compute on: JSON whose strings are templates; one that is exactly one reference
    /// gives the value itself.
    pub input: Value,
    /// How; unset = the input is the output.
    pub transform: Option<Transform>,
    /// The output if the computation fails.
    pub fallback: Option<Value>,
    /// Where to go next.
    pub next: OpId,
    /// Where to go if it fails and there is no fallback; unset = the run fails.
    pub on_error: Option<OpId>,
}

/// A query over a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transform {
    /// The language.
    pub language: TransformLanguage,
    /// The query.
    pub expression: String,
}

/// The language of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TransformLanguage {
    /// JMESPath.
    Jmespath,
    /// JSONPath, RFC 9535: the list of matches.
    Jsonpath,
}

/// Sets or deletes a variable of the workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assign {
    /// The variable.
    pub variable: String,
    /// JSON whose strings are templates; unset = delete. Becomes the node's output too.
    pub value: Option<Value>,
    /// Where to go next.
    pub next: OpId,
    /// Where to go if the value cannot be computed; unset = the run fails.
    pub on_error: Option<OpId>,
}

/// Goes the way of the first arm whose test holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The arms, tried in order.
    pub arms: Vec<Arm>,
    /// The way if none holds; unset = a failure.
    pub otherwise: Option<Way>,
    /// Where to go if a test cannot be evaluated, or if no way fits; unset = the run fails.
    pub on_error: Option<OpId>,
    /// Whether the port that was taken becomes the node's output.
    pub keeps_port: bool,
}

/// One arm of a choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Arm {
    /// When to go this way.
    pub test: Test,
    /// The way.
    pub way: Way,
}

/// A way out of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The port a person drew the edge from.
    pub port: String,
    /// Where it leads.
    pub to: OpId,
}

/// When an arm is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Test {
    /// A CEL expression that is true.
    Cel(String),
    /// A template whose value equals the given one.
    Equals {
        /// The template.
        target: String,
        /// The value.
        value: Value,
    },
}

/// Waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// What is asked, if an answer is waited for.
    pub question: Option<QuestionTemplate>,
    /// How long is waited, if not for ever. A wait has a question, a timer, or both.
    pub timer: Option<Timer>,
    /// Where to go with an answer; the answer is the node's output. Set if `question` is.
    pub on_answer: Option<OpId>,
    /// Where to go when the timer fires. Set if `timer` is.
    pub on_timer: Option<OpId>,
    /// Where to go if the question or the timer cannot be computed; unset = the run fails.
    pub on_error: Option<OpId>,
}

/// A question whose text is a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuestionTemplate {
    /// Template of the text.
    pub text: String,
    /// The options; empty for a free text.
    pub options: Vec<lattice_journal::QuestionOption>,
    /// How it is answered.
    pub choice: AnswerChoice,
}

impl QuestionTemplate {
    /// The question with its text rendered.
    pub fn ask(&self, text: String) -> Question {
        Question {
            text,
            options: self.options.clone(),
            choice: self.choice,
        }
    }

    /// Whether an answer could be taken, whatever the text will be; a sentence if it could not.
    pub fn check(&self, answer: &Value) -> Result<(), String> {
        self.ask(String::new()).accept(answer).map(|_| ())
    }
}

/// When a wait is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Timer {
    /// So many milliseconds after the wait began.
    After(u64),
    /// At the moment that the template gives as RFC 3339 in UTC; at once if it is past.
    Until(String),
}

/// Ends the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// The run's output: JSON whose strings are templates.
    pub output: Value,
}

impl OpKind {
    /// Every op that this one may lead to.
    pub fn targets(&self) -> Vec<OpId> {
        let (fixed, optional) = match self {
            Self::Call(op) => (vec![op.next], vec![op.on_error, op.on_timeout]),
            Self::Eval(op) => (vec![op.next], vec![op.on_error]),
            Self::Assign(op) => (vec![op.next], vec![op.on_error]),
            Self::Choice(op) => {
                let ways = op.arms.iter().map(|arm| &arm.way).chain(&op.otherwise);
                (ways.map(|way| way.to).collect(), vec![op.on_error])
            }
            Self::Wait(op) => (vec![], vec![op.on_answer, op.on_timer, op.on_error]),
            Self::Split(op) => {
                let branches = op.branches.iter().map(|branch| branch.way.to);
                (branches.chain([op.join]).collect(), vec![])
            }
            Self::Join(op) => (vec![op.next], vec![op.on_error, op.on_timeout]),
            Self::Map(op) => (vec![op.way.to, op.gather], vec![op.on_error]),
            Self::Gather(op) => (vec![op.next], vec![op.on_error]),
            Self::Invoke(op) => (vec![op.next], vec![op.on_error, op.on_timeout]),
            Self::End(_) => (vec![], vec![]),
        };
        fixed
            .into_iter()
            .chain(optional.into_iter().flatten())
            .collect()
    }

    /// Where a failure of the op leads, if anything catches it.
    pub fn on_error(&self) -> Option<OpId> {
        match self {
            Self::Call(op) => op.on_error,
            Self::Eval(op) => op.on_error,
            Self::Assign(op) => op.on_error,
            Self::Choice(op) => op.on_error,
            Self::Wait(op) => op.on_error,
            Self::Join(op) => op.on_error,
            Self::Map(op) => op.on_error,
            Self::Gather(op) => op.on_error,
            Self::Invoke(op) => op.on_error,
            Self::Split(_) | Self::End(_) => None,
        }
    }

    /// The word of the op, as the printer shows it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Eval(_) => "eval",
            Self::Assign(_) => "assign",
            Self::Choice(_) => "choice",
            Self::Wait(_) => "wait",
            Self::Split(_) => "split",
            Self::Join(_) => "join",
            Self::Map(_) => "map",
            Self::Gather(_) => "gather",
            Self::Invoke(_) => "invoke",
            Self::End(_) => "end",
        }
    }
}
