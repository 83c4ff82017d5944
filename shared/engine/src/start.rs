//! The first event of a run.

use crate::at::visit;
use crate::evolve::apply;
use crate::input::Decision;
use crate::limit;
use crate::state::RunState;
use lattice_ir::Plan;
use lattice_journal::payload::{Parent, RunQueued, TriggerFired};
use lattice_journal::{Budget, EventBody, ValueRef};
use lattice_model::{
    Hash, Millis, NodeId, Seq, Tenant, canonical_len, json_depth, json_text_len, limits,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why a run cannot start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The input is too large.
    #[error(
        "the input has {bytes} bytes, the limit is {}; pass a reference to the data instead",
        limits::INPUT_BYTES_MAX
    )]
    InputTooLarge {
        /// How many.
        bytes: usize,
    },
    /// The input is nested too deep.
    #[error(
        "the input is nested {depth} levels deep, the limit is {}",
        limits::JSON_DEPTH_MAX
    )]
    InputTooDeep {
        /// How deep.
        depth: usize,
    },
    /// The variables are too large to stand in one event.
    #[error(
        "the variables of the workflow have {bytes} bytes, the limit is {}; move large values into the input",
        limits::VARIABLES_BYTES_MAX
    )]
    VariablesTooLarge {
        /// How many.
        bytes: usize,
    },
    /// The input is not what the workflow asks for.
    #[error("the input does not fit the workflow: {}", .0.join("; "))]
    Input(Vec<String>),
    /// The workflow has no such trigger, or has it no more.
    #[error("the workflow has no trigger `{0}`; it may have been saved without it since")]
    NoTrigger(NodeId),
    /// The map of a batch is over, or its list is another one.
    #[error("nothing waits for the batch")]
    NoMap,
    /// The Program begins nowhere; the verifier refuses such a Program.
    #[error("the program has no entry")]
    NoEntry,
}

/// What starts a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Origin {
    /// Somebody asks for it.
    Request,
    /// A trigger fired: the run begins where that leads.
    Trigger(TriggerFired),
    /// A stage of another run calls it.
    Parent {
        /// The stage.
        parent: Parent,
        /// When the run has to be over, since its parent will be then.
        deadline: Millis,
        /// What its parent keeps for it, if that has a budget.
        budget: Option<Budget>,
    },
}

/// Queues a run: the decision that makes the log begin. `input` has to be redacted already.
pub fn start(
    plan: &Plan,
    tenant: Tenant,
    input: Value,
    origin: Origin,
    at: Millis,
) -> Result<Decision, StartError> {
    let bytes = canonical_len(&input);
    if bytes > limits::INPUT_BYTES_MAX {
        return Err(StartError::InputTooLarge { bytes });
    }
    let depth = json_depth(&input);
    if depth > limits::JSON_DEPTH_MAX {
        return Err(StartError::InputTooDeep { depth });
    }
    let (lifetime_ms, budget) = bounds(plan, &origin, at);
    let (trigger, parent) = match origin {
        Origin::Request => (None, None),
        Origin::Trigger(fired) => (Some(fired), None),
        Origin::Parent { parent, .. } => (None, Some(parent)),
    };
    // A trigger has checked what it was sent against its own schema.
    if trigger.is_none() {
        check_input(plan, &input)?;
    }
    check_variables(plan)?;
    // Without a key the run is queued all the same, and fails when it begins: who started it may be a
    // clock or another system, and nobody would hear of it otherwise.
    let limit = limit::of(plan, &input).ok().flatten();
    let program = plan.program();
    let mut blobs = BTreeMap::new();
    let mut keep = |value: Value| {
        let (reference, blob) = ValueRef::of(value);
        blobs.extend(blob);
        reference
    };
    let input = keep(input);
    let variables = program
        .variables
        .iter()
        .map(|(name, value)| (name.clone(), keep(value.clone())))
        .collect();
    let op = match &trigger {
        None => program.entry,
        Some(fired) => {
            let found = program.triggers.iter().find(|it| it.node == fired.node);
            found
                .ok_or_else(|| StartError::NoTrigger(fired.node.clone()))?
                .entry
        }
    };
    let entry = visit(plan, op, 0, None).ok_or(StartError::NoEntry)?;
    let queued = EventBody::from(RunQueued {
        tenant,
        workflow: program.workflow.clone(),
        name: program.name.clone(),
        program: plan.hash(),
        input,
        variables,
        lifetime_ms,
        entry,
        trigger,
        parent,
        batch: None,
        budget,
        limit,
    });
    Ok(first(queued, at, blobs))
}

/// The decision that writes the first event.
pub(crate) fn first(queued: EventBody, at: Millis, blobs: BTreeMap<Hash, Arc<Value>>) -> Decision {
    let mut state = RunState::empty();
    apply(&mut state, Seq::FIRST, at, &queued);
    Decision {
        taken: 0,
        children: Vec::new(),
        orphans: Vec::new(),
        events: vec![queued],
        state,
        calls: Vec::new(),
        blobs: blobs.into_iter().collect(),
        folds: Vec::new(),
        more: true,
    }
}

/// How long the run may live and what it may use: no longer and no more than its parent lets it.
fn bounds(plan: &Plan, origin: &Origin, at: Millis) -> (u64, Option<Budget>) {
    let program = plan.program();
    match origin {
        Origin::Request | Origin::Trigger(_) => (program.lifetime_ms, program.budget),
        Origin::Parent {
            deadline, budget, ..
        } => {
            let lifetime_ms = program.lifetime_ms.min(deadline.since(at)).max(1);
            let budgets = program.budget.iter().chain(budget);
            (lifetime_ms, budgets.min_by_key(|it| it.tokens).copied())
        }
    }
}

fn check_variables(plan: &Plan) -> Result<(), StartError> {
    let variable = |(name, value): (&String, &Value)| json_text_len(name) + canonical_len(value);
    let bytes = plan.program().variables.iter().map(variable).sum();
    match bytes > limits::VARIABLES_BYTES_MAX {
        true => Err(StartError::VariablesTooLarge { bytes }),
        false => Ok(()),
    }
}

fn check_input(plan: &Plan, input: &Value) -> Result<(), StartError> {
    let Some(schema) = plan.input_schema() else {
        return Ok(());
    };
    schema.validate(input).map_err(|problems| {
        let lines = problems.iter().map(|problem| {
            let pointer = if problem.pointer.is_empty() {
                "/"
            } else {
                &problem.pointer
            };
            format!("at `{pointer}`: {}", problem.message)
        });
        StartError::Input(lines.collect())
    })
}
