//! What a node type is, and what one node of it turns out to be.

use crate::lowering::Lowering;
use crate::opening::Opening;
use crate::prose::{Teller, Told};
use lattice_document::{PORT_ERROR, PORT_OUT};
use lattice_ir::{OpKind, TriggerKind};
use lattice_model::WorkflowId;
use schemars::Schema;
use serde_json::Value;
use std::fmt;

/// A node type.
pub trait NodeKind: Sync {
    /// The name that documents use.
    fn name(&self) -> &'static str;
    /// The name that people see.
    fn title(&self) -> &'static str;
    /// What it does, in one sentence.
    fn summary(&self) -> &'static str;
    /// The JSON Schema of its settings.
    fn settings_schema(&self) -> Schema;
    /// Whether runs begin at a node of this type.
    fn begins_runs(&self) -> bool {
        false
    }
    /// Reads the settings of a node and reports everything that is wrong with them. `None` if too
    /// little is known to say which ports the node has; a problem has been reported then.
    fn open(&self, opening: &Opening<'_>) -> Option<Opened>;
    /// Says in words what one node does whose settings have no errors.
    fn tell(&self, teller: Teller<'_>) -> Told;
}

/// A node whose settings have been read.
#[derive(Debug)]
pub struct Opened {
    /// Whether edges may lead to it.
    pub takes_edges: bool,
    /// The ways out.
    pub ports: Vec<Port>,
    /// The variable that it sets or deletes.
    pub writes: Option<Write>,
    /// What `nodes.<id>.output` is.
    pub output: Output,
    /// The longest time it waits, in milliseconds, and the pointer of the setting that says so.
    pub wait: Option<(u64, String)>,
    /// Whether it needs what the node before it gave.
    pub input: InputUse,
    /// What starts a run here from outside.
    pub trigger: Option<TriggerKind>,
    /// The workflow that it runs.
    pub calls: Option<WorkflowId>,
    /// What is done in branches behind it.
    pub split: Option<Split>,
    /// If it does the same for each item: batches that go at once. It becomes two ops, the map and at
    /// its second place the gather; the body leaves from the port `each`.
    pub map: Option<usize>,
    /// The ops that it becomes, the first one being its entry. None: it is passed over.
    pub parts: Vec<Part>,
}

impl Opened {
    /// A node that stands in the flow with the given ways out, gives no output and waits for
    /// nothing.
    pub fn new(ports: Vec<Port>, parts: Vec<Part>) -> Self {
        Self {
            takes_edges: true,
            ports,
            writes: None,
            output: Output::None,
            wait: None,
            input: InputUse::None,
            trigger: None,
            calls: None,
            split: None,
            map: None,
            parts,
        }
    }

    /// Something that is only drawn.
    pub fn drawing() -> Self {
        Self {
            takes_edges: false,
            ..Self::new(Vec::new(), Vec::new())
        }
    }
}

/// A node whose branches are performed side by side until they meet at one node. It becomes two ops:
/// the split, and the join at its second place. Its branches leave from the ports `branch-0`,
/// `branch-1` ..., and its output is what the join makes of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// How many branches.
    pub branches: usize,
    /// Whether it says what becomes of a variable that several branches change.
    pub merges: bool,
    /// Whether every branch counts when the join fires.
    pub all: bool,
}

/// A way out of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The name that edges use.
    pub name: String,
    /// Whether an edge must leave from it.
    pub required: bool,
    /// What the node's output is on this way.
    pub carries: Carries,
}

impl Port {
    /// A way that needs an edge, with the node's output.
    pub fn required(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            required: true,
            carries: Carries::Output,
        }
    }

    /// The only way on of most nodes.
    pub fn out() -> Self {
        Self::required(PORT_OUT)
    }

    /// A way for a failure; without an edge the failure ends the run.
    pub fn failure(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            required: false,
            carries: Carries::Error,
        }
    }

    /// The way for any failure.
    pub fn error() -> Self {
        Self::failure(PORT_ERROR)
    }
}

/// What `nodes.<id>.output` is behind a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Carries {
    /// What the node gives.
    Output,
    /// `{"error": ..}`.
    Error,
    /// Nothing: the node has no output on this way.
    Nothing,
}

/// What a node's output is, as far as it is known before the run.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The node has none.
    None,
    /// Anything.
    Any,
    /// What this JSON Schema says.
    Shape(Value),
}

/// Whether a node works on what came before it. That is certain only where exactly one node leads
/// to it: behind `start` it is the trigger's input, behind any other node that node's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputUse {
    /// It does not.
    None,
    /// The output of the node before, if that is certain.
    OutputIfAny,
    /// The output of the node before or the trigger's input, if that is certain.
    ValueIfAny,
    /// As `ValueIfAny`, and it has to be certain, for this setting is left out.
    Required(&'static str),
}

/// What a node does to a variable of the workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets it.
    Set(String),
    /// Deletes it.
    Delete(String),
}

impl Write {
    /// The variable.
    pub fn variable(&self) -> &str {
        match self {
            Self::Set(name) | Self::Delete(name) => name,
        }
    }
}

type LowerFn = Box<dyn Fn(&Lowering<'_>) -> OpKind>;

/// One of the ops that a node becomes.
pub struct Part {
    suffix: &'static str,
    lower: LowerFn,
}

impl Part {
    /// The op that has the node's name.
    pub fn main(lower: impl Fn(&Lowering<'_>) -> OpKind + 'static) -> Self {
        Self::named("", lower)
    }

    /// An op whose name is the node's and `.suffix`.
    pub fn named(suffix: &'static str, lower: impl Fn(&Lowering<'_>) -> OpKind + 'static) -> Self {
        Self {
            suffix,
            lower: Box::new(lower),
        }
    }

    /// The name of the op for a node of this id.
    pub fn name(&self, node: &str) -> String {
        match self.suffix {
            "" => node.to_owned(),
            suffix => format!("{node}.{suffix}"),
        }
    }

    /// The op.
    pub fn lower(&self, lowering: &Lowering<'_>) -> OpKind {
        (self.lower)(lowering)
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("suffix", &self.suffix)
            .finish_non_exhaustive()
    }
}
