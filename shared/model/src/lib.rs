//! The words every other crate is written in: ids, `Seq`, time, limits, `Secret<T>`, canonical JSON.
//! No IO, no clock, no randomness: an id is made from bytes that the caller brings.

pub mod canonical;
pub mod guard;
pub mod ids;
pub mod limits;
pub mod secret;
pub mod seq;
pub mod time;

pub use canonical::{Hash, canonical_json, canonical_len, json_depth, json_text_len};
pub use guard::{Guard, Guards};
pub use ids::{
    BootId, BranchId, CommitId, IdError, InboxId, NodeId, OpId, ProgramHash, RunId, StageId,
    Tenant, TriggerId, WorkflowId,
};
pub use secret::Secret;
pub use seq::Seq;
pub use time::Millis;
