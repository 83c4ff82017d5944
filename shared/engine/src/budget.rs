//! What a run may use: reserved with the claim, settled with the outcome.
//!
//! What an attempt may use is an upper bound, so that what is reserved is never less than what is
//! used. A text has at most as many tokens as bytes: tokenizers that work on bytes, as those of
//! today's models do, give each byte to one token and leave no token empty (Sennrich et al. 2016,
//! on byte-pair encoding; Radford et al. 2019, section 2.2, on bytes as its alphabet).

use crate::state::{Child, Phase, RunState};
use lattice_expr::{Part, Rendered};
use lattice_ir::ModelRequest;
use lattice_journal::payload::StageHeld;
use lattice_journal::{Budget, EventBody, Usage};
use lattice_model::{Millis, RunId, StageId, canonical_len, limits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the budget of a run stands, beside the usage that its totals count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spending {
    /// What the run may use.
    pub budget: Budget,
    /// Tokens of attempts that never reported: nobody knows whether they were used.
    pub lost: u64,
    /// Tokens kept for what is under way: attempts that are claimed, and runs that are waited for.
    pub reserved: BTreeMap<StageId, u64>,
    /// Tokens kept for runs that nobody waits for any more, until they say what they used.
    pub left_behind: BTreeMap<RunId, u64>,
    /// Stages that wait, and how many tokens each needs.
    pub held: BTreeMap<StageId, u64>,
}

/// Whether a stage may begin what needs so many tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It may.
    Go,
    /// Not before others have given back what they reserved.
    Wait,
    /// Not in this run, whatever the others give back.
    Never,
}

impl Spending {
    /// Nothing is used yet.
    pub fn new(budget: Budget) -> Self {
        Self {
            budget,
            lost: 0,
            reserved: BTreeMap::new(),
            left_behind: BTreeMap::new(),
            held: BTreeMap::new(),
        }
    }

    /// Tokens that nobody recorded and that count as used all the same.
    pub fn unrecorded(&self) -> u64 {
        let left_behind = self.left_behind.values().copied();
        left_behind.fold(self.lost, u64::saturating_add)
    }

    /// Tokens that are kept for what is under way.
    pub fn reserved(&self) -> u64 {
        self.reserved.values().copied().fold(0, u64::saturating_add)
    }

    /// Tokens that are used, as far as anybody knows.
    pub fn used(&self, usage: Usage) -> u64 {
        usage.total().saturating_add(self.unrecorded())
    }

    /// Tokens that are neither used nor reserved.
    pub fn left(&self, usage: Usage) -> u64 {
        let taken = self.used(usage).saturating_add(self.reserved());
        self.budget.tokens.saturating_sub(taken)
    }

    /// Whether `stage` may begin what needs so many tokens. What it has reserved for an attempt that
    /// was lost counts as used.
    pub(crate) fn leave(&self, usage: Usage, stage: &StageId, needed: u64) -> Leave {
        let own = self.reserved.get(stage).copied().unwrap_or(0);
        let used = self.used(usage).saturating_add(own);
        let others = self.reserved().saturating_sub(own);
        let fits = |taken: u64| taken.saturating_add(needed) <= self.budget.tokens;
        match (fits(used), fits(used.saturating_add(others))) {
            (false, _) => Leave::Never,
            (true, false) => Leave::Wait,
            (true, true) => Leave::Go,
        }
    }

    fn reserve(&mut self, stage: &StageId, tokens: Option<u64>) {
        self.held.remove(stage);
        self.lose(stage);
        if let Some(tokens) = tokens {
            self.reserved.insert(stage.clone(), tokens);
        }
    }

    /// What the stage still has reserved was perhaps used: nobody will ever say.
    fn lose(&mut self, stage: &StageId) {
        let lost = self.reserved.remove(stage).unwrap_or(0);
        self.lost = self.lost.saturating_add(lost);
    }

