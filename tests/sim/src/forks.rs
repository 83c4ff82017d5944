//! A run that has come to its end is forked: whoever asks for it, and what must hold of the fork.

use crate::exhaustive::Sample;
use crate::family::root;
use crate::fate::Fate;
use crate::judge::{check_left, scrubbed};
use crate::process::{Answers, PAUSE_MS, SimDriver, answer_id, answer_run, first_run};
use crate::report::{Breach, BreachKind};
use crate::runner::simulate;
use crate::scenario::{Case, Scenario};
use crate::seen::resolve;
use crate::shadow::{Shadow, Shadows};
use crate::sim::Sim;
use crate::table::Table;
use lattice_driver::{ForkFrom, ForkRefused, ForkWish};
use lattice_engine::state_hash;
use lattice_ir::{JoinPolicy, OpKind};
use lattice_journal::EventBody;
use lattice_model::{InboxId, NodeId, RunId, Seq, Tenant};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The key under which the fork is asked for, again and again.
const FORK_KEY: &str = "the one fork";
/// The number of the first answer that a fork is given: those of the other run are below.
const ANSWERS_FROM: usize = 1_000;

/// Forks the run, until it knows that it did.
pub async fn ask(sim: Arc<Sim>, driver: Arc<SimDriver>) {
    let Some(at) = sim.scenario.fork_at else {
        return;
    };
    let run = first_run(&sim).await;
    loop {
        let wish = ForkWish {
            tenant: Tenant::local(),
            run: run.clone(),
            from: ForkFrom::At(Seq::from_stored(at)),
            set: BTreeMap::new(),
            key: Some(FORK_KEY.to_owned()),
        };
        match driver.fork(wish).await {
            Ok(_) => return,
            Err(ForkRefused::Driver(_)) => sim.clock_sleep(PAUSE_MS).await,
            Err(error) => {
                sim.breach(BreachKind::Wrong, format!("the fork was refused: {error}"));
                return;
            }
        }
    }
}

/// Answers what the fork asks: the world's answers, but for those that it begins with.
pub async fn answer(sim: Arc<Sim>, driver: Arc<SimDriver>) {
    let found = sim.until(|shadows| {
        let (fork, parent) = (forks(shadows).next()?, root(shadows)?);
        let from = fork.state.forked_from.as_ref()?;
        Some((fork.tail.run().clone(), taken(&sim, parent, from.seq)))
    });
    let (run, taken): (RunId, BTreeMap<NodeId, usize>) = found.await;
    let left = sim.world.answers.iter().map(|(node, answers)| {
        let taken = taken.get(node).copied().unwrap_or(0);
        let rest = answers.iter().skip(taken).cloned();
        (node.clone(), (ANSWERS_FROM..).zip(rest).collect())
    });
    let left: Answers = left.collect();
    answer_run(&sim, &driver, run, left).await;
}

/// How many answers to each asker a run had read, and with them those that were sent away between.
fn taken(sim: &Sim, parent: &Shadow, until: Seq) -> BTreeMap<NodeId, usize> {
    let events = parent.events().take_while(|event| event.seq <= until);
    let read: BTreeSet<&InboxId> = events
        .filter_map(|event| match &event.body {
            EventBody::SignalReceived(signal) => Some(&signal.inbox),
            _ => None,
        })
        .collect();
    let last = |(node, answers): (&NodeId, &Vec<Value>)| {
        let was_read = |number: &usize| read.contains(&answer_id(node, *number));
        let last = (0..answers.len()).rev().find(was_read);
        (node.clone(), last.map_or(0, |last| last + 1))
    };
    sim.world.answers.iter().map(last).collect()
}

fn forks(shadows: &Shadows) -> impl Iterator<Item = &Shadow> {
    let shadows = shadows.values();
    shadows.filter(|shadow| shadow.state.forked_from.is_some())
}

/// Judges what is left of a run and of its fork; breaches are noted in the world.
pub fn judge(sim: &Sim) {
    let checked = sim.look(|shadows| check(sim, shadows));
    if let Err(breach) = checked {
        sim.breach(breach.kind, breach.text);
    }
}

fn check(sim: &Sim, shadows: &Shadows) -> Result<(), Breach> {
    for shadow in shadows.values() {
        check_left(sim, shadow)?;
    }
    let mut all = forks(shadows);
    let (Some(fork), None, Some(parent)) = (all.next(), all.next(), root(shadows)) else {
        let count = forks(shadows).count();
        let text = format!("one key gave {count} forks");
        return Err(Breach::of(BreachKind::Duplicated, text));
    };
    check_beginning(parent, fork)?;
    let before = check_rest(parent, fork)?;
    // The times of a fork and its budget begin anew.
    let has_budget = parent.known.plan.program().budget.is_some();
    let lost = shadows.values().any(has_lost) && sim.scenario.has_faults();
    if !parent.state.status.is_terminal() || has_budget || is_timed(parent) || lost {
        return Ok(());
    }
    // A template may have asked for the run's own name.
    let (own, other) = (fork.tail.run().as_str(), parent.tail.run().as_str());
    let right = end(sim, parent)?.to_string();
    let seen = end(sim, fork)?.to_string().replace(own, other);
    if seen != right {
        let text = format!("the fork came to\n{seen}\nand the run had come to\n{right}");
        return Err(text.into());
    }
    let path = |shadow: &Shadow| shadow.path.iter().cloned().collect::<BTreeSet<_>>();
    let (all, done) = (path(parent), &before | &path(fork));
    match all == done {
        true => Ok(()),
        false => Err(format!("the run ended {all:?}, with the fork it was {done:?}").into()),
    }
}

