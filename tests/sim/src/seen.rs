//! What a run came to, in the oracle's words, and what its log says that only time decides.

use crate::judge::scrubbed;
use crate::oracle::told::{Said, SaidEnd, Told};
use crate::oracle::visits::map_of_batch;
use crate::oracle::{Branch, BranchEnd, Outcome};
use crate::shadow::Shadow;
use crate::sim::Sim;
use futures::FutureExt;
use lattice_ir::OpKind;
use lattice_journal::payload::BranchOutcome;
use lattice_journal::{EventBody, FailureKind, Usage, ValueRef};
use lattice_model::{BranchId, NodeId, StageId};
use lattice_ports::Blobs;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What the run came to.
pub fn outcome(sim: &Sim, shadow: &Shadow) -> Result<Outcome, String> {
    let state = &shadow.state;
    let resolve = |value: &ValueRef| resolve(sim, value);
    let ends: Vec<&NodeId> = shadow
        .known
        .plan
        .program()
        .ops
        .iter()
        .filter(|op| matches!(op.kind, OpKind::End(_)))
        .map(|op| &op.node)
        .collect();
    let mut outputs = BTreeMap::new();
    for (node, value) in &state.outputs {
        if !ends.contains(&node) {
            outputs.insert(node.clone(), resolve(value)?);
        }
    }
    let variables = state.variables.iter();
    let variables = variables.map(|(name, value)| Ok((name.clone(), resolve(value)?)));
    let (mut output, mut failure) = (None, None);
    match shadow.events().last().map(|event| &event.body) {
        Some(EventBody::RunCompleted(done)) => output = Some(resolve(&done.output)?),
        Some(EventBody::RunFailed(failed)) => {
            failure = Some((failed.failure.kind, failed.node.clone()));
        }
        _ => {}
    }
    let calls = shadow.stages.iter().map(|(stage, log)| {
        let recorded = log.claims.iter().filter(|claim| claim.recorded.is_some());
        let recorded = u32::try_from(recorded.count()).unwrap_or(u32::MAX);
        (stage.as_str().to_owned(), recorded)
    });
    let outcome = Outcome {
        status: state.status,
        output,
        failure,
        outputs,
        variables: variables.collect::<Result<_, String>>()?,
        path: path(shadow, None),
        branches: branches(sim, shadow)?,
        usage: own_usage(shadow),
        calls: calls.filter(|(_, recorded)| *recorded > 0).collect(),
    };
    Ok(outcome.map(scrubbed))
}

/// The stages that stand directly in a branch, or outside all, in the order in which they ended;
/// those that are open behind them.
fn path(shadow: &Shadow, branch: Option<&BranchId>) -> Vec<String> {
    let open = shadow.state.stages.keys().map(StageId::as_str);
    let stages = shadow.path.iter().map(String::as_str).chain(open);
    let stages = stages.filter(|stage| is_directly(shadow, &StageId::new(*stage), branch));
    stages.map(str::to_owned).collect()
}

/// Whether a stage stands directly in a branch, or outside all. The batches of a map do not count:
/// time decides in which order they end.
fn is_directly(shadow: &Shadow, stage: &StageId, branch: Option<&BranchId>) -> bool {
    let is_batch = map_of_batch(stage.as_str()).is_some();
    !is_batch && shadow.known.nesting.branch_of(stage).as_ref() == branch
}

/// What the branches made, as their events say.
fn branches(sim: &Sim, shadow: &Shadow) -> Result<BTreeMap<BranchId, Branch>, String> {
    let mut made = BTreeMap::new();
    for (id, standing) in &shadow.branches.all {
        let end = match &standing.end {
            Some(BranchOutcome::Completed { output }) => {
                BranchEnd::Completed(resolve(sim, output)?)
            }
            Some(BranchOutcome::Failed { failure, node }) => {
                BranchEnd::Failed(failure.kind, node.clone())
            }
            None if standing.is_cut => BranchEnd::Cut,
            None => BranchEnd::Open,
        };
        let path = path(shadow, Some(id));
        let branch = Branch {
            end,
            path,
            ..Branch::default()
        };
        made.insert(id.clone(), branch);
    }
    for event in shadow.events() {
        let stage = match &event.body {
            EventBody::StageCompleted(done) if map_of_batch(done.stage.as_str()).is_some() => {
                continue;
            }
            EventBody::StageCompleted(done) => &done.stage,
            EventBody::StageFailed(failed) => &failed.stage,
            EventBody::VariableSet(set) => &set.stage,
            EventBody::JoinFired(fired) => &fired.stage,
            _ => continue,
        };
        let branch = shadow.known.nesting.branch_of(stage);
        if let Some(branch) = branch.and_then(|branch| made.get_mut(&branch)) {
            add(sim, branch, &event.body)?;
        }
    }
    Ok(made)
}

