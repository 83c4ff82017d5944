//! What became of each answer, as a log says it, and what no log may say of answers.

use crate::oracle::visits::op_of;
use crate::report::BreachKind;
use crate::seen;
use crate::sim::{Known, Sim};
use lattice_ir::{OpKind, QuestionTemplate};
use lattice_journal::payload::{SignalOutcome, SignalReceived};
use lattice_journal::{Event, EventBody, ValueRef};
use lattice_model::{InboxId, Millis, NodeId, StageId};
use std::collections::{BTreeMap, BTreeSet};

type Found = Vec<(BreachKind, String)>;

/// The answers of a run, as its log stands.
#[derive(Debug, Default)]
pub struct Signals {
    /// Acceptable answers that came when nobody asked any more.
    pub late: BTreeSet<InboxId>,
    /// Stages that took an answer.
    pub answered: BTreeSet<StageId>,
    said: BTreeMap<InboxId, Vec<SignalOutcome>>,
    /// The node by which each stage asks.
    asking: BTreeMap<StageId, NodeId>,
    /// When the timer of a stage fires.
    due: BTreeMap<StageId, Millis>,
    /// Nodes that asked: what comes between two visits is too late.
    asked: BTreeSet<NodeId>,
    /// Nodes that failed or gave something without asking: what comes then is too late as well,
    /// unless they stand in a branch that is over, where it is kept for nobody.
    past: BTreeSet<NodeId>,
    /// Answers that are kept, for which node.
    kept: BTreeMap<InboxId, NodeId>,
}

impl Signals {
    /// Whether an answer was taken or refused.
    pub fn is_decided(&self, inbox: &InboxId) -> bool {
        let mut said = self.said.get(inbox).into_iter().flatten();
        said.any(|outcome| *outcome != SignalOutcome::Buffered)
    }

    /// Takes an event, and gives everything that is wrong with it.
    pub fn take(&mut self, event: &Event, known: &Known, sim: &Sim) -> Found {
        match &event.body {
            EventBody::WaitOpened(wait) if wait.question.is_some() => {
                self.asking.insert(wait.stage.clone(), wait.node.clone());
                self.asked.insert(wait.node.clone());
            }
            EventBody::TimerSet(timer) => {
                self.due.insert(timer.stage.clone(), timer.due_at);
            }
            EventBody::SignalReceived(signal) => {
                return self.received(signal, event.timestamp, (known, sim));
            }
            EventBody::TimerFired(timer) => return self.in_vain(&timer.stage),
            EventBody::StageCompleted(done) => self.over(&done.stage, Some(&done.node)),
            EventBody::StageFailed(failed) => self.over(&failed.stage, Some(&failed.node)),
            EventBody::StageSkipped(skipped) => self.over(&skipped.stage, None),
            _ => {}
        }
        Found::new()
    }

    fn over(&mut self, stage: &StageId, node: Option<&NodeId>) {
        self.asking.remove(stage);
        self.past.extend(node.cloned());
    }

    /// A question does not run into its timer while an answer for it is kept.
    fn in_vain(&self, stage: &StageId) -> Found {
        let asks = self.asking.get(stage);
        let kept = asks.and_then(|node| self.kept.iter().find(|(_, of)| *of == node));
        let text = |(inbox, _)| format!("`{stage}` timed out and `{inbox}` was there");
        let text = kept.map(text);
        text.into_iter()
            .map(|text| (BreachKind::Lost, text))
            .collect()
    }

    /// An item is kept at most once, and decided at most once, and not kept once it is decided; it is
    /// taken by the visit that asks, and refused only if it does not fit or comes too late.
    fn received(
        &mut self,
        signal: &SignalReceived,
        at: Millis,
        (known, sim): (&Known, &Sim),
    ) -> Found {
        let (inbox, node) = (&signal.inbox, &signal.node);
        let mut found = Found::new();
        let said = self.said.entry(inbox.clone()).or_default();
        let is_kept = |outcome: &SignalOutcome| *outcome == SignalOutcome::Buffered;
        let again = match is_kept(&signal.outcome) {
            true => !said.is_empty(),
            false => said.iter().any(|outcome| !is_kept(outcome)),
        };
        said.push(signal.outcome.clone());
        if again {
            let text = format!("inbox item `{inbox}` counts twice");
            found.push((BreachKind::Duplicated, text));
        }
        // Which of several items an answer is for, nobody guesses, nor that it is for one to come.
        let of_items = known.nesting.is_in_body(node.as_str());
        let open = self.asking.iter();
        let mut open = open.filter(|(stage, by)| {
            *by == node && signal.wait.as_ref().is_none_or(|named| named == *stage)
        });
        let asking = open.next().map(|(stage, _)| stage);
        let asking = asking.filter(|_| open.next().is_none());
        let names_another = signal.wait.is_some() && asking.is_none();
        let wrong = match &signal.outcome {
            SignalOutcome::Accepted => match asking {
                Some(stage) if !names_another => {
                    self.answered.insert(stage.clone());
                    None
                }
                _ => Some("was taken by a visit that it was not for"),
            },
            SignalOutcome::Buffered => {
                self.kept.insert(inbox.clone(), node.clone());
                let has_asked = self.asked.contains(node) || of_items;
                has_asked.then_some("was kept, and the node has asked")
            }
            SignalOutcome::Refused { .. } if !fits((known, sim), &signal.node, &signal.value) => {
                None
            }
            SignalOutcome::Refused { .. } => {
                self.late.insert(inbox.clone());
                // The timer has the first word, by the clock of whoever handed the answer in.
                let due = asking.and_then(|stage| self.due.get(stage));
                let is_up = due.is_some_and(|due| *due <= at || sim.scenario.skew_ms > 0);
                let is_over = of_items || self.asked.contains(node) || self.past.contains(node);
                let in_time = asking.is_some() && !is_up || !is_over;
                (in_time && !names_another).then_some("was refused, and fits what is asked")
            }
        };
        if !is_kept(&signal.outcome) {
            self.kept.remove(inbox);
        }
        let wrong = wrong.map(|text| format!("the answer `{inbox}` {text}"));
        found.extend(wrong.map(|text| (BreachKind::Wrong, text)));
        found
    }
}

/// Whether the question of the node could take the answer; not, if there is none.
fn fits((known, sim): (&Known, &Sim), node: &NodeId, value: &ValueRef) -> bool {
    let (question, value) = (question(known, node), seen::resolve(sim, value));
    matches!((question, value), (Some(question), Ok(value)) if question.check(&value).is_ok())
}

/// What a node asks, in an item or outside all, if it is one that does.
pub fn question<'s>(known: &'s Known, node: &NodeId) -> Option<&'s QuestionTemplate> {
    let ops = known.meant.ops.iter();
    let node = op_of(node.as_str());
    let mut questions = ops.filter_map(|op| match &op.kind {
        OpKind::Wait(wait) if op.node.as_str() == node => wait.question.as_ref(),
        _ => None,
    });
    questions.next()
}
