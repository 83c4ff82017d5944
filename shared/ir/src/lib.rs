//! The Program: what the compiler makes of a document and all that the engine knows of it.
//!
//! `program` is the stored form, `branches` the ops of it that run side by side, `map` those
//! that do the same for each item, `invoke` the one that is a run of its own,
//! `concurrency` how many runs may be open at once, `plan` the form with
//! every expression parsed, `call` what a worker hands to an effect and gets back, `trigger` what
//! starts runs from outside, `verify` what must hold before a Program may run, `nesting` which ops
//! stand in which branch, `loops` which stand on a way back, `print` a text for people.

pub mod branches;
pub mod call;
pub mod concurrency;
pub mod invoke;
pub mod loops;
pub mod map;
pub mod nesting;
pub mod plan;
pub mod print;
pub mod program;
pub mod trigger;
pub mod value_template;
pub mod verify;

pub use branches::{Join, JoinPolicy, Merge, Split, SplitBranch};
pub use call::{CallDone, CallOutcome, CallRequest, EffectRequest, ModelRequest};
pub use concurrency::{Concurrency, KeyError, parse_key};
pub use invoke::Invoke;
pub use map::{Gather, Map};
pub use plan::{Plan, PlannedArm, PlannedOp, PlannedTest};
pub use program::*;
pub use trigger::{Missed, Overlap, Payload, Schedule, Trigger, TriggerKind, Webhook, WebhookAuth};
pub use value_template::ValueTemplate;
pub use verify::{VerifyError, verify};
