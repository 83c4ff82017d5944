//! What happens outside a run: the answers of models and of people.

use lattice_ir::{CallDone, CallOutcome};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_model::{Millis, NodeId, RunId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// What a call gives: by the name of the stage, so that each visit differs, the number of its failures recorded before, and the
/// prompt in the form that people see.
pub type Calls = Arc<dyn Fn(&str, u32, &str) -> CallOutcome + Send + Sync>;

/// What the world does, as a pure function: asked twice, it says the same.
pub struct World {
    /// The run.
    pub run_id: RunId,
    /// When it was queued.
    pub started_at: Millis,
    /// The trigger input.
    pub input: Value,
    /// What each call gives.
    pub calls: Calls,
    /// What people answer to each node, in the order it arrives; to `node[3]` if it asks in an item. The first acceptable answer
    /// counts, the next one for the next visit, and it always comes before a timer; without one the
    /// timer ends the wait.
    pub answers: BTreeMap<NodeId, Vec<Value>>,
    /// Stages that nobody answers before their timer, whatever there is.
    pub late: BTreeSet<String>,
    /// How many attempts of a stage are lost: they use up its ceiling.
    pub lost: BTreeMap<String, u32>,
}

/// The moment at which runs of the simulator begin: 2025-11-24T16:00:00Z.
pub const STARTED_AT: Millis = Millis::new(1_764_000_000_000);

/// What a call uses that succeeds, so that a sum of uses tells how many calls there were.
pub const USED_BY_SUCCESS: Usage = Usage {
    input_tokens: 10,
    output_tokens: 5,
};

/// What a call uses that fails.
pub const USED_BY_FAILURE: Usage = Usage {
    input_tokens: 7,
    output_tokens: 0,
};

impl World {
    /// A world without people, in which every call repeats its prompt in brackets behind the name
    /// of its stage.
    pub fn new(input: Value) -> Self {
        Self {
            run_id: RunId::from_parts(STARTED_AT, *b"simulation"),
            started_at: STARTED_AT,
            input,
            calls: Arc::new(|stage, _, prompt| succeed(format!("{stage}({prompt})"))),
            answers: BTreeMap::new(),
            late: BTreeSet::new(),
            lost: BTreeMap::new(),
        }
    }

    /// The same world as a run sees it that is called with this input.
    #[must_use]
    pub fn below(&self, input: Value) -> Self {
        Self {
            run_id: self.run_id.clone(),
            started_at: self.started_at,
            input,
            late: BTreeSet::new(),
            lost: BTreeMap::new(),
            calls: Arc::clone(&self.calls),
            answers: self.answers.clone(),
        }
    }

    /// The same world with other calls.
    #[must_use]
    pub fn calling(
        mut self,
        calls: impl Fn(&str, u32, &str) -> CallOutcome + Send + Sync + 'static,
    ) -> Self {
        self.calls = Arc::new(calls);
        self
    }

    /// The same world with somebody who answers a node.
    #[must_use]
    pub fn answering(mut self, node: &str, answers: &[Value]) -> Self {
        self.answers.insert(NodeId::new(node), answers.to_vec());
        self
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("run_id", &self.run_id)
            .field("started_at", &self.started_at)
            .field("input", &self.input)
            .field("answers", &self.answers)
            .field("late", &self.late)
            .field("lost", &self.lost)
            .finish_non_exhaustive()
    }
}

/// A call that gives the text.
pub fn succeed(text: impl Into<String>) -> CallOutcome {
    Ok(CallDone {
        text: text.into(),
        model: "sim-1".to_owned(),
        finish: "stop".to_owned(),
        usage: USED_BY_SUCCESS,
        latency_ms: 1_200,
    })
}

/// A call that fails so; retryable as the kind is.
pub fn fail(kind: FailureKind) -> CallOutcome {
    let failure = Failure::new(kind, format!("the simulated provider says `{kind}`"));
    Err((failure, USED_BY_FAILURE))
}
