//! What each op does, one file per op.

pub(crate) mod assign;
pub(crate) mod budget;
pub(crate) mod call;
pub(crate) mod choice;
pub(crate) mod end;
pub(crate) mod eval;
pub(crate) mod invoke;
pub(crate) mod join;
pub(crate) mod map;
mod merge;
pub(crate) mod split;
pub(crate) mod wait;

use crate::input::DecideError;
use crate::scratch::{At, Scratch};
use lattice_ir::OpKind;
use lattice_journal::{Failure, FailureKind};
use lattice_model::Guard;
use serde_json::Value;

/// Visits an op for the first time.
pub(crate) fn visit(scratch: &mut Scratch<'_>, at: &At) -> Result<(), DecideError> {
    let plan = scratch.plan;
    let unknown = || DecideError::UnknownOp(at.stage.clone());
    let (op, planned) = plan.op(at.op).ok_or_else(unknown)?;
    let visits = scratch.state.visits_of(at.branch.as_ref(), at.op);
    let visits = visits.unwrap_or(1);
    // INVARIANT: nothing goes round for ever (Guard::VisitCeiling).
    let ceiling = scratch.input.guards.on(Guard::VisitCeiling);
    if let Some(max) = op.visits_max.filter(|max| visits > *max && ceiling) {
        let message = format!("the loop came here more often than {max} times");
        let failure = Failure::new(FailureKind::Limit, message);
        return scratch.fail_stage(at, 0, failure, op.kind.on_error());
    }
    match &op.kind {
        OpKind::Call(_) => call::claim(scratch, at, 0, 0),
        OpKind::Eval(op) => eval::visit(scratch, at, op, planned),
        OpKind::Assign(op) => assign::visit(scratch, at, op, planned),
        OpKind::Choice(op) => choice::visit(scratch, at, op, planned),
        OpKind::Wait(op) => wait::visit(scratch, at, op, planned),
        OpKind::Split(op) => split::visit(scratch, at, op),
        // Neither is ever visited: they stand open from their split or map on.
        OpKind::Join(_) | OpKind::Gather(_) => Err(unknown()),
        OpKind::Map(op) => map::visit(scratch, at, op, planned),
        OpKind::Invoke(op) => invoke::visit(scratch, at, op, planned),
        OpKind::End(_) => end::visit(scratch, at, planned),
    }
}

/// An expression that could not be evaluated, as a failure.
pub(crate) fn expression_failure(error: &lattice_expr::ExprError) -> Failure {
    Failure::new(FailureKind::Expression, error.to_string())
}

/// What a value is, in a sentence.
pub(crate) fn word(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