/// Its first commit says where it comes from, and all of what it begins with.
fn check_beginning(parent: &Shadow, fork: &Shadow) -> Result<(), Breach> {
    let first = fork.commits.first().ok_or("the fork has no commit")?;
    let kinds: Vec<_> = first.events.iter().map(|event| event.body.kind()).collect();
    if kinds != ["run.queued", "run.forked"] {
        return Err(format!("a fork begins with {kinds:?}").into());
    }
    let from = fork.state.forked_from.as_ref();
    let from = from.ok_or("the fork does not say where it comes from")?;
    let state = parent.state_at(from.seq);
    if from.run != *parent.tail.run() || from.state_hash != state_hash(&state) {
        return Err(format!("a fork of another run, or of another state: {from:?}").into());
    }
    let begun = fork.state_at(first.last());
    if (
        &begun.input,
        &begun.variables,
        &begun.outputs,
        &begun.visits,
    ) != (
        &state.input,
        &state.variables,
        &state.outputs,
        &state.visits,
    ) {
        return Err("the fork begins with other values than the run had".into());
    }
    Ok(())
}

/// No stage that was over before is done again. Gives those.
fn check_rest(parent: &Shadow, fork: &Shadow) -> Result<BTreeSet<String>, Breach> {
    let from = fork.state.forked_from.as_ref().map(|from| from.seq);
    let events = parent.events().take_while(|event| Some(event.seq) <= from);
    let over = events.filter_map(|event| match &event.body {
        EventBody::StageCompleted(done) => Some(&done.stage),
        EventBody::StageFailed(failed) => Some(&failed.stage),
        EventBody::StageSkipped(skipped) => Some(&skipped.stage),
        _ => None,
    });
    let before: BTreeSet<String> = over.map(|stage| stage.as_str().to_owned()).collect();
    match fork.path.iter().find(|stage| before.contains(*stage)) {
        None => Ok(before),
        Some(stage) => {
            let text = format!("`{stage}` was over before the fork, and is done again");
            Err(Breach::of(BreachKind::Duplicated, text))
        }
    }
}

/// Whether time has a say in what the run comes to: then a fork, whose times begin anew, may come to
/// something else.
fn is_timed(parent: &Shadow) -> bool {
    let mut ops = parent.known.plan.program().ops.iter();
    ops.any(|op| match &op.kind {
        OpKind::Join(join) => join.policy != JoinPolicy::All,
        OpKind::Split(split) => split.branches.iter().any(|way| way.timeout_ms.is_some()),
        OpKind::Invoke(invoke) => invoke.timeout_ms.is_some(),
        OpKind::Map(map) => !map.goes_on,
        _ => false,
    })
}

/// Whether a fault took an attempt of a stage: it may have been the last one that it had.
fn has_lost(shadow: &Shadow) -> bool {
    let mut claims = shadow.stages.values().flat_map(|stage| &stage.claims);
    claims.any(|claim| claim.recorded.is_none())
}

/// What a run came to.
fn end(sim: &Sim, shadow: &Shadow) -> Result<Value, Breach> {
    let last = shadow.events().last().map(|event| &event.body);
    Ok(match last {
        Some(EventBody::RunCompleted(done)) => scrubbed(&resolve(sim, &done.output)?),
        Some(EventBody::RunFailed(failed)) => {
            serde_json::json!({"failed": failed.failure.kind, "at": failed.stage})
        }
        _ => serde_json::json!({"status": shadow.state.status}),
    })
}

/// Forks a run of a case at its events, one after the other, without a fault.
pub fn every_seq(case: &Case, sample: Sample) -> Table {
    let quiet = Scenario::of(case);
    let events = simulate(case, &quiet).events;
    let mut table = Table::default();
    for at in sample.of(events) {
        let scenario = Scenario {
            fork_at: Some(at),
            ..quiet.clone()
        };
        table.add("fork at every event", &scenario, &simulate(case, &scenario));
    }
    table
}

/// Forks a run of a case in its middle, with every fate at every call from then on.
pub fn every_fault(case: &Case, sample: Sample) -> Table {
    let quiet = Scenario {
        workers: 2,
        ..Scenario::of(case)
    };
    let alone = simulate(case, &quiet);
    let forked = Scenario {
        fork_at: Some(alone.events.div_ceil(2)),
        ..quiet
    };
    let calls = simulate(case, &forked).calls;
    let mut table = Table::default();
    let behind = alone.calls.len();
    let behind = (1..).zip(&calls).skip(behind);
    for (number, kind) in behind.step_by(sample.step()) {
        for fate in Fate::FAULTS
            .iter()
            .filter(|fate| fate.applies(*kind, false))
        {
            let scenario = Scenario {
                crash_at: Some(number),
                fate: *fate,
                ..forked.clone()
            };
            let report = simulate(case, &scenario);
            table.add("a fault at every call of a fork", &scenario, &report);
        }
    }
    table
}
