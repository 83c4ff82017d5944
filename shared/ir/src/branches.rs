//! What is done side by side: the split that begins its branches, and the join that waits for them.

use crate::program::Way;
use lattice_model::OpId;
use serde::{Deserialize, Serialize};

/// Begins its branches at once. What stands between a split and its join belongs to one branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Split {
    /// The branches, in the order in which they are merged; `SPLIT_BRANCHES_MIN` to
    /// `SPLIT_BRANCHES_MAX` of them.
    pub branches: Vec<SplitBranch>,
    /// The join that waits for them.
    pub join: OpId,
}

/// One branch of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SplitBranch {
    /// Where it begins; the join itself, if it is empty.
    pub way: Way,
    /// How long it may take, in milliseconds; unset = as long as the run.
    pub timeout_ms: Option<u64>,
}

/// Waits for the branches of a split and makes one output of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Join {
    /// The split.
    pub split: OpId,
    /// What it waits for.
    pub policy: JoinPolicy,
    /// What it makes of the outputs, and of a variable that several branches changed.
    pub merge: Merge,
    /// Where to go next.
    pub next: OpId,
    /// Where to go if too many branches failed or their results cannot be merged; unset = what the
    /// split stands in fails.
    pub on_error: Option<OpId>,
    /// Where to go if the branch that decided the failure ran out of time; unset = as `on_error`.
    pub on_timeout: Option<OpId>,
}

/// What a join waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "camelCase")]
pub enum JoinPolicy {
    /// Until all branches are over; it fails if one failed.
    All,
    /// As `All`, but the first failure decides at once.
    FailFast,
    /// The first branches that succeed decide, so many of them; it fails at once when so many cannot
    /// succeed any more.
    Quorum {
        /// How many; 1 = any.
        needed: u32,
    },
}

/// What a join makes of several values, always in the order in which the branches were drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Merge {
    /// A list with a place for each branch; `null` where a branch does not count.
    Collect,
    /// Objects are merged key by key, anything else is the last one's.
    DeepMerge,
    /// The first branch that counts.
    First,
    /// The last branch that counts.
    Last,
    /// They have to be equal; it is a failure if they are not.
    Error,
}
