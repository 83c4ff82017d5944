//! The beginning of a fork: a new run that begins with what another one was at a seq
//! (protocol, rule 15).

use crate::at::visit;
use crate::evolve::apply;
use crate::fork_set::set;
use crate::input::{BlobCache, Decision};
use crate::limit;
use crate::mapping::Mapping;
use crate::start::first;
use crate::state::{Branch, Phase, RunState, Stage};
use crate::weight::stored_bytes;
use lattice_ir::{OpKind, Plan};
use lattice_journal::fork::{
    EarlyAnswer, ForkedBranch, ForkedMap, ForkedStage, Gathers, RunForked,
};
use lattice_journal::payload::{Batch, BranchOutcome, RunQueued};
use lattice_journal::{EventBody, ForkedFrom, ValueRef};
use lattice_model::{BranchId, Hash, Millis, RunId, Seq, StageId, canonical_len, limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What somebody wants of a fork.
#[derive(Debug, Clone, PartialEq)]
pub struct ForkRequest {
    /// The run that is forked.
    pub run: RunId,
    /// The event that was named, if one was.
    pub named: Option<Seq>,
    /// What is set first, by its path; redacted already.
    pub set: BTreeMap<String, Value>,
    /// The hash of what was asked for.
    pub request: Hash,
    /// When the fork begins.
    pub at: Millis,
}

/// Why a run cannot be forked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForkError {
    /// Large values have to be fetched first; then the same question can be asked again.
    #[error("{} large values are needed first", .0.len())]
    NeedBlobs(Vec<Hash>),
    /// The run is over at that event.
    #[error("the run is over at this event")]
    Over,
    /// The run is a batch of a map.
    #[error("the run is a batch of a map; fork the run above it, `{above}`")]
    Batch {
        /// The run that has the map.
        above: RunId,
    },
    /// The Program begins nowhere, or is not the one of the run.
    #[error("the run is pinned to another program")]
    OtherProgram,
    /// A path that begins with nothing that can be set.
    #[error(
        "`{0}` cannot be set; a path is `vars.NAME`, `nodes.ID.output` or `in`, and names inside it"
    )]
    UnknownPath(String),
    /// The run has no such value there.
    #[error("`{path}` is not there at this event; the {what} there are {}", list(.there))]
    NotThere {
        /// The path.
        path: String,
        /// What was looked for.
        what: &'static str,
        /// What there is.
        there: Vec<String>,
    },
    /// A node in a branch, whose result nobody can tell from that of another node.
    #[error(
        "`{0}` cannot be set: another node of its branch gave the same value, and which of the two the branch comes to is not known; choose an earlier event"
    )]
    LastUnclear(String),
    /// Several open branches have the value.
    #[error(
        "`{path}` stands in {count} places, since branches are open; choose an event outside of them"
    )]
    Ambiguous {
        /// The path.
        path: String,
        /// In how many.
        count: usize,
    },
    /// A name inside a value that has no such field.
    #[error("`{path}` leads through `{name}`, which is not there")]
    NoField {
        /// The path.
        path: String,
        /// The name.
        name: String,
    },
    /// A name inside a value that has no names.
    #[error("`{path}` leads to `{name}` inside {word}; names stand inside objects only")]
    NotAnObject {
        /// The path.
        path: String,
        /// The name.
        name: String,
        /// What stands there.
        word: &'static str,
    },
    /// The value is too large.
    #[error("`{path}` would have {bytes} bytes, the limit is {limit}")]
    ValueTooLarge {
        /// The path.
        path: String,
        /// How many.
        bytes: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The value is nested too deep.
    #[error(
        "`{path}` would be nested {depth} levels deep, the limit is {}",
        limits::JSON_DEPTH_MAX
    )]
    ValueTooDeep {
        /// The path.
        path: String,
        /// How deep.
        depth: usize,
    },
    /// The changed input is not what the workflow asks for.
    #[error("the input does not fit the workflow: {0}")]
    Input(String),
    /// The state does not fit into one event, whatever is kept aside.
    #[error(
        "the state of the run has {bytes} bytes at this event, large values aside; a fork takes {}",
        limits::FORK_BYTES_MAX
    )]
    TooLarge {
        /// How many.
        bytes: usize,
    },
}

/// The hash of a state: of its canonical JSON.
pub fn state_hash(state: &RunState) -> Hash {
    Hash::of_json(&serde_json::to_value(state).unwrap_or_default())
}

