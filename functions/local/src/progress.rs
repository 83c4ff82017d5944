//! What a run does, in lines for people.

use crate::screen::{Screen, Tone};
use crate::text::{clean, duration, one_line, preview, shell_word};
use lattice_engine::RunState;
use lattice_ir::{Plan, Program};
use lattice_journal::payload::{
    BranchOutcome, ChildStarted, MapStarted, SignalOutcome, SignalReceived, StageCompleted,
    StageFailed, StageHeld, StageRetrying, StageSkipped,
};
use lattice_journal::{Choice, Event, EventBody, Failure, Question};
use lattice_model::{Millis, NodeId, RunId, StageId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Columns of a label, at most.
const LABEL_CHARS_MAX: usize = 28;
/// Columns of a type with its part, at most.
const KIND_CHARS_MAX: usize = 26;
/// The part of a question that goes the way of the answer.
const CHOICE: &str = "choice";
/// Characters of a failure's message in a line.
const MESSAGE_CHARS_MAX: usize = 200;

/// What the lines of one run need to know.
#[derive(Debug)]
pub struct Progress {
    plan: Arc<Plan>,
    width: usize,
    open: BTreeMap<StageId, Open>,
}

/// An open stage.
#[derive(Debug, Clone)]
struct Open {
    since: Millis,
    tokens: u64,
    question: Option<(NodeId, Question)>,
}

impl Progress {
    /// The lines of a run of this plan.
    pub fn new(plan: Arc<Plan>) -> Self {
        let labels = plan
            .program()
            .nodes
            .values()
            .map(|node| node.label.chars().count());
        let width = labels.max().unwrap_or(0).min(LABEL_CHARS_MAX);
        Self {
            plan,
            width,
            open: BTreeMap::new(),
        }
    }

    /// What is open already when somebody begins to look.
    pub fn begin_at(&mut self, state: &RunState, now: Millis) {
        for id in state.stages.keys() {
            self.open(id, now);
        }
    }

    /// The lines that an event is worth. `prefix` stands before commands' further words.
    pub fn lines(&mut self, event: &Event, data_flag: &str, screen: &Screen) -> Vec<String> {
        match &event.body {
            EventBody::StageStarted(started) => {
                self.open(&started.stage, event.timestamp);
                Vec::new()
            }
            EventBody::LlmStepCompleted(step) => {
                self.open(&step.stage, event.timestamp).tokens += step.usage.total();
                Vec::new()
            }
            EventBody::LlmStepFailed(step) => {
                self.open(&step.stage, event.timestamp).tokens += step.usage.total();
                Vec::new()
            }
            EventBody::WaitOpened(wait) => {
                let asked = wait
                    .question
                    .clone()
                    .map(|question| (wait.node.clone(), question));
                self.open(&wait.stage, event.timestamp).question = asked;
                wait.question.as_ref().map_or(Vec::new(), |question| {
                    let head = self.head(screen.paint(Tone::Look, "?"), &wait.node, &wait.stage);
                    let mut lines = vec![head.trim_end().to_owned()];
                    lines.extend(question_lines(question));
                    lines
                })
            }
            EventBody::TimerSet(timer) => {
                self.timer(event, &timer.stage, timer.due_at, data_flag, screen)
            }
            EventBody::SignalReceived(signal) => answer_lines(signal),
            EventBody::StageCompleted(done) => self.completed(event, done, screen),
            EventBody::BranchStarted(started) => {
                self.open(&started.join.stage, event.timestamp);
                Vec::new()
            }
            EventBody::MapStarted(started) => {
                self.open(&started.gather.stage, event.timestamp);
                let head = self.head(screen.paint(Tone::Look, ">"), &started.node, &started.stage);
                vec![format!("{head}  {}", items_line(started))]
            }
            EventBody::BranchEnded(ended) => match &ended.outcome {
                BranchOutcome::Completed { .. } => Vec::new(),
                BranchOutcome::Failed { failure, .. } => {
                    let (branch, said) = (&ended.branch, failure_line(failure));
                    vec![format!("    branch {branch} failed: {said}")]
                }
            },
            EventBody::ChildStarted(started) => {
                self.open(&started.stage, event.timestamp);
                let head = self.head(screen.paint(Tone::Look, ">"), &started.node, &started.stage);
                vec![format!("{head}  {}", child_line(started))]
            }
            EventBody::CancelRequested(cancel) => {
                let reason = one_line(&cancel.reason, MESSAGE_CHARS_MAX);
                vec![format!("    cancel requested: {reason}")]
            }
            EventBody::StageRetrying(retry) => vec![self.retrying(event, retry, screen)],
            EventBody::StageHeld(held) => vec![self.held(held, screen)],
            EventBody::StageFailed(failed) => vec![self.failed(event, failed, screen)],
            EventBody::StageSkipped(skipped) => vec![self.skipped(skipped, screen)],
            _ => Vec::new(),
        }
    }

    fn skipped(&self, skipped: &StageSkipped, screen: &Screen) -> String {
        let (node, stage) = (&skipped.node, &skipped.stage);
        let head = self.head(screen.paint(Tone::Faint, "-"), node, stage);
        format!("{head}  skipped: {}", clean(&skipped.reason))
    }

    fn open(&mut self, stage: &StageId, at: Millis) -> &mut Open {
        let fresh = Open {
            since: at,
            tokens: 0,
            question: None,
        };
        self.open.entry(stage.clone()).or_insert(fresh)
    }

    /// Mark, label and type. Of a node that became several ops, the part is named.
    fn head(&self, mark: String, node: &NodeId, stage: &StageId) -> String {
        let info = self.plan.program().nodes.get(node);
        let label = info.map_or(node.as_str(), |info| info.label.as_str());
        let kind = info.map_or("", |info| info.kind.as_str());
        let visit = stage.as_str().split_once('@').map(|(_, visit)| visit);
        let op = StageId::new(stage.op_name());
        let kind = part(node, &op).map_or(kind.to_owned(), |part| format!("{kind} ({part})"));
        let item = stage.item();
        let kind = item.map_or(kind.clone(), |item| format!("{kind} [{item}]"));
        let kind = visit.map_or(kind.clone(), |visit| format!("{kind} #{visit}"));
        let (label, width) = (one_line(label, LABEL_CHARS_MAX), self.width);
        format!(
            "  {mark} {label:<width$}  {:<18}",
            one_line(&kind, KIND_CHARS_MAX)
        )
    }

    fn timer(
        &mut self,
        event: &Event,
        stage: &StageId,
        due_at: Millis,
        data_flag: &str,
        screen: &Screen,
    ) -> Vec<String> {
        let left = duration(due_at.since(event.timestamp));
        match self.open.get(stage).and_then(|open| open.question.as_ref()) {
            Some((node, question)) => {
                let command = answer_command(&event.run, node, question, data_flag);
                vec![format!("    within {left}: {command}")]
            }
            None => {
                let program = Arc::clone(self.plan.program());
                let node = node_of(&program, stage);
                let head = self.head(screen.paint(Tone::Faint, "…"), &node, stage);
                vec![format!("{head}  waits {left}, until {due_at}")]
            }
        }
    }

    fn completed(&mut self, event: &Event, done: &StageCompleted, screen: &Screen) -> Vec<String> {
        let open = self.open.remove(&done.stage);
        // The answer to a question is shown already; the way that it chooses says nothing more.
        if part(&done.node, &done.stage) == Some(CHOICE) {
            return Vec::new();
        }
        let took = open
            .as_ref()
            .map(|open| duration(event.timestamp.since(open.since)));
        let tokens = open.map_or(0, |open| open.tokens);
        let said = match (&done.port, &done.output) {
            (Some(port), _) => format!("-> {}", clean(port)),
            (None, Some(output)) => preview(output),
            (None, None) => String::new(),
        };
        let head = self.head(screen.paint(Tone::Good, "✓"), &done.node, &done.stage);
        let tokens = if tokens > 0 {
            format!("{tokens} tokens")
        } else {
            String::new()
        };
        let line = format!(
            "{head}  {:>8}  {tokens:>12}  {said}",
            took.unwrap_or_default()
        );
        vec![line.trim_end().to_owned()]
    }

    fn retrying(&mut self, event: &Event, retry: &StageRetrying, screen: &Screen) -> String {
        let program = Arc::clone(self.plan.program());
        let node = node_of(&program, &retry.stage);
        let head = self.head(screen.paint(Tone::Look, "↻"), &node, &retry.stage);
        let (attempt, said) = (retry.attempt, failure_line(&retry.failure));
        let pause = duration(retry.due_at.since(event.timestamp));
        format!("{head}  attempt {attempt} failed: {said}; again in {pause}")
    }

    fn held(&self, held: &StageHeld, screen: &Screen) -> String {
        let node = node_of(self.plan.program(), &held.stage);
        let head = self.head(screen.paint(Tone::Faint, "-"), &node, &held.stage);
        let needed = held.needed;
        format!("{head}  waits: others have reserved what is left of the budget, it needs {needed}")
    }

    fn failed(&mut self, _event: &Event, failed: &StageFailed, screen: &Screen) -> String {
        self.open.remove(&failed.stage);
        let head = self.head(screen.paint(Tone::Bad, "✗"), &failed.node, &failed.stage);
        let caught = if failed.next.is_some() {
            " (caught)"
        } else {
            ""
        };
        format!("{head}  {}{caught}", failure_line(&failed.failure))
    }
}

/// Of a node that became several ops, the part that the stage is.
fn part<'a>(node: &NodeId, stage: &'a StageId) -> Option<&'a str> {
    stage
        .as_str()
        .strip_prefix(node.as_str())
        .and_then(|rest| rest.strip_prefix('.'))
}

