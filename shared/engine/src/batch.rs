//! The first event of a run that is a batch of a map: its items, and what they see of the run above
//! (protocol, rule 14).

use crate::at::visit;
use crate::input::Decision;
use crate::start::{StartError, first};
use crate::state::{Child, RunState};
use lattice_expr::{Reference, Root, Segment};
use lattice_ir::Plan;
use lattice_journal::payload::{BatchOf, Parent, RunQueued};
use lattice_journal::{EventBody, ValueRef};
use lattice_model::{Hash, Millis, NodeId, OpId, StageId, canonical_len, limits};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Queues the run of a batch: the decision that makes its log begin. `above` is the run whose stage
/// waits for it, `items` the whole list of the map.
pub fn start_batch(
    plan: &Plan,
    above: &RunState,
    (stage, child): (&StageId, &Child),
    items: &Value,
    parent: Parent,
    at: Millis,
) -> Result<Decision, StartError> {
    let batch = child.batch.as_ref().ok_or(StartError::NoMap)?;
    let (_, mapping) = above.mapping_of(&batch.map).ok_or(StartError::NoMap)?;
    let from = batch.first.saturating_sub(mapping.first) as usize;
    let items = items.as_array().ok_or(StartError::NoMap)?;
    let items = items.get(from..from + batch.count as usize);
    let items = Value::from(items.ok_or(StartError::NoMap)?.to_vec());
    let (branch, needs) = (above.branch_of(stage), Needs::of(plan, mapping.op));
    let mut kept = Kept::default();
    let variables = above.variables_seen(branch).into_iter();
    let variables = variables
        .filter(|(name, _)| needs.has_variable(name))
        .map(|(name, value)| (name.clone(), kept.small(value)))
        .collect();
    let outputs = above.outputs_seen(branch).into_iter();
    let outputs = outputs
        .filter(|(node, _)| needs.has_output(node))
        .map(|(node, value)| (node.clone(), kept.small(value)))
        .collect();
    let queued = EventBody::from(RunQueued {
        tenant: above.tenant.clone(),
        workflow: above.workflow.clone(),
        name: above.name.to_string(),
        program: above.program,
        input: kept.small(&child.input),
        variables,
        lifetime_ms: above.deadline.since(at).max(1),
        entry: visit(plan, mapping.op, 0, None).ok_or(StartError::NoEntry)?,
        trigger: None,
        parent: Some(parent),
        budget: child.budget,
        limit: None,
        batch: Some(Box::new(BatchOf {
            op: mapping.op,
            first: batch.first,
            items: kept.value(items),
            outputs,
        })),
    });
    Ok(first(queued, at, kept.blobs))
}

/// What the body of a map refers to; `None` = it may be anything.
struct Needs<'p> {
    variables: Option<BTreeSet<&'p str>>,
    outputs: Option<BTreeSet<&'p str>>,
}

impl<'p> Needs<'p> {
    fn of(plan: &'p Plan, map: OpId) -> Self {
        let mut needs = Self {
            variables: Some(BTreeSet::new()),
            outputs: Some(BTreeSet::new()),
        };
        for reference in plan.body_references(map) {
            let names = match reference.root {
                Root::Vars => &mut needs.variables,
                Root::Nodes => &mut needs.outputs,
                _ => continue,
            };
            match (name(reference), names.as_mut()) {
                (Some(name), Some(names)) => {
                    names.insert(name);
                }
                (None, _) => *names = None,
                (Some(_), None) => {}
            }
        }
        needs
    }

    fn has_variable(&self, name: &str) -> bool {
        let names = self.variables.as_ref();
        names.is_none_or(|names| names.contains(name))
    }

    fn has_output(&self, node: &NodeId) -> bool {
        let names = self.outputs.as_ref();
        names.is_none_or(|names| names.contains(node.as_str()))
    }
}

fn name(reference: &Reference) -> Option<&str> {
    match reference.path.first() {
        Some(Segment::Key(name)) => Some(name.as_str()),
        _ => None,
    }
}

/// Values of the first event. Behind the first few they are kept aside, so that it always fits.
#[derive(Default)]
struct Kept {
    inline: usize,
    blobs: BTreeMap<Hash, Arc<Value>>,
}

impl Kept {
    fn small(&mut self, reference: &ValueRef) -> ValueRef {
        match reference {
            ValueRef::Inline(value) => self.inline_or_aside(Arc::clone(value)),
            ValueRef::Blob { .. } => reference.clone(),
        }
    }

    fn value(&mut self, value: Value) -> ValueRef {
        let (reference, blob) = ValueRef::of(value);
        self.blobs.extend(blob);
        self.small(&reference)
    }

    fn inline_or_aside(&mut self, value: Arc<Value>) -> ValueRef {
        self.inline += canonical_len(&value);
        if self.inline <= limits::SEED_INLINE_BYTES_MAX {
            return ValueRef::Inline(value);
        }
        let (reference, (hash, value)) = ValueRef::aside(value);
        self.blobs.insert(hash, value);
        reference
    }
}
