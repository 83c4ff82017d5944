//! What the log of a run says of the runs that it called, and what no log may say of them.

use crate::report::BreachKind;
use lattice_journal::payload::{ChildEnded, ChildOutcome, ChildStarted, StageFailed};
use lattice_journal::{Event, EventBody, FailureKind};
use lattice_model::StageId;
use std::collections::{BTreeMap, BTreeSet};

type Found = Vec<(BreachKind, String)>;

/// The runs that a run called, by the stage that did.
#[derive(Debug, Default)]
pub struct Calls {
    /// All of them.
    pub all: BTreeMap<StageId, Calling>,
    /// Those that called in the commit that is being looked at.
    fresh: BTreeSet<StageId>,
}

/// A stage that called a run.
#[derive(Debug)]
pub struct Calling {
    /// The run that it called.
    pub started: ChildStarted,
    /// What it heard of that run's end.
    pub ended: Option<ChildEnded>,
    /// How the stage ended, and when, in virtual time.
    pub over: Option<(Over, u64)>,
    /// Whether the stage was skipped in the very commit that called, so that nobody may begin the run.
    pub is_stillborn: bool,
    /// Whether the end was heard of while the stage was open.
    pub in_time: bool,
}

/// How a stage ended that had called a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// With the end of the run.
    Told,
    /// Because its time was up.
    TimedOut,
    /// With what it stands in.
    Skipped,
}

impl Calls {
    /// Takes an event, and gives everything that is wrong with it.
    pub fn take(&mut self, event: &Event, now_ms: u64) -> Found {
        match &event.body {
            EventBody::ChildStarted(started) => self.started(started),
            EventBody::ChildEnded(ended) => self.ended(ended),
            EventBody::StageCompleted(done) => {
                let output = done.output.clone();
                let output = output.map(|output| ChildOutcome::Completed { output });
                self.told(&done.stage, output.as_ref(), now_ms)
            }
            EventBody::StageFailed(failed) => self.failed(failed, event, now_ms),
            EventBody::StageSkipped(skipped) => {
                if let Some(calling) = self.all.get_mut(&skipped.stage) {
                    calling.over = Some((Over::Skipped, now_ms));
                    calling.is_stillborn = self.fresh.contains(&skipped.stage);
                }
                Found::new()
            }
            _ => Found::new(),
        }
    }

    /// A commit was written.
    pub fn settle(&mut self) {
        self.fresh.clear();
    }

    fn started(&mut self, started: &ChildStarted) -> Found {
        let calling = Calling {
            started: started.clone(),
            ended: None,
            over: None,
            is_stillborn: false,
            in_time: false,
        };
        let stage = &started.stage;
        self.fresh.insert(stage.clone());
        match self.all.insert(stage.clone(), calling) {
            None => Found::new(),
            Some(_) => vec![(BreachKind::Duplicated, format!("`{stage}` called twice"))],
        }
    }

    fn ended(&mut self, ended: &ChildEnded) -> Found {
        let stage = &ended.stage;
        let calling = self.all.get_mut(stage);
        let Some(calling) = calling.filter(|calling| calling.started.child == ended.child) else {
            let text = format!(
                "`{stage}` heard of `{}`, which it never called",
                ended.child
            );
            return vec![(BreachKind::Wrong, text)];
        };
        calling.in_time = calling.over.is_none();
        match calling.ended.replace(ended.clone()) {
            None => Found::new(),
            Some(_) => {
                let text = format!("`{stage}` heard twice of the end of `{}`", ended.child);
                vec![(BreachKind::Duplicated, text)]
            }
        }
    }

    /// A stage ends as the run did that it called.
    fn told(&mut self, stage: &StageId, as_: Option<&ChildOutcome>, now_ms: u64) -> Found {
        let Some(calling) = self.all.get_mut(stage) else {
            return Found::new();
        };
        calling.over = Some((Over::Told, now_ms));
        let ended = calling.ended.as_ref().map(|ended| &ended.outcome);
        // Of a batch that failed, a map that goes on makes the results of its items.
        let is_batch = calling.started.batch.is_some();
        if is_batch && !matches!(ended, None | Some(ChildOutcome::Completed { .. })) {
            return Found::new();
        }
        if ended.is_some() && ended == as_ {
            return Found::new();
        }
        let text = format!("`{stage}` ended as {as_:?}, and what it called as {ended:?}");
        vec![(BreachKind::Wrong, text)]
    }

    fn failed(&mut self, failed: &StageFailed, event: &Event, now_ms: u64) -> Found {
        let (stage, failure) = (&failed.stage, &failed.failure);
        let Some(calling) = self.all.get_mut(stage) else {
            return Found::new();
        };
        if calling.ended.is_some() {
            let cancelled = failure.kind == FailureKind::ChildCancelled;
            let ended = match &calling.ended {
                Some(ended) if ended.outcome == ChildOutcome::Cancelled && cancelled => {
                    ChildOutcome::Cancelled
                }
                _ => ChildOutcome::Failed {
                    failure: failure.clone(),
                },
            };
            return self.told(stage, Some(&ended), now_ms);
        }
        calling.over = Some((Over::TimedOut, now_ms));
        let due = calling.started.due_at;
        let was_time = due.is_some_and(|due| due <= event.timestamp);
        if failure.kind == FailureKind::Timeout && was_time {
            return Found::new();
        }
        let kind = failure.kind;
        let text = format!("`{stage}` failed with `{kind}` and heard of no end, due at {due:?}");
        vec![(BreachKind::Wrong, text)]
    }
}