    /// The stage is over.
    fn close(&mut self, stage: &StageId, child: Option<&Child>) {
        self.held.remove(stage);
        match (child, self.reserved.get(stage)) {
            // The run was told to end and will say what it used.
            (Some(child), Some(tokens)) => {
                self.left_behind.insert(child.run.clone(), *tokens);
                self.reserved.remove(stage);
            }
            _ => self.lose(stage),
        }
    }
}

impl RunState {
    /// Whether a stage has to wait for what others have reserved.
    pub fn is_held(&self, stage: &StageId) -> bool {
        let Some(spending) = &self.spending else {
            return false;
        };
        let needed = spending.held.get(stage);
        needed
            .is_some_and(|needed| spending.leave(self.totals.usage, stage, *needed) == Leave::Wait)
    }
}

/// Tokens that a call may use, at most: see the head of the file. What the answer has to be, as JSON
/// Schema, goes to the provider too.
pub(crate) fn needed(request: &ModelRequest) -> u64 {
    let texts = request.system.iter().chain([&request.prompt]);
    let texts = texts.map(tokens).fold(0, u64::saturating_add);
    let schema = request.output_schema.as_ref().map_or(0, canonical_len) as u64;
    let answer = request.max_output_tokens;
    let answer = answer.unwrap_or(limits::BUDGET_OUTPUT_TOKENS_DEFAULT);
    let around = limits::BUDGET_FRAME_TOKENS + u64::from(answer);
    texts.saturating_add(schema).saturating_add(around)
}

fn tokens(text: &Rendered) -> u64 {
    let part = |part: &Part| match part {
        Part::Text(text) => text.len() as u64,
        Part::Secret(_) => limits::BUDGET_SECRET_TOKENS,
    };
    text.parts.iter().map(part).fold(0, u64::saturating_add)
}

/// Folds into the budget what an event says; called before anything else of the event is folded.
pub(crate) fn apply(state: &mut RunState, at: Millis, body: &EventBody) {
    if let EventBody::RunQueued(queued) = body {
        state.spending = queued.budget.map(Spending::new);
    }
    let Some(spending) = &mut state.spending else {
        return;
    };
    let child_of = |stage: &StageId| match &state.stages.get(stage)?.phase {
        Phase::Calling(child) => Some(child),
        _ => None,
    };
    match body {
        EventBody::StageStarted(it) => spending.reserve(&it.stage, it.reserved),
        EventBody::ChildStarted(it) => spending.reserve(&it.stage, it.reserved),
        EventBody::LlmStepCompleted(it) => drop(spending.reserved.remove(&it.stage)),
        EventBody::LlmStepFailed(it) => drop(spending.reserved.remove(&it.stage)),
        EventBody::ChildEnded(it) => {
            if child_of(&it.stage).is_some_and(|child| child.run == it.child) {
                spending.reserved.remove(&it.stage);
            }
            spending.left_behind.remove(&it.child);
            spending.lost = spending.lost.saturating_add(it.lost);
        }
        EventBody::StageCompleted(it) => spending.close(&it.stage, None),
        EventBody::StageFailed(it) => spending.close(&it.stage, child_of(&it.stage)),
        EventBody::StageSkipped(it) => spending.close(&it.stage, child_of(&it.stage)),
        EventBody::StageHeld(it) => {
            spending.lose(&it.stage);
            spending.held.insert(it.stage.clone(), it.needed);
            give_back_claim(state, it, at);
        }
        _ => {}
    }
}

/// An attempt that was lost, and whose successor has to wait, is claimed no more.
fn give_back_claim(state: &mut RunState, held: &StageHeld, at: Millis) {
    let open = state.stages.get_mut(&held.stage);
    if let Some(stage) = open.filter(|it| matches!(it.phase, Phase::Claimed { .. })) {
        stage.phase = Phase::Backoff {
            attempt: held.attempt,
            epoch: held.epoch,
            due_at: at,
        };
    }
}
