//! What must hold of the runs that call each other, and what came of a call for the run that waits.

use crate::calls::{Calling, Over};
use crate::expect::expected;
use crate::judge::{outlived, scrubbed};
use crate::oracle::told::Refused;
use crate::oracle::{Batch, Called, Visit, What, came_to, cannot_begin};
use crate::report::{Breach, BreachKind};
use crate::scenario::{Regime, Traffic};
use crate::seen;
use crate::shadow::{Shadow, Shadows};
use crate::sim::Sim;
use lattice_expr::{Root, Segment};
use lattice_journal::payload::{ChildOutcome, Parent};
use lattice_journal::{EventBody, FailureKind, RunStatus};
use lattice_model::limits::{CHILD_DEPTH_MAX, SWEEP_DELAY_MS_MAX};
use lattice_model::{NodeId, RunId, StageId};

type Checked = Result<(), Breach>;

/// Deliveries for each commit: most where every message comes twice, through eight runs in each other.
const DELIVERIES_PER_COMMIT_MAX: u64 = 20;

/// For how long, in virtual time, a run may know nothing of what was put into its inbox: it had
/// looked for news just before.
const NEWS_MS: u64 = 5 * 60_000;

/// The run that nobody called, and that is no fork.
pub fn root(shadows: &Shadows) -> Option<&Shadow> {
    let is_root =
        |shadow: &&Shadow| shadow.state.parent.is_none() && shadow.state.forked_from.is_none();
    shadows.values().find(is_root)
}

/// One start gave one run, and each run below it stands where a stage called it, once.
pub fn check_all(sim: &Sim, shadows: &Shadows) -> Checked {
    let roots = shadows
        .values()
        .filter(|shadow| shadow.state.parent.is_none());
    let roots = roots.count();
    if roots != 1 {
        let text = format!("one start gave {roots} runs");
        return Err(Breach::of(BreachKind::Duplicated, text));
    }
    for shadow in shadows.values() {
        check_place(sim, shadows, shadow)?;
        for (stage, calling) in &shadow.calls.all {
            check_call(sim, shadows, shadow, (stage, calling))?;
        }
    }
    Ok(())
}

/// Runs that wake each other come to rest: where nothing goes wrong, messages are in proportion to
/// what is written.
pub fn check_deliveries(sim: &Sim, shadows: &Shadows, received: u64) {
    let quiet = sim.scenario.regime == Regime::Calm && sim.scenario.traffic != Traffic::Chaos;
    let commits: usize = shadows.values().map(|shadow| shadow.commits.len()).sum();
    let written = DELIVERIES_PER_COMMIT_MAX * (commits as u64 + 1);
    // Who stands in line asks again from time to time.
    let lined = shadows.values().filter(|it| it.state.limit.is_some());
    let asks = (sim.now_ms() / SWEEP_DELAY_MS_MAX + DELIVERIES_PER_COMMIT_MAX) * 2;
    if quiet && shadows.len() > 1 && received > written + asks * lined.count() as u64 {
        let text = format!("{received} messages were delivered for {commits} commits");
        sim.breach(BreachKind::Wrong, text);
    }
}

/// A run that was called says rightly by whom.
fn check_place(sim: &Sim, shadows: &Shadows, shadow: &Shadow) -> Checked {
    let Some(parent) = &shadow.state.parent else {
        return Ok(());
    };
    let run = shadow.tail.run();
    let above = shadows.get(&parent.run);
    let above = above.ok_or_else(|| format!("`{run}` was called by a run that is not there"))?;
    let calling = above.calls.all.get(&parent.stage);
    let calling = calling.filter(|calling| calling.started.child == *run);
    let Some(Calling { started, .. }) = calling else {
        let text = format!("`{run}` began and `{}` did not call it", parent.stage);
        return Err(Breach::of(BreachKind::Duplicated, text));
    };
    let higher = above.state.parent.as_ref();
    let right = Parent {
        run: parent.run.clone(),
        stage: parent.stage.clone(),
        root: higher.map_or(&parent.run, |it| &it.root).clone(),
        depth: higher.map_or(0, |it| it.depth) + 1,
    };
    let state = &shadow.state;
    let (input, called_with) = (
        seen::resolve(sim, &state.input)?,
        seen::resolve(sim, &started.input)?,
    );
    let is_right = *parent == right
        && state.program == started.program
        && state.workflow == started.workflow
        && input == called_with
        && state.tenant == above.state.tenant
        && state.deadline <= above.state.deadline.max(state.started_at.plus(1));
    match is_right {
        true => Ok(()),
        false => Err(format!("`{run}` did not begin as {started:?} and {right:?} say").into()),
    }
}

