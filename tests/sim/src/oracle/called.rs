//! Visits of an op that calls another run: what comes of it is asked of somebody else, who knows
//! that run, or interprets it as well.

use super::interpret::{Step, Walk, walked};
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
}

/// What comes of the run that a stage calls with this input.
pub type Callees<'w> = &'w dyn Fn(&str, &Invoke, &Value) -> Result<Called, Refused>;

/// The Programs that can be called.
pub type Programs = BTreeMap<ProgramHash, Arc<Program>>;

/// No run is called.
pub fn nobody(stage: &str, _: &Invoke, _: &Value) -> Result<Called, Refused> {
    Err(Refused::new(format!("`{stage}` calls a run")))
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
    let call = |_: &str, invoke: &Invoke, input: &Value| {
        if depth >= CHILD_DEPTH_MAX {
            return Ok(Called::Failed(FailureKind::Limit));
        }
        let program = programs.get(&invoke.program).map(|program| &**program);
        if let Some(kind) = cannot_begin(program, input) {
            return Ok(Called::Failed(kind));
        }
        let Some(program) = program else {
            return Ok(Called::Stays);
        };
        let below = world.below(input.clone());
        let (outcome, ended_at) = alone(programs, program, &below, depth + 1);
        let due = invoke.timeout_ms.map(|ms| below.started_at.plus(ms));
        let came = came_to(&outcome);
        let is_late = came == Called::Stays || due.is_some_and(|due| ended_at > due);
        Ok(match due.is_some() && is_late {
            true => Called::TimedOut,
            false => came,
        })
    };
    walked(program, world, None, &call).unwrap_or_else(|refused| {
        let failure = Failure::new(FailureKind::Configuration, refused.text);
        super::interpret::refused(program, world, failure)
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
    pub fn invoke(&self, stage: &str, invoke: &Invoke) -> Result<Step, Refused> {
        let input = match self.value(&invoke.input).and_then(kept) {
            Ok(input) => input,
            Err(failure) => return Ok(Step::Fail(failure, invoke.on_error)),
        };
        let failed = |kind| Failure::new(kind, format!("what `{stage}` called"));
        Ok(match (self.callees)(stage, invoke, &input)? {
            Called::Completed(output) => Step::go(invoke.next, output),
            Called::Failed(kind) => Step::Fail(failed(kind), invoke.on_error),
            Called::Cancelled => Step::Fail(failed(FailureKind::ChildCancelled), invoke.on_error),
            Called::TimedOut => {
                let to = invoke.on_timeout.or(invoke.on_error);
                Step::Fail(failed(FailureKind::Timeout), to)
            }
            Called::Stays => Step::Stay,
        })
    }
}