/// The node of a stage, which is named after its op, with the number of the visit behind it.
fn node_of(program: &Program, stage: &StageId) -> NodeId {
    let op = stage.op_name();
    let found = program.ops.iter().find(|other| other.name == op);
    found.map_or_else(|| NodeId::new(op), |op| op.node.clone())
}

fn failure_line(failure: &Failure) -> String {
    format!(
        "{}: {}",
        failure.kind,
        one_line(&failure.message, MESSAGE_CHARS_MAX)
    )
}

/// The question and what may be chosen.
pub fn question_lines(question: &Question) -> Vec<String> {
    let text = clean(&question.text);
    let mut lines: Vec<String> = text.lines().map(|line| format!("      {line}")).collect();
    let options = (1..).zip(&question.options);
    lines.extend(options.map(|(number, option)| {
        let more = option.description.as_ref();
        let more = more
            .map(|text| format!(": {}", clean(text)))
            .unwrap_or_default();
        format!("        {number}  {}{more}", clean(&option.label))
    }));
    lines
}

/// The words with which the question is answered; the first option stands as an example.
pub fn answer_command(run: &RunId, node: &NodeId, question: &Question, data_flag: &str) -> String {
    let first = question
        .options
        .first()
        .map_or("...", |option| option.label.as_str());
    let value = match question.choice {
        Choice::Many => serde_json::json!([first]).to_string(),
        Choice::One | Choice::Text => first.to_owned(),
    };
    format!(
        "lattice signal {run} {} {}{data_flag}",
        shell_word(node.as_str()),
        shell_word(&value)
    )
}

fn answer_lines(signal: &SignalReceived) -> Vec<String> {
    let node = &signal.node;
    match &signal.outcome {
        SignalOutcome::Accepted => Vec::new(),
        SignalOutcome::Buffered => vec![format!("    kept for node `{node}`")],
        SignalOutcome::Refused { reason } => {
            let reason = clean(reason);
            vec![format!("    answer to node `{node}` refused: {reason}")]
        }
    }
}

fn items_line(started: &MapStarted) -> String {
    let items = match started.count {
        1 => "1 item".to_owned(),
        count => format!("{count} items"),
    };
    match started.runs {
        true => format!("{items} in runs of {}", started.pace.batch_size),
        false => items,
    }
}

fn child_line(started: &ChildStarted) -> String {
    match &started.batch {
        None => format!("calls `{}` as {}", started.workflow, started.child),
        Some(batch) => {
            let last = batch.first + batch.count.saturating_sub(1);
            format!("items {} to {last} as {}", batch.first, started.child)
        }
    }
}