/// A run that was called began, unless it cannot; what was heard of its end is true; and it does not
/// go on when nobody waits for it.
fn check_call(
    sim: &Sim,
    shadows: &Shadows,
    above: &Shadow,
    (stage, calling): (&StageId, &Calling),
) -> Checked {
    let run = &calling.started.child;
    let Some(below) = shadows.get(run) else {
        return check_unborn(sim, stage, calling);
    };
    if unborn(sim, calling)?.is_some() {
        return Err(format!("`{run}` began and cannot have").into());
    }
    if calling.is_stillborn {
        let text = format!("`{run}` began and was left by the commit that called it");
        return Err(Breach::of(BreachKind::Duplicated, text));
    }
    let (is_over, status) = (below.state.status.is_terminal(), below.state.status);
    if calling.over.is_some() && !is_over {
        let text = format!("`{run}` is {status}, and `{stage}` does not wait for it any more");
        return Err(Breach::of(BreachKind::Stuck, text));
    }
    let left_ms = match calling.over {
        Some((Over::TimedOut | Over::Skipped, at_ms)) => Some(at_ms),
        _ => None,
    };
    if let (Some(left_ms), Some(ended_ms)) = (left_ms, below.ended_ms)
        && status != RunStatus::Cancelled
        && ended_ms > left_ms + NEWS_MS
    {
        let text = format!("`{run}` is {status} at {ended_ms} ms, and was left at {left_ms} ms");
        return Err(text.into());
    }
    if calling.over.is_none() && is_over {
        let text = format!("`{run}` is {status}, and `{stage}` waits for it");
        return Err(Breach::of(BreachKind::Stuck, text));
    }
    if !above.state.status.is_terminal() && is_over && calling.ended.is_none() {
        let text = format!("`{run}` is {status}, and the run above was not told");
        return Err(Breach::of(BreachKind::Lost, text));
    }
    let Some(heard) = &calling.ended else {
        return Ok(());
    };
    if heard.usage != below.state.totals.usage {
        let (said, used) = (heard.usage, below.state.totals.usage);
        return Err(format!("`{run}` used {used:?}, and the run above heard {said:?}").into());
    }
    let is_true = match (
        &heard.outcome,
        below.events().last().map(|event| &event.body),
    ) {
        (ChildOutcome::Completed { output }, Some(EventBody::RunCompleted(done))) => {
            *output == done.output
        }
        (ChildOutcome::Failed { failure }, Some(EventBody::RunFailed(failed))) => {
            failure.kind == failed.failure.kind
                && failure.message.contains(run.as_str())
                && failure.message.contains(&failed.failure.message)
        }
        (ChildOutcome::Cancelled, Some(EventBody::RunCancelled(_))) => true,
        _ => false,
    };
    match is_true {
        true => Ok(()),
        false => Err(format!("`{run}` is {status}, and the run above heard {heard:?}").into()),
    }
}

/// What the first event of a run says of the batch that it is, if it is one.
pub fn batch(sim: &Sim, shadow: &Shadow) -> Result<Option<Batch>, String> {
    let Some(EventBody::RunQueued(queued)) = shadow.events().next().map(|event| &event.body) else {
        return Ok(None);
    };
    let Some(of) = &queued.batch else {
        return Ok(None);
    };
    let outputs = of.outputs.iter();
    let outputs = outputs.map(|(node, value)| Ok((node.clone(), seen::resolve(sim, value)?)));
    let variables = queued.variables.iter();
    let variables = variables.map(|(name, value)| Ok((name.clone(), seen::resolve(sim, value)?)));
    let items = match seen::resolve(sim, &of.items)? {
        serde_json::Value::Array(items) => items,
        other => return Err(format!("the items of a batch are {other}")),
    };
    Ok(Some(Batch {
        op: of.op,
        first: of.first,
        items,
        outputs: outputs.collect::<Result<_, String>>()?,
        variables: variables.collect::<Result<_, String>>()?,
    }))
}

/// Why what was called cannot begin.
fn unborn(sim: &Sim, calling: &Calling) -> Result<Option<FailureKind>, String> {
    // The run above began with this Program and this input.
    if calling.started.batch.is_some() {
        return Ok(None);
    }
    let input = seen::resolve(sim, &calling.started.input)?;
    let known = sim.known(calling.started.program);
    let program = known.map(|known| &**known.plan.program());
    Ok(cannot_begin(program, &input))
}

fn check_unborn(sim: &Sim, stage: &StageId, calling: &Calling) -> Checked {
    if calling.is_stillborn {
        return Ok(());
    }
    if unborn(sim, calling)?.is_none() {
        let text = format!("what `{stage}` called never began");
        return Err(Breach::of(BreachKind::Stuck, text));
    }
    match (&calling.over, &calling.ended) {
        (None, _) => {
            let text = format!("what `{stage}` called cannot begin, and it waits");
            Err(Breach::of(BreachKind::Stuck, text))
        }
        (Some((Over::Told, _)), Some(heard)) => match &heard.outcome {
            ChildOutcome::Failed { failure } if failure.kind == FailureKind::Configuration => {
                Ok(())
            }
            other => Err(format!("what `{stage}` called cannot begin, it heard {other:?}").into()),
        },
        _ => Ok(()),
    }
}

