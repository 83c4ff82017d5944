//! What reached the receivers of effects, and for how long each attempt was alive.

use crate::desk::ProcessId;
use lattice_ir::CallOutcome;
use lattice_model::{Hash, RunId, StageId};
use std::collections::BTreeMap;

/// Every attempt that was sent, in order.
#[derive(Debug, Default)]
pub struct Effects {
    sent: Vec<Sent>,
    applied: BTreeMap<Hash, u32>,
}

/// One attempt that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The run.
    pub run: RunId,
    /// The stage.
    pub stage: StageId,
    /// The attempt.
    pub attempt: u32,
    /// The idempotency key.
    pub key: Hash,
    /// Who sent it.
    pub process: ProcessId,
    /// When.
    pub from_ms: u64,
    /// When nobody waited for it any more; `None` = somebody does.
    pub until_ms: Option<u64>,
    /// What its sender was told; `None` = nothing.
    pub outcome: Option<CallOutcome>,
}

impl Effects {
    /// An attempt reaches its receiver, who honours keys. Gives its place.
    pub fn send(&mut self, sent: Sent) -> usize {
        *self.applied.entry(sent.key).or_default() += 1;
        self.sent.push(sent);
        self.sent.len() - 1
    }

    /// Another attempt of the stage that somebody still waits for.
    pub fn alive(&self, run: &RunId, stage: &StageId) -> Option<&Sent> {
        let mut sent = self.sent.iter();
        sent.find(|sent| sent.run == *run && sent.stage == *stage && sent.until_ms.is_none())
    }

    /// The attempt as it was sent.
    pub fn of(&self, run: &RunId, stage: &StageId, attempt: u32) -> Option<&Sent> {
        let mut sent = self.sent.iter().rev();
        sent.find(|sent| sent.run == *run && sent.stage == *stage && sent.attempt == attempt)
    }

    /// Every attempt of the stage that was sent.
    pub fn of_stage(&self, run: &RunId, stage: &StageId) -> impl Iterator<Item = &Sent> {
        let sent = self.sent.iter();
        sent.filter(move |sent| sent.run == *run && sent.stage == *stage)
    }

    /// What the sender was told.
    pub fn answer(&mut self, place: usize, outcome: CallOutcome) {
        if let Some(sent) = self.sent.get_mut(place) {
            sent.outcome = Some(outcome);
        }
    }

    /// Nobody waits for the attempt any more.
    pub fn end(&mut self, place: usize, now_ms: u64) {
        if let Some(sent) = self.sent.get_mut(place) {
            sent.until_ms.get_or_insert(now_ms);
        }
    }

    /// The attempt of the run for which somebody waited longest.
    pub fn last(&self, run: &RunId) -> Option<&Sent> {
        let sent = self.sent.iter().filter(|sent| sent.run == *run);
        sent.max_by_key(|sent| sent.until_ms)
    }

    /// How many attempts were sent.
    pub fn count(&self) -> usize {
        self.sent.len()
    }

    /// How many attempts were sent under a key that their receiver knew already: a receiver that
    /// ignores keys would have applied these again.
    pub fn repeated(&self) -> u32 {
        self.applied
            .values()
            .map(|times| times.saturating_sub(1))
            .sum()
    }
}