/// What an event adds to the branch that its stage stands in.
fn add(sim: &Sim, branch: &mut Branch, body: &EventBody) -> Result<(), String> {
    match body {
        EventBody::StageCompleted(done) => {
            if let Some(output) = &done.output {
                let output = resolve(sim, output)?;
                branch.outputs.insert(done.node.clone(), output);
            }
        }
        EventBody::StageFailed(failed) if failed.next.is_some() => {
            let error = json!({ "error": { "kind": failed.failure.kind } });
            branch.outputs.insert(failed.node.clone(), error);
        }
        EventBody::VariableSet(set) => {
            let value = set.value.as_ref().map(|value| resolve(sim, value));
            branch.changes.insert(set.name.clone(), value.transpose()?);
        }
        EventBody::JoinFired(fired) => {
            for (name, value) in &fired.variables {
                let value = value.as_ref().map(|value| resolve(sim, value));
                branch.changes.insert(name.clone(), value.transpose()?);
            }
        }
        _ => {}
    }
    Ok(())
}

/// What the log says of the branches that only time decides.
pub fn told(sim: &Sim, shadow: &Shadow) -> Told {
    let mut branches = BTreeMap::new();
    for (id, standing) in &shadow.branches.all {
        let end = match &standing.end {
            Some(BranchOutcome::Completed { .. }) => SaidEnd::Completed,
            Some(BranchOutcome::Failed {
                failure,
                node: None,
            }) if failure.kind == FailureKind::Timeout => SaidEnd::TimedOut,
            Some(BranchOutcome::Failed { .. }) => SaidEnd::Failed,
            None if standing.is_cut => SaidEnd::Cut,
            None => SaidEnd::Open,
        };
        let directly = |stage: &&StageId| is_directly(shadow, stage, Some(id));
        let skipped = shadow.branches.skipped.keys().filter(directly).count();
        let recorded = shadow.stages.iter().filter(|(stage, _)| {
            let skipped = shadow.branches.skipped.contains_key(*stage);
            skipped && directly(stage)
        });
        let recorded = recorded.flat_map(|(_, log)| &log.claims);
        let recorded = recorded.filter(|claim| claim.recorded.is_some()).count();
        let stages = shadow.path.iter().map(StageId::new);
        let stages = stages.filter(|stage| is_directly(shadow, stage, Some(id)));
        let said = Said {
            end,
            ended: stages.count().saturating_sub(skipped),
            recorded: u32::try_from(recorded).unwrap_or(u32::MAX),
            due_at: standing.due_at,
        };
        branches.insert(id.clone(), said);
    }
    Told {
        branches,
        clocks_are_right: sim.scenario.skew_ms == 0,
    }
}

/// What its own calls used, and not those of the runs that it called.
fn own_usage(shadow: &Shadow) -> Usage {
    let mut usage = Usage::default();
    for event in shadow.events() {
        match &event.body {
            EventBody::LlmStepCompleted(done) => usage = usage.plus(done.usage),
            EventBody::LlmStepFailed(failed) => usage = usage.plus(failed.usage),
            _ => {}
        }
    }
    usage
}

/// The value, from the store if it is kept aside.
pub(crate) fn resolve(sim: &Sim, value: &ValueRef) -> Result<Value, String> {
    match (value.inline(), value.blob()) {
        (Some(value), _) => Ok(Value::clone(value)),
        (None, Some(hash)) => {
            let blob = sim.raw.blob(hash).now_or_never();
            let blob = blob.ok_or("the store made `blob` wait")?;
            blob.map(|value| Value::clone(&value))
                .map_err(|error| error.to_string())
        }
        (None, None) => Err("a value is neither here nor elsewhere".to_owned()),
    }
}