/// Queues a fork: the decision that makes its log begin. `state` is what the other run was at the end
/// of a whole step.
pub fn fork(
    plan: &Plan,
    state: &RunState,
    request: &ForkRequest,
    blobs: &BlobCache,
) -> Result<Decision, ForkError> {
    if let (Some(_), Some(parent)) = (&state.batch, &state.parent) {
        let above = parent.run.clone();
        return Err(ForkError::Batch { above });
    }
    if state.status.is_terminal() {
        return Err(ForkError::Over);
    }
    if state.program != plan.hash() {
        return Err(ForkError::OtherProgram);
    }
    let mut begun = state.clone();
    set(&mut begun, &request.set, blobs)?;
    check_input(plan, state, &begun, blobs)?;
    let program = plan.program();
    let mut kept = Kept::default();
    let queued = RunQueued {
        tenant: begun.tenant.clone(),
        workflow: begun.workflow.clone(),
        name: begun.name.to_string(),
        program: begun.program,
        input: kept.keep(&begun.input),
        variables: kept.all(&begun.variables),
        lifetime_ms: program.lifetime_ms,
        entry: visit(plan, program.entry, 0, None).ok_or(ForkError::OtherProgram)?,
        trigger: None,
        parent: None,
        batch: None,
        budget: program.budget,
        limit: limit::of_fork(plan, state, &begun),
    };
    let forked = RunForked {
        from: ForkedFrom {
            run: request.run.clone(),
            seq: state.seq,
            named: request.named.filter(|named| *named != state.seq),
            state_hash: state_hash(state),
        },
        request: request.request,
        set: request.set.keys().cloned().collect(),
        outputs: kept.all(&begun.outputs),
        stages: stages(&begun, &mut kept),
        branches: branches(plan, &begun, request.at, &mut kept),
        asked: begun.asked.clone(),
        visits: begun.visits.clone(),
        early: early(&begun, &mut kept),
    };
    let bytes = stored_bytes(&queued) + stored_bytes(&forked);
    if bytes > limits::FORK_BYTES_MAX {
        return Err(ForkError::TooLarge { bytes });
    }
    let mut decision = first(EventBody::from(queued), request.at, kept.blobs);
    let forked = EventBody::from(forked);
    let second = decision.state.seq.next();
    apply(&mut decision.state, second, request.at, &forked);
    decision.events.push(forked);
    Ok(decision)
}

/// A changed input still has to be what the workflow asks for. One that a trigger gave need not be.
fn check_input(
    plan: &Plan,
    before: &RunState,
    begun: &RunState,
    blobs: &BlobCache,
) -> Result<(), ForkError> {
    let (Some(schema), true) = (plan.input_schema(), before.input != begun.input) else {
        return Ok(());
    };
    let value = |reference: &ValueRef| match reference {
        ValueRef::Inline(value) => Ok(Arc::clone(value)),
        ValueRef::Blob { hash, .. } => match blobs.get(hash) {
            Some(value) => Ok(Arc::clone(value)),
            None => Err(ForkError::NeedBlobs(vec![*hash])),
        },
    };
    if schema.validate(&*value(&before.input)?).is_err() {
        return Ok(());
    }
    schema.validate(&*value(&begun.input)?).map_err(|problems| {
        let lines = problems.iter().map(|problem| {
            let pointer = match problem.pointer.is_empty() {
                true => "/",
                false => &problem.pointer,
            };
            format!("at `{pointer}`: {}", problem.message)
        });
        ForkError::Input(lines.collect::<Vec<_>>().join("; "))
    })
}

/// The open stages. What was under way belongs to the other run: its claims, timers, questions and
/// called runs. Here each is visited anew, under names of this run.
fn stages(state: &RunState, kept: &mut Kept) -> BTreeMap<StageId, ForkedStage> {
    let mut stages = BTreeMap::new();
    for (id, stage) in &state.stages {
        let gathers = match &stage.phase {
            // A batch begins anew from its map, which holds it.
            Phase::Calling(child) if child.batch.is_some() => continue,
            Phase::Joining { split } => Some(Gathers::Branches {
                split: split.clone(),
            }),
            Phase::Mapping(mapping) => Some(Gathers::Items(map(state, mapping, kept))),
            _ => None,
        };
        let forked = ForkedStage {
            op: stage.op,
            branch: stage.branch.clone(),
            gathers,
        };
        stages.insert(id.clone(), forked);
    }
    stages
}

