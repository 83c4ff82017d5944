//! What the oracle says of a run, given what the faults took: attempts that were lost use up the
//! ceiling, and an answer that came after its timer did not come at all.

use crate::family;
use crate::fate::Fate;
use crate::judge::scrubbed;
use crate::oracle::told::Refused;
use crate::oracle::{Outcome, explain};
use crate::report::{Breach, BreachKind};
use crate::seen;
use crate::shadow::{Shadow, Shadows, StageLog};
use crate::sim::Sim;
use lattice_ir::{CallOutcome, Invoke, OnUnknown, OpKind, Program};
use lattice_journal::payload::SignalOutcome;
use lattice_journal::{EventBody, Failure, FailureKind, RunStatus, Usage};
use lattice_model::NodeId;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Outcomes that were not the world's: by the name of the op and the failures recorded before.
type Imposed = BTreeMap<(String, u32), (Failure, Usage)>;

/// What the run must have come to.
pub fn expected(sim: &Sim, shadows: &Shadows, shadow: &Shadow) -> Result<Outcome, Breach> {
    let mut program = Program::clone(shadow.known.plan.program());
    let mut imposed = Imposed::new();
    for (stage, log) in &shadow.stages {
        let skipped = shadow.branches.skipped.contains_key(stage);
        impose(
            sim,
            &mut program,
            (stage.as_str(), skipped),
            log,
            &mut imposed,
        )?;
    }
    let input = match shadow.state.parent {
        Some(_) => seen::resolve(sim, &shadow.state.input)?,
        None => sim.judged.input.clone(),
    };
    let mut world = sim.judged.below(input);
    world.run_id = shadow.tail.run().clone();
    world.started_at = shadow.state.started_at;
    for node in timed_out(shadow)? {
        world.answers.remove(&node);
    }
    let calls = Arc::clone(&world.calls);
    let given = imposed.clone();
    world.calls = Arc::new(move |stage, epoch, prompt| -> CallOutcome {
        match given.get(&(stage.to_owned(), epoch)) {
            Some(outcome) => Err(outcome.clone()),
            None => calls(stage, epoch, prompt),
        }
    });
    let told = seen::told(sim, shadow);
    let callees = |stage: &str, invoke: &Invoke, input: &Value| {
        family::called(sim, shadows, shadow, (stage, invoke, input))
    };
    let outcome = explain(&program, &world, &told, &callees);
    let outcome = outcome_of(outcome, shadow)?;
    Ok(without_unrecorded(outcome, shadow))
}

fn outcome_of(outcome: Result<Outcome, Refused>, shadow: &Shadow) -> Result<Outcome, Breach> {
    let outcome = outcome.map_err(|refused| {
        let kind = match refused.is_stuck {
            true => BreachKind::Stuck,
            false => BreachKind::Wrong,
        };
        Breach::of(kind, format!("the log cannot be: {}", refused.text))
    })?;
    if shadow.state.status == RunStatus::Waiting && outcome.status != RunStatus::Waiting {
        return Err(Breach::of(
            BreachKind::Stuck,
            format!("the run waits and should be {}", outcome.status),
        ));
    }
    Ok(outcome.map(scrubbed))
}