/// What came of a call, for the oracle of the run that made it: what the oracle says of the run that
/// was called, unless the log says that the stage stopped waiting, or somebody cancelled that run.
pub fn called(
    sim: &Sim,
    shadows: &Shadows,
    above: &Shadow,
    visit: &Visit<'_>,
) -> Result<Called, Refused> {
    let stage = visit.stage;
    let refused = |text: String| Refused {
        is_stuck: false,
        text,
    };
    let (invoke, input) = match &visit.what {
        What::Run(invoke, input) => (invoke, input),
        What::Batch(batch) => return called_batch(sim, shadows, above, (stage, batch)),
    };
    let depth = above.state.parent.as_ref().map_or(0, |it| it.depth);
    let calling = above.calls.all.get(&StageId::new(stage));
    if depth >= CHILD_DEPTH_MAX {
        return match calling {
            Some(_) => Err(refused(format!("`{stage}` called a run too deep"))),
            None => Ok(Called::Failed(FailureKind::Limit)),
        };
    }
    let calling = calling.ok_or_else(|| refused(format!("`{stage}` called nothing")))?;
    let recorded = seen::resolve(sim, &calling.started.input).map_err(refused)?;
    if scrubbed(&recorded) != scrubbed(input) || calling.started.program != invoke.program {
        let text = format!("`{stage}` called a run with {recorded}, and should have with {input}");
        return Err(refused(text));
    }
    let run = &calling.started.child;
    if let Some((Over::TimedOut, at_ms)) = calling.over {
        return timed_out(shadows.get(run), stage, at_ms).map_err(refused);
    }
    match shadows.get(run) {
        None => {
            let kind = unborn(sim, calling).map_err(refused)?;
            Ok(kind.map_or(Called::Stays, Called::Failed))
        }
        Some(below) => came(sim, shadows, run, below),
    }
}

/// What came of a batch, for the oracle of the run that has the whole list.
fn called_batch(
    sim: &Sim,
    shadows: &Shadows,
    above: &Shadow,
    (stage, right): (&str, &Batch),
) -> Result<Called, Refused> {
    let refused = |text: String| Refused {
        is_stuck: false,
        text,
    };
    let Some(calling) = above.calls.all.get(&StageId::new(stage)) else {
        return Ok(Called::NotBegun);
    };
    let run = &calling.started.child;
    let below = shadows.get(run);
    if let Some(below) = below {
        let found = batch(sim, below).map_err(refused)?;
        let found = found.ok_or_else(|| refused(format!("`{run}` is no batch")))?;
        check_batch(above, stage, right, &found).map_err(refused)?;
    }
    if matches!(calling.over, Some((Over::Skipped, _))) && !calling.in_time {
        return Ok(Called::Left);
    }
    match below {
        None => Ok(Called::Stays),
        Some(below) => came(sim, shadows, run, below),
    }
}

/// A batch has its items, and of what was seen at the map it has what its body refers to.
fn check_batch(above: &Shadow, stage: &str, right: &Batch, found: &Batch) -> Result<(), String> {
    let items = |batch: &Batch| scrubbed(&serde_json::Value::from(batch.items.clone()));
    if (found.op, found.first, items(found)) != (right.op, right.first, items(right)) {
        return Err(format!("`{stage}` is {found:?} and should be {right:?}"));
    }
    for (name, value) in &found.variables {
        if right.variables.get(name).map(scrubbed) != Some(scrubbed(value)) {
            return Err(format!("`{stage}` has `vars.{name}` as {value}"));
        }
    }
    for (node, value) in &found.outputs {
        if right.outputs.get(node).map(scrubbed) != Some(scrubbed(value)) {
            return Err(format!("`{stage}` has the output of `{node}` as {value}"));
        }
    }
    for reference in above.known.plan.body_references(right.op) {
        let Some(Segment::Key(name)) = reference.path.first() else {
            continue;
        };
        let lacks = match reference.root {
            Root::Vars => right.variables.contains_key(name) && !found.variables.contains_key(name),
            Root::Nodes => {
                let node = NodeId::new(name);
                right.outputs.contains_key(&node) && !found.outputs.contains_key(&node)
            }
            _ => false,
        };
        if lacks {
            return Err(format!("`{stage}` lacks `{reference}`"));
        }
    }
    Ok(())
}

fn timed_out(below: Option<&Shadow>, stage: &str, at_ms: u64) -> Result<Called, String> {
    match below.and_then(|below| below.ended_ms) {
        Some(ended_ms) if ended_ms + NEWS_MS < at_ms => Err(format!(
            "`{stage}` timed out at {at_ms} ms, and what it called was over at {ended_ms} ms"
        )),
        _ => Ok(Called::TimedOut),
    }
}

fn came(sim: &Sim, shadows: &Shadows, run: &RunId, below: &Shadow) -> Result<Called, Refused> {
    if below.state.status == RunStatus::Cancelled {
        return Ok(Called::Cancelled);
    }
    if outlived(below) {
        return Ok(Called::Failed(FailureKind::Lifetime));
    }
    let outcome = expected(sim, shadows, below).map_err(|breach| Refused {
        is_stuck: breach.kind == BreachKind::Stuck,
        text: format!("of `{run}`: {}", breach.text),
    })?;
    Ok(came_to(&outcome))
}
