//! What must hold of budgets, counted anew from the log: nothing here asks the engine.

use crate::report::Breach;
use crate::shadow::{Shadow, Shadows};
use lattice_ir::OpKind;
use lattice_journal::payload::StageFailed;
use lattice_journal::{Budget, EventBody, FailureKind, Usage};
use lattice_model::StageId;
use std::collections::{BTreeMap, BTreeSet};

/// The account of one run.
#[derive(Default)]
struct Account {
    tokens: u64,
    used: u64,
    lost: u64,
    reserved: BTreeMap<String, u64>,
    /// An outcome says more than the call was allowed: then nothing is promised.
    is_overrun: bool,
}

/// What the run may use, as its first event says.
fn budget_of(shadow: &Shadow) -> Option<Budget> {
    match shadow.events().next().map(|event| &event.body) {
        Some(EventBody::RunQueued(queued)) => queued.budget,
        _ => None,
    }
}

/// Stages whose call the budget did not allow.
pub fn refused(shadow: &Shadow) -> BTreeSet<StageId> {
    let stages = shadow.events().filter_map(|event| match &event.body {
        EventBody::StageFailed(failed) if is_refusal(shadow, failed) => Some(failed.stage.clone()),
        _ => None,
    });
    stages.collect()
}

/// The failure of a run that was called has the same kind and is no refusal.
fn is_refusal(shadow: &Shadow, failed: &StageFailed) -> bool {
    let op = shadow.known.plan.op(failed.op).map(|(op, _)| &op.kind);
    failed.failure.kind == FailureKind::Budget && matches!(op, Some(OpKind::Call(_)))
}

/// A run never uses more than its budget, as long as its calls use no more than they were allowed;
/// none is refused that would have fitted; and a called run has no more than was kept for it.
pub fn check(shadows: &Shadows, shadow: &Shadow) -> Result<(), Breach> {
    let Some(budget) = budget_of(shadow) else {
        return match refused(shadow).first() {
            Some(stage) => Err(format!("`{stage}` was refused and there is no budget").into()),
            None => Ok(()),
        };
    };
    let mut account = Account {
        tokens: budget.tokens,
        ..Account::default()
    };
    for event in shadow.events() {
        account.take(&event.body, shadow)?;
        if let EventBody::ChildStarted(started) = &event.body {
            let kept = started.reserved;
            let begun = shadows.get(&started.child);
            let has = begun.and_then(budget_of).map(|it| it.tokens);
            if begun.is_some() && has.is_none_or(|has| kept.is_none_or(|kept| has > kept)) {
                let child = &started.child;
                return Err(format!("{kept:?} are kept for `{child}`, which has {has:?}").into());
            }
        }
        let Account {
            tokens,
            used,
            is_overrun,
            ..
        } = account;
        if used > tokens && !is_overrun {
            return Err(format!("{used} tokens were used of a budget of {tokens}").into());
        }
    }
    Ok(())
}

impl Account {
    fn take(&mut self, body: &EventBody, shadow: &Shadow) -> Result<(), Breach> {
        match body {
            EventBody::StageStarted(claim) => {
                let stage = claim.stage.as_str();
                self.lose(stage);
                let tokens = claim.reserved;
                let tokens = tokens.ok_or_else(|| format!("`{stage}` reserves nothing"))?;
                self.reserved.insert(stage.to_owned(), tokens);
            }
            EventBody::LlmStepCompleted(done) => self.settle(done.stage.as_str(), done.usage),
            EventBody::LlmStepFailed(failed) => self.settle(failed.stage.as_str(), failed.usage),
            EventBody::ChildStarted(started) => {
                let tokens = started.reserved.unwrap_or(0);
                self.reserved.insert(started.child.to_string(), tokens);
            }
            EventBody::ChildEnded(ended) => {
                self.settle(ended.child.as_str(), ended.usage);
                self.lost += ended.lost;
            }
            EventBody::StageSkipped(skipped) => self.lose(skipped.stage.as_str()),
            EventBody::StageHeld(held) => {
                self.lose(held.stage.as_str());
                if self.reserved.is_empty() {
                    return Err(format!("`{}` waits for nothing", held.stage).into());
                }
            }
            EventBody::StageFailed(failed) => {
                self.lose(failed.stage.as_str());
                if is_refusal(shadow, failed) {
                    let needed = failed.failure.message.rsplit(' ').next();
                    let needed: Option<u64> = needed.and_then(|it| it.parse().ok());
                    let fits = |needed| self.used + self.lost + needed <= self.tokens;
                    if needed.is_none_or(fits) {
                        let stage = &failed.stage;
                        return Err(format!("`{stage}` was refused and would have fitted").into());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn settle(&mut self, name: &str, usage: Usage) {
        let allowed = self.reserved.remove(name).unwrap_or(0);
        self.is_overrun |= usage.total() > allowed;
        self.used += usage.total();
    }

    fn lose(&mut self, name: &str) {
        self.lost += self.reserved.remove(name).unwrap_or(0);
    }
}
