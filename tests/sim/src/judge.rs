//! What must hold of everything that is left when nothing can happen any more.

use crate::budget;
use crate::expect::expected;
use crate::family;
use crate::limits;
use crate::lock;
use crate::report::{Breach, BreachKind};
use crate::scenario::Whom;
use crate::seen;
use crate::shadow::{Shadow, Shadows};
use crate::sim::Sim;
use futures::FutureExt;
use lattice_driver::{load_run, state_at};
use lattice_engine::RunState;
use lattice_journal::{EventBody, FailureKind, RunStatus, RunSummary, Tail, Usage};
use lattice_model::{BranchId, Guards, Millis, Seq};
use lattice_ports::{Inbox, RunIndex, RunLog};
use serde_json::{Map, Value, json};

/// Judges what the simulation left; breaches are noted in the world.
pub fn judge(sim: &Sim) {
    sim.look(|shadows| {
        if let Err(breach) = family::check_all(sim, shadows) {
            sim.breach(breach.kind, breach.text);
        }
        for shadow in shadows.values() {
            let checks = [check_left, check_branches];
            let broken = checks.iter().find_map(|check| check(sim, shadow).err());
            let broken = broken.or_else(|| budget::check(shadows, shadow).err());
            let broken = broken.or_else(|| limits::check(sim, shadow).err());
            let broken = broken.or_else(|| check_oracle(sim, shadows, shadow).err());
            if let Some(breach) = broken {
                sim.breach(breach.kind, breach.text);
            }
        }
    });
}

type Checked = Result<(), Breach>;

/// What is left of a run agrees with itself, whatever it came to.
pub(crate) fn check_left(sim: &Sim, shadow: &Shadow) -> Checked {
    check_log(sim, shadow)?;
    check_rows(sim, shadow)?;
    check_summary(sim, shadow)?;
    check_end(sim, shadow)
}

/// What is stored is what was written, in one chain; every way to fold it gives the same.
fn check_log(sim: &Sim, shadow: &Shadow) -> Checked {
    let run = shadow.tail.run();
    let stored = ready("load", sim.raw.load(run, Seq::FIRST).now_or_never())?;
    if stored != shadow.commits {
        let (left, written) = (stored.len(), shadow.commits.len());
        return Err(Breach::of(
            BreachKind::Lost,
            format!("{left} commits are stored of {written} that were written"),
        ));
    }
    let chain = stored
        .iter()
        .try_fold(Tail::empty(run.clone()), |tail, commit| tail.follow(commit));
    chain.map_err(|error| error.to_string())?;
    let dense = (1..)
        .zip(shadow.events())
        .all(|(seq, event)| event.seq.get() == seq);
    if !dense {
        return Err(Breach::of(
            BreachKind::Gap,
            "the events are not numbered from 1 on without a hole",
        ));
    }
    let folded = state_at(&sim.raw, run, Seq::from_stored(u64::MAX)).now_or_never();
    let folded = folded
        .ok_or("the store made a reader wait")?
        .map_err(|error| error.to_string())?;
    let loaded = load_run(&sim.raw, run, Guards::ALL).now_or_never();
    let loaded = loaded
        .ok_or("the store made a reader wait")?
        .map_err(|error| error.to_string())?;
    let loaded = loaded.ok_or("the run cannot be loaded")?;
    if folded != shadow.state || loaded.state != shadow.state || loaded.tail != shadow.tail {
        return Err("the log, its checkpoint and the live state do not agree".into());
    }
    let text = serde_json::to_string(&folded).map_err(|error| error.to_string())?;
    let back: RunState = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if back != folded {
        return Err("the state is another one after it was written and read".into());
    }
    Ok(())
}

/// The row and the inbox agree with the log.
fn check_rows(sim: &Sim, shadow: &Shadow) -> Checked {
    let (run, state) = (shadow.tail.run(), &shadow.state);
    let head = ready("head", sim.raw.head(run).now_or_never())?.ok_or("the run has no row")?;
    if state.status.is_terminal() && (head.status != state.status || head.due_at.is_some()) {
        let (row, log) = (head.status, state.status);
        return Err(format!(
            "the row says {row}, due at {:?}; the log says {log}",
            head.due_at
        )
        .into());
    }
    if !state.status.is_terminal() && head.due_at.is_none_or(|due| due > state.deadline) {
        return Err(Breach::of(
            BreachKind::Stuck,
            format!("the run is {} and nothing will wake it", state.status),
        ));
    }
    if head.status != state.status {
        return Err(format!(
            "the row says {}, the log says {}",
            head.status, state.status
        )
        .into());
    }
    let unread = ready("unread", sim.raw.unread(run, usize::MAX).now_or_never())?;
    match unread.first() {
        Some(item) => Err(format!("inbox item `{}` is never read", item.id).into()),
        None => Ok(()),
    }
}

/// The summary says what the log says.
fn check_summary(sim: &Sim, shadow: &Shadow) -> Checked {
    let (run, state) = (shadow.tail.run(), &shadow.state);
    let summary = ready("summary", sim.raw.summary(run).now_or_never())?;
    if !state.status.is_terminal() {
        return match summary {
            Some(_) => Err("a run that is not over has a summary".into()),
            None => Ok(()),
        };
    }
    let last = shadow.events().last().ok_or("the log is empty")?;
    let (output, failure, node) = match &last.body {
        EventBody::RunCompleted(done) => (Some(done.output.clone()), None, None),
        EventBody::RunFailed(failed) => (None, Some(failed.failure.clone()), failed.node.clone()),
        EventBody::RunCancelled(_) => (None, None, None),
        other => return Err(format!("the last event is `{}`", other.kind()).into()),
    };
    let right = RunSummary {
        tenant: state.tenant.clone(),
        run: run.clone(),
        workflow: state.workflow.clone(),
        status: state.status,
        started_at: state.started_at,
        ended_at: last.timestamp,
        seq: last.seq,
        totals: state.totals,
        output,
        failure,
        node,
    };
    if summary.as_ref() != Some(&right) {
        return Err(format!("the summary is {summary:?}, the log says {right:?}").into());
    }
    let ends = shadow
        .events()
        .filter(|event| event.body.is_terminal())
        .count();
    if ends == 1 {
        Ok(())
    } else {
        Err(format!("the log has {ends} terminal events").into())
    }
}