/// Takes what the faults took of one stage: the log says which attempts, and the scenario whether
/// that may be.
fn impose(
    sim: &Sim,
    program: &mut Program,
    (stage, was_skipped): (&str, bool),
    log: &StageLog,
    imposed: &mut Imposed,
) -> Result<(), Breach> {
    let op = program.ops.iter_mut().find(|op| op.name == stage);
    let Some(OpKind::Call(call)) = op.map(|op| &mut op.kind) else {
        return Err(format!("`{stage}` was claimed and is not a call").into());
    };
    let last_is_lost = log
        .claims
        .last()
        .is_some_and(|claim| claim.recorded.is_none());
    let lost = log.claims.iter().filter(|claim| claim.recorded.is_none());
    // The last attempt of a stage that was skipped is nobody's loss.
    let lost = lost.count() - usize::from(last_is_lost && was_skipped);
    let last_is_lost = last_is_lost && !was_skipped;
    let by_worker = |claim: &&crate::shadow::Claim| {
        claim
            .recorded
            .as_ref()
            .is_some_and(|recorded| recorded.by_worker)
    };
    let worker_said = log.claims.iter().filter(by_worker).count();
    if lost + worker_said > 0 && !may_lose(sim) {
        return Err(
            format!("{lost} attempts of `{stage}` were lost and nothing went wrong").into(),
        );
    }
    for claim in log.claims.iter().filter(by_worker) {
        let failure = claim
            .recorded
            .as_ref()
            .and_then(|recorded| recorded.failure.clone());
        if let Some(failure) = failure {
            imposed.insert((stage.to_owned(), claim.epoch), (failure, Usage::default()));
        }
    }
    let claims = u32::try_from(log.claims.len()).unwrap_or(u32::MAX);
    if last_is_lost && call.on_unknown == OnUnknown::Fail {
        give_up(stage, log, FailureKind::UnknownOutcome, imposed);
    } else if last_is_lost && claims >= call.retry.attempts_max {
        give_up(stage, log, FailureKind::AttemptsExhausted, imposed);
    } else if last_is_lost {
        return Err(format!("the last attempt of `{stage}` was lost and none followed").into());
    } else {
        let lost = u32::try_from(lost).unwrap_or(u32::MAX);
        call.retry.attempts_max = call.retry.attempts_max.saturating_sub(lost).max(1);
    }
    Ok(())
}

/// The stage must have ended with this failure, for good.
fn give_up(stage: &str, log: &StageLog, kind: FailureKind, imposed: &mut Imposed) {
    let failure = (
        Failure::new(kind, "the simulated fault took it"),
        Usage::default(),
    );
    imposed.insert((stage.to_owned(), log.retried), failure);
}

/// Whether attempts can be lost at all.
fn may_lose(sim: &Sim) -> bool {
    let quiet = matches!(sim.scenario.fate, Fate::Proceed) && sim.scenario.crash_at.is_some();
    sim.scenario.has_faults() && !quiet
}

/// Nodes whose question ended by its timer although somebody had answers for it. Where nothing
/// went wrong people are quick enough.
fn timed_out(shadow: &Shadow) -> Result<Vec<NodeId>, Breach> {
    let stages: BTreeSet<_> = shadow
        .events()
        .filter_map(|event| match &event.body {
            EventBody::TimerFired(timer) => Some(timer.stage.clone()),
            _ => None,
        })
        .collect();
    let accepted: BTreeSet<_> = shadow
        .events()
        .filter_map(|event| match &event.body {
            EventBody::SignalReceived(signal) if signal.outcome == SignalOutcome::Accepted => {
                Some(signal.node.clone())
            }
            _ => None,
        })
        .collect();
    let ops = shadow.known.plan.program().ops.iter();
    let fired = ops.filter(|op| stages.iter().any(|stage| stage.as_str() == op.name));
    let nodes: Vec<NodeId> = fired.map(|op| op.node.clone()).collect();
    let late = nodes.iter().find(|node| accepted.contains(node));
    match late {
        Some(node) => Err(format!("the question of `{node}` was answered and timed out").into()),
        None => Ok(nodes),
    }
}

/// A stage that was given up has no recorded outcome for its last attempt, and used nothing.
fn without_unrecorded(mut outcome: Outcome, shadow: &Shadow) -> Outcome {
    for (stage, log) in &shadow.stages {
        let last = log.claims.last();
        let given_up = last.is_some_and(|claim| claim.recorded.is_none());
        if given_up
            && !shadow.branches.skipped.contains_key(stage)
            && let Some(calls) = outcome.calls.get_mut(stage.as_str())
        {
            *calls = calls.saturating_sub(1);
        }
    }
    outcome.calls.retain(|_, calls| *calls > 0);
    outcome
}
