//! What the oracle says of a run, given what the faults took: attempts that were lost use up the
//! ceiling, each visit its own, and an answer that came after its timer, or between two visits, did
//! not come at all.

use crate::budget;
use crate::family;
use crate::fate::Fate;
use crate::judge::scrubbed;
use crate::oracle::told::Refused;
use crate::oracle::visits::{item_of, op_of, within};
use crate::oracle::{Outcome, Visit, World, explain, explain_batch};
use crate::process::answer_id;
use crate::report::{Breach, BreachKind};
use crate::scenario::Traffic;
use crate::seen;
use crate::shadow::{Shadow, Shadows, StageLog};
use crate::signals;
use crate::sim::{Known, Sim};
use lattice_ir::{CallOutcome, OnUnknown, OpKind};
use lattice_journal::{EventBody, Failure, FailureKind, RunStatus, Usage};
use lattice_model::{BranchId, NodeId, StageId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

/// Outcomes that were not the world's: by the name of the stage and the failures recorded before.
type Imposed = BTreeMap<(String, u32), (Failure, Usage)>;

/// What the run must have come to.
pub fn expected(sim: &Sim, shadows: &Shadows, shadow: &Shadow) -> Result<Outcome, Breach> {
    let known = &shadow.known;
    let input = match shadow.state.parent {
        Some(_) => seen::resolve(sim, &shadow.state.input)?,
        None => sim.judged.input.clone(),
    };
    let mut world = sim.judged.below(input);
    let mut imposed = Imposed::new();
    let refused = budget::refused(shadow);
    for (stage, log) in &shadow.stages {
        // The last attempt of a stage that was skipped is nobody's loss, and what follows a lost
        // attempt may be a refusal.
        let over = shadow.branches.skipped.contains_key(stage) || refused.contains(stage);
        let lost = impose(sim, known, (stage.as_str(), over), log, &mut imposed)?;
        world.lost.insert(stage.as_str().to_owned(), lost);
    }
    for stage in &refused {
        let none = StageLog::default();
        let log = shadow.stages.get(stage).unwrap_or(&none);
        world.lost.remove(stage.as_str());
        give_up(stage.as_str(), log, FailureKind::Budget, &mut imposed);
    }
    world.run_id = shadow.tail.run().clone();
    world.started_at = shadow.state.started_at;
    world.late = timed_out(sim, shadow)?;
    without_late(&mut world, sim, (shadows, shadow))?;
    let calls = Arc::clone(&world.calls);
    let given = imposed.clone();
    world.calls = Arc::new(move |stage, epoch, prompt| -> CallOutcome {
        match given.get(&(stage.to_owned(), epoch)) {
            Some(outcome) => Err(outcome.clone()),
            None => calls(stage, epoch, prompt),
        }
    });
    let told = seen::told(sim, shadow);
    let callees = |visit: &Visit<'_>| {
        let called = family::called(sim, shadows, shadow, visit)?;
        Ok((called, visit.now))
    };
    let batch = family::batch(sim, shadow)?;
    let outcome = match &batch {
        Some(batch) => explain_batch(&known.meant, &world, &told, &callees, batch),
        None => explain(&known.meant, &world, &told, &callees),
    };
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
/// that may be. Gives how many attempts less the stage has.
fn impose(
    sim: &Sim,
    known: &Known,
    (stage, was_skipped): (&str, bool),
    log: &StageLog,
    imposed: &mut Imposed,
) -> Result<u32, Breach> {
    let mut ops = known.plan.program().ops.iter();
    let op = ops.find(|op| op.name == op_of(stage));
    let Some(OpKind::Call(call)) = op.map(|op| &op.kind) else {
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
        return Ok(u32::try_from(lost).unwrap_or(u32::MAX));
    }
    Ok(0)
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

/// Whether something may keep people's answers for longer than a timer runs.
fn may_be_late(sim: &Sim) -> bool {
    let may_wait = matches!(sim.scenario.traffic, Traffic::Chaos | Traffic::Lossy);
    sim.scenario.has_faults() || may_wait || sim.scenario.skew_ms > 0
}

/// Stages that ended by their timer, and so took no answer.
fn timed_out(sim: &Sim, shadow: &Shadow) -> Result<BTreeSet<String>, Breach> {
    let stages = shadow.events().filter_map(|event| match &event.body {
        EventBody::TimerFired(timer) => Some(timer.stage.clone()),
        _ => None,
    });
    let stages: BTreeSet<StageId> = stages.collect();
    if let Some(stage) = stages.intersection(&shadow.signals.answered).next() {
        return Err(format!("the question of `{stage}` was answered and timed out").into());
    }
    let stages = stages.iter().map(StageId::as_str);
    let stages: BTreeSet<String> = stages.map(str::to_owned).collect();
    let asks = |name: &str| {
        let mut ops = shadow.known.plan.program().ops.iter();
        let op = ops.find(|op| op.name == op_of(name))?;
        let question = signals::question(&shadow.known, &op.node)?;
        let key = within(op.node.as_str(), item_of(name));
        Some((NodeId::new(key), question))
    };
    for (stage, (node, question)) in stages.iter().filter_map(|name| Some((name, asks(name)?))) {
        let answers = sim.world.answers.get(&node).into_iter().flatten();
        let mut answers = (0..).zip(answers);
        let unheard = answers.find(|(number, answer)| {
            let inbox = answer_id(&node, *number);
            let is_done_with = shadow.signals.is_decided(&inbox) || sim.is_turned_away(&inbox);
            question.check(answer).is_ok() && !is_done_with
        });
        if unheard.is_some() && !may_be_late(sim) {
            return Err(format!("`{stage}` timed out and somebody had an answer").into());
        }
    }
    Ok(stages)
}

/// Takes away the answers that came when nobody asked any more: between two visits of their node,
/// or after the last one.
fn without_late(
    world: &mut World,
    sim: &Sim,
    (shadows, shadow): (&Shadows, &Shadow),
) -> Result<(), Breach> {
    for (node, answers) in &mut world.answers {
        let numbered = (0..).zip(mem::take(answers));
        let is_late = |number: usize| {
            let inbox = answer_id(node, number);
            shadow.signals.late.contains(&inbox) || sim.is_turned_away(&inbox)
        };
        let (late, in_time): (Vec<_>, Vec<_>) = numbered.partition(|(number, _)| is_late(*number));
        let fits = |(_, answer): &(usize, Value)| {
            signals::question(&shadow.known, node)
                .is_some_and(|question| question.check(answer).is_ok())
        };
        if may_miss((sim, shadows), shadow, node) || !late.iter().any(fits) {
            *answers = in_time.into_iter().map(|(_, answer)| answer).collect();
            continue;
        }
        return Err(format!("an answer for `{node}` came late and nothing went wrong").into());
    }
    Ok(())
}

/// Whether an answer for a node may come late although nothing goes wrong.
fn may_miss((sim, shadows): (&Sim, &Shadows), shadow: &Shadow, node: &NodeId) -> bool {
    // Whoever answers before being asked cannot know which visit will.
    if may_be_late(sim) || sim.scenario.early {
        return true;
    }
    let asker = StageId::new(node.as_str());
    let around = shadow.known.nesting.around(&asker);
    // Who answers an item names it; another run may have that item, or something else ended it.
    if item_of(node.as_str()).is_some() {
        let is_open_or_over = |id: &BranchId| {
            let item = shadow.branches.all.get(id);
            item.is_some_and(|item| !item.is_cut)
        };
        return !around.iter().all(is_open_or_over);
    }
    // What a branch asks is over when another one decides the join. Where several runs ask by the
    // same node, an answer may meet the one that is just over.
    let asks = |shadow: &&Shadow| signals::question(&shadow.known, node).is_some();
    !around.is_empty() || shadows.values().filter(asks).count() > 1
}

/// A stage that was given up has no recorded outcome for its last attempt, and used nothing.
fn without_unrecorded(mut outcome: Outcome, shadow: &Shadow) -> Outcome {
    let refused = budget::refused(shadow);
    for stage in &refused {
        if let Some(calls) = outcome.calls.get_mut(stage.as_str()) {
            *calls = calls.saturating_sub(1);
        }
    }
    for (stage, log) in &shadow.stages {
        let last = log.claims.last();
        let given_up = last.is_some_and(|claim| claim.recorded.is_none());
        if given_up
            && !refused.contains(stage)
            && !shadow.branches.skipped.contains_key(stage)
            && let Some(calls) = outcome.calls.get_mut(stage.as_str())
        {
            *calls = calls.saturating_sub(1);
        }
    }
    outcome.calls.retain(|_, calls| *calls > 0);
    outcome
}
