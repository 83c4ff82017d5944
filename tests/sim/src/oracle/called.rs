//! Visits of an op that calls another run: what comes of it is asked of somebody else, who knows
//! that run, or interprets it as well.

use super::interpret::{Step, Walk, walked, walked_batch};
use super::maps::Batch;
use super::told::Refused;
use super::values::kept;
use super::world::World;
use lattice_expr::Schema;
use lattice_ir::{Invoke, Program};
use lattice_journal::{Failure, FailureKind};
use lattice_model::limits::CHILD_DEPTH_MAX;
use lattice_model::{Millis, ProgramHash};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What came of a run that was called.
#[derive(Debug, Clone, PartialEq)]
pub enum Called {
    /// It reached an end.
    Completed(Value),
    /// It failed so, or could not begin.
    Failed(FailureKind),
    /// Somebody cancelled it.
    Cancelled,
    /// The one that called it stopped waiting.
    TimedOut,
    /// Nothing yet: it waits.
    Stays,
    /// It was called, and nobody waits for it any more.
    Left,
    /// It was not called.
    NotBegun,
}

/// A stage that calls a run with this input, at that moment of its own timers.
pub struct Visit<'v> {
    /// The stage.
    pub stage: &'v str,
    /// What it calls.
    pub what: What<'v>,
    /// When.
    pub now: Millis,
}

/// What a stage calls.
pub enum What<'v> {
    /// A run of another Program, with this input.
    Run(&'v Invoke, Value),
    /// A batch of its own map.
    Batch(Batch),
}

/// What comes of it, and when; a moment that is past says nothing.
pub type Callees<'w> = &'w dyn Fn(&Visit<'_>) -> Result<(Called, Millis), Refused>;

/// The Programs that can be called.
pub type Programs = BTreeMap<ProgramHash, Arc<Program>>;

/// No run is called.
pub fn nobody(visit: &Visit<'_>) -> Result<(Called, Millis), Refused> {
    Err(Refused::new(format!("`{}` calls a run", visit.stage)))
}

/// Why a run of a Program cannot begin with an input; `None` = it can.
pub fn cannot_begin(program: Option<&Program>, input: &Value) -> Option<FailureKind> {
    let Some(program) = program else {
        return Some(FailureKind::Configuration);
    };
    let schema = program.input.as_ref()?;
    let fits = Schema::parse(schema).is_ok_and(|schema| schema.validate(input).is_ok());
    (!fits).then_some(FailureKind::Configuration)
}

/// What a run comes to that stands so deep below another one, and when, if nothing goes wrong.
pub(super) fn alone(
    programs: &Programs,
    program: &Program,
    world: &World,
    depth: u32,
) -> (super::Outcome, Millis) {
    let call = |visit: &Visit<'_>| alone_below(programs, (program, world, depth), visit);
    walked(program, world, None, &call).unwrap_or_else(|refused| {
        let failure = Failure::new(FailureKind::Configuration, refused.text);
        super::interpret::refused(program, world, failure)
    })
}

/// What a run comes to that another one calls, if nothing goes wrong.
fn alone_below(
    programs: &Programs,
    (program, world, depth): (&Program, &World, u32),
    visit: &Visit<'_>,
) -> Result<(Called, Millis), Refused> {
    let (invoke, input) = match &visit.what {
        What::Run(invoke, input) => (invoke, input),
        What::Batch(batch) => {
            let mut below = world.below(world.input.clone());
            below.started_at = visit.now;
            let place = (program, &below, depth + 1);
            let call = |visit: &Visit<'_>| alone_below(programs, place, visit);
            let (outcome, ended_at) = walked_batch(program, &below, None, &call, batch)?;
            return Ok((came_to(&outcome), ended_at));
        }
    };
    if depth >= CHILD_DEPTH_MAX {
        return Ok((Called::Failed(FailureKind::Limit), visit.now));
    }
    let program = programs.get(&invoke.program);
    if let Some(kind) = cannot_begin(program.map(|program| &**program), input) {
        return Ok((Called::Failed(kind), visit.now));
    }
    let Some(program) = program else {
        return Ok((Called::Stays, visit.now));
    };
    let mut below = world.below(input.clone());
    below.started_at = visit.now;
    let (outcome, ended_at) = alone(programs, program, &below, depth + 1);
    let came = came_to(&outcome);
    let due = invoke.timeout_ms.map(|ms| visit.now.plus(ms));
    Ok(match due {
        Some(due) if came == Called::Stays || ended_at > due => (Called::TimedOut, due),
        _ => (came, ended_at),
    })
}

/// What an outcome is to the run above.
pub fn came_to(outcome: &super::Outcome) -> Called {
    match (&outcome.output, &outcome.failure) {
        (Some(output), _) => Called::Completed(output.clone()),
        (None, Some((kind, _))) => Called::Failed(*kind),
        (None, None) => Called::Stays,
    }
}

impl Walk<'_> {
    pub fn invoke(&mut self, stage: &str, invoke: &Invoke) -> Result<Step, Refused> {
        let input = match self.value(&invoke.input).and_then(kept) {
            Ok(input) => input,
            Err(failure) => return Ok(Step::Fail(failure, invoke.on_error)),
        };
        let failed = |kind| Failure::new(kind, format!("what `{stage}` called"));
        let visit = Visit {
            stage,
            what: What::Run(invoke, input),
            now: self.frame.now,
        };
        let (called, at) = (self.callees)(&visit)?;
        // Something around it is over before, so nobody hears of it.
        if self.frame.horizon.is_some_and(|horizon| at > horizon) {
            return Ok(Step::Stay);
        }
        if called != Called::Stays {
            self.frame.now = self.frame.now.max(at);
        }
        Ok(match called {
            Called::Completed(output) => Step::go(invoke.next, output),
            Called::Failed(kind) => Step::Fail(failed(kind), invoke.on_error),
            Called::Cancelled => Step::Fail(failed(FailureKind::ChildCancelled), invoke.on_error),
            Called::TimedOut => {
                let to = invoke.on_timeout.or(invoke.on_error);
                Step::Fail(failed(FailureKind::Timeout), to)
            }
            Called::Stays | Called::Left | Called::NotBegun => Step::Stay,
        })
    }
}