fn map(state: &RunState, mapping: &Mapping, kept: &mut Kept) -> ForkedMap {
    let open = state
        .children()
        .filter_map(|(_, child)| child.batch.as_ref());
    let open = open.filter(|batch| batch.map == mapping.map);
    let mut again: Vec<Batch> = mapping.again.iter().chain(open).cloned().collect();
    again.sort_by_key(|batch| batch.first);
    let results = mapping.results.iter();
    ForkedMap {
        map: mapping.map.clone(),
        op: mapping.op,
        items: kept.keep(&mapping.items),
        first: mapping.first,
        count: mapping.count,
        runs: mapping.runs,
        pace: mapping.pace,
        begun: mapping.begun,
        results: results.map(|(at, it)| (*at, kept.keep(it))).collect(),
        again,
    }
}

fn branches(
    plan: &Plan,
    state: &RunState,
    now: Millis,
    kept: &mut Kept,
) -> BTreeMap<BranchId, ForkedBranch> {
    let branch = |(id, branch): (&BranchId, &Branch)| {
        let timeout_ms = branch.due_at.and_then(|_| timeout_ms(plan, state, branch));
        let variables = branch.variables.iter();
        let forked = ForkedBranch {
            split: branch.split.clone(),
            index: branch.index,
            outer: branch.outer.clone(),
            due_at: timeout_ms.map(|ms| now.plus(ms)),
            variables: variables
                .map(|(name, it)| (name.clone(), it.as_ref().map(|it| kept.keep(it))))
                .collect(),
            outputs: kept.all(&branch.outputs),
            last: branch.last.as_ref().map(|it| kept.keep(it)),
            end: branch.end.as_ref().map(|(_, end)| match end {
                BranchOutcome::Completed { output } => BranchOutcome::Completed {
                    output: kept.keep(output),
                },
                failed => failed.clone(),
            }),
            item: branch.item,
            visits: branch.visits.clone(),
        };
        (id.clone(), forked)
    };
    state.branches.iter().map(branch).collect()
}

/// The time that a branch has: its split says so, which is found by the join that waits.
fn timeout_ms(plan: &Plan, state: &RunState, branch: &Branch) -> Option<u64> {
    let waits =
        |stage: &&Stage| matches!(&stage.phase, Phase::Joining { split } if *split == branch.split);
    let join = state.stages.values().find(waits)?.op;
    let mut ops = plan.program().ops.iter();
    ops.find_map(|op| match &op.kind {
        OpKind::Split(split) if split.join == join => {
            split.branches.get(branch.index as usize)?.timeout_ms
        }
        _ => None,
    })
}

fn early(state: &RunState, kept: &mut Kept) -> Vec<EarlyAnswer> {
    let buffered = state.buffered.iter();
    let early = buffered.map(|early| EarlyAnswer {
        inbox: early.inbox.clone(),
        node: early.node.clone(),
        value: kept.keep(&early.value),
    });
    early.collect()
}

/// Values of the first event. Behind the first few they are kept aside, so that it fits.
#[derive(Default)]
struct Kept {
    inline: usize,
    blobs: BTreeMap<Hash, Arc<Value>>,
}

impl Kept {
    fn keep(&mut self, reference: &ValueRef) -> ValueRef {
        let ValueRef::Inline(value) = reference else {
            return reference.clone();
        };
        let bytes = canonical_len(value);
        let fits = self.inline + bytes <= limits::SEED_INLINE_BYTES_MAX;
        // A reference takes more than so small a value.
        let is_small = bytes <= REFERENCE_BYTES;
        if is_small || (fits && bytes <= limits::INLINE_VALUE_BYTES_MAX) {
            self.inline += bytes;
            return reference.clone();
        }
        let (reference, (hash, value)) = ValueRef::aside(Arc::clone(value));
        self.blobs.insert(hash, value);
        reference
    }

    fn all<K: Ord + Clone>(&mut self, values: &BTreeMap<K, ValueRef>) -> BTreeMap<K, ValueRef> {
        let values = values.iter();
        values
            .map(|(key, it)| (key.clone(), self.keep(it)))
            .collect()
    }
}

/// Bytes of a reference to a value that is kept aside, at least.
const REFERENCE_BYTES: usize = 96;

fn list(names: &[String]) -> String {
    let shown = names.iter().take(limits::PROBLEM_NAMES_MAX);
    let shown: Vec<_> = shown.map(|name| format!("`{name}`")).collect();
    match shown.is_empty() {
        true => "none".to_owned(),
        false => shown.join(", "),
    }
}