/// A run that stands still waits; what was used is what the outcomes add up to.
fn check_end(sim: &Sim, shadow: &Shadow) -> Checked {
    let state = &shadow.state;
    if !state.status.is_terminal() && state.status != RunStatus::Waiting {
        return Err(Breach::of(
            BreachKind::Stuck,
            format!("the run stands still and is {}", state.status),
        ));
    }
    let mut usage = Usage::default();
    for event in shadow.events() {
        match &event.body {
            EventBody::LlmStepCompleted(done) => usage = usage.plus(done.usage),
            EventBody::LlmStepFailed(failed) => usage = usage.plus(failed.usage),
            EventBody::ChildEnded(ended) => usage = usage.plus(ended.usage),
            _ => {}
        }
    }
    if usage != state.totals.usage {
        let counted = state.totals.usage;
        return Err(format!("usage is counted as {counted:?}, the outcomes say {usage:?}").into());
    }
    if let (RunStatus::Cancelled, Some(bound_ms)) =
        (state.status, sim.cancelled_ms(shadow.tail.run()))
        && let Some(sent) = lock(&sim.effects).last(shadow.tail.run())
        && sent.until_ms.is_none_or(|until_ms| until_ms > bound_ms)
    {
        let (stage, until_ms) = (&sent.stage, sent.until_ms);
        let text = format!("the effect of `{stage}` was alive until {until_ms:?} ms");
        return Err(format!("{text}, and the cancel should have ended it by {bound_ms} ms").into());
    }
    let is_root = state.parent.is_none();
    let cancelled = sim.cancelled_ms(shadow.tail.run()).is_some()
        || sim.scenario.cancel_at.is_some() && is_root && sim.scenario.cancel_whom == Whom::Root;
    if state.status == RunStatus::Cancelled && !cancelled {
        return Err("the run was cancelled and nobody asked for it".into());
    }
    if cancelled && state.status == RunStatus::Waiting {
        return Err(Breach::of(
            BreachKind::Stuck,
            "the run was cancelled and waits",
        ));
    }
    Ok(())
}

/// No branch waits beyond its time, and nothing is done for one that lost.
fn check_branches(sim: &Sim, shadow: &Shadow) -> Checked {
    if !shadow.state.status.is_terminal() {
        let due = |(id, due): (&BranchId, Option<Millis>)| Some((id.clone(), due?));
        let mut dues = shadow.branches.open().filter_map(due);
        if let Some((id, due)) = dues.find(|(_, due)| *due < shadow.state.deadline) {
            let text = format!("`{id}` has to be over at {due} and nothing ends it");
            return Err(Breach::of(BreachKind::Stuck, text));
        }
    }
    let effects = lock(&sim.effects);
    for (stage, skipped_ms) in &shadow.branches.skipped {
        let bound_ms = skipped_ms + sim.scenario.fence_ms();
        let is_late = |until_ms: Option<u64>| until_ms.is_none_or(|until_ms| until_ms > bound_ms);
        let mut sent = effects.of_stage(shadow.tail.run(), stage);
        if let Some(late) = sent.find(|sent| is_late(sent.until_ms)) {
            let until_ms = late.until_ms;
            let text = format!("the effect of `{stage}` was alive until {until_ms:?} ms");
            return Err(format!("{text}, and it was skipped at {skipped_ms} ms").into());
        }
    }
    Ok(())
}

/// The run came to what the oracle says, given which attempts the faults took.
fn check_oracle(sim: &Sim, shadows: &Shadows, shadow: &Shadow) -> Checked {
    if shadow.state.status == RunStatus::Cancelled || outlived(shadow) {
        return Ok(());
    }
    let right = expected(sim, shadows, shadow)?;
    let seen = seen::outcome(sim, shadow)?;
    if seen == right {
        return Ok(());
    }
    Err(format!("the run came to\n{seen}\nand the oracle says\n{right}").into())
}

/// Whether the run reached its lifetime, which the oracle does not count.
pub fn outlived(shadow: &Shadow) -> bool {
    let last = shadow.events().last();
    last.is_some_and(|event| match &event.body {
        EventBody::RunFailed(failed) if failed.failure.kind == FailureKind::Lifetime => {
            event.timestamp >= shadow.state.deadline
        }
        _ => false,
    })
}

/// The value without what no two ways of running agree on, wherever it was copied to: the wording
/// of a failure and the moment until which a delay waited.
pub fn scrubbed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let field = |(name, inner): (&String, &Value)| match name.as_str() {
                "waitedUntil" => (name.clone(), json!("a moment")),
                "error" if inner.get("kind").is_some() => {
                    (name.clone(), json!({ "kind": inner.get("kind") }))
                }
                _ => (name.clone(), scrubbed(inner)),
            };
            Value::Object(fields.iter().map(field).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(scrubbed).collect(),
        plain => plain.clone(),
    }
}

fn ready<T>(what: &str, answer: Option<Result<T, lattice_ports::PortError>>) -> Result<T, String> {
    let answer = answer.ok_or_else(|| format!("the store made `{what}` wait"))?;
    answer.map_err(|error| error.to_string())
}
