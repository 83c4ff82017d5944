//! What must hold of limits on open runs, counted from the logs: nothing here asks the engine or the
//! port.

use crate::report::{Breach, BreachKind};
use crate::shadow::{Shadow, Shadows};
use crate::sim::Sim;
use futures::FutureExt;
use lattice_journal::{EventBody, Limit};
use lattice_ports::{SlotKey, Slots};

/// What a run counts for, as its first event says.
fn limit_of(shadow: &Shadow) -> Option<&Limit> {
    match shadow.events().next().map(|event| &event.body) {
        Some(EventBody::RunQueued(queued)) => queued.limit.as_ref(),
        _ => None,
    }
}

fn key_of(shadow: &Shadow) -> Option<SlotKey> {
    Some(SlotKey {
        tenant: shadow.state.tenant.clone(),
        workflow: shadow.state.workflow.clone(),
        key: limit_of(shadow)?.key.clone(),
    })
}

/// Whether a run has begun and is not over.
fn is_open(shadow: &Shadow) -> bool {
    let has = |kind: fn(&EventBody) -> bool| shadow.events().any(|event| kind(&event.body));
    has(|body| matches!(body, EventBody::RunStarted(_))) && !has(EventBody::is_terminal)
}

/// A commit of this run was written: no more runs are open than its limit lets be.
pub fn crowd(shadows: &Shadows, shadow: &Shadow) -> Option<(BreachKind, String)> {
    let (limit, key) = (limit_of(shadow)?, key_of(shadow)?);
    let same = |other: &&Shadow| key_of(other).as_ref() == Some(&key) && is_open(other);
    let open = shadows.values().filter(same).count();
    (open > limit.max_runs as usize).then(|| {
        let text = format!("{open} runs are open of {} that may be", limit.max_runs);
        (BreachKind::Wrong, text)
    })
}

/// What is left: a run of a workflow with a limit has one, and where nothing went wrong nobody has a
/// place any more who is over, and nobody stands in line.
pub fn check(sim: &Sim, shadow: &Shadow) -> Result<(), Breach> {
    let state = &shadow.state;
    let program = shadow.known.plan.program();
    let bound = program
        .concurrency
        .as_ref()
        .filter(|_| state.batch.is_none());
    let max = limit_of(shadow).map(|limit| limit.max_runs);
    if max != bound.map(|it| it.max_runs) {
        return Err(format!("a run counts for {max:?}, its workflow says {bound:?}").into());
    }
    let Some(key) = key_of(shadow).filter(|_| !sim.scenario.has_faults()) else {
        return Ok(());
    };
    let run = shadow.tail.run();
    let holders = sim.raw.holders(&key).now_or_never();
    let line = sim.raw.line(&key, usize::MAX).now_or_never();
    let (Some(Ok(holders)), Some(Ok(line))) = (holders, line) else {
        return Err("the places could not be read".to_owned().into());
    };
    if holders.contains(run) == state.status.is_terminal() {
        return Err(format!("`{run}` is {} and has or lacks a place", state.status).into());
    }
    match line.is_empty() {
        true => Ok(()),
        false => Err(Breach::of(
            BreachKind::Stuck,
            format!("{line:?} stand in line"),
        )),
    }
}
