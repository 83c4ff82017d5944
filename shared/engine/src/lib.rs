//! Decides what a run does next. No IO, no clock, no randomness.
//!
//! `evolve` folds one event into the state and never decides; `decide` looks at the state and at
//! what happened, and answers with events to append and calls to perform; `start` writes the first
//! event. One file per op stands in `ops/`.

mod at;
pub mod batch;
mod branches;
mod budget;
pub mod decide;
pub mod evolve;
mod fold_inbox;
pub mod fork;
mod fork_point;
mod fork_set;
mod forked;
pub mod input;
mod limit;
pub mod mapping;
mod ops;
mod scope;
mod scratch;
pub mod start;
pub mod state;
mod weight;

pub use batch::start_batch;
pub use budget::Spending;
pub use decide::decide;
pub use evolve::failure_output;
pub use evolve::{evolve, fold};
pub use fork::{ForkError, ForkRequest, fork, state_hash};
pub use fork_point::{NoRedrive, before_failure, whole};
pub use input::{BlobCache, Cause, Claimed, DecideError, Decision, Input};
pub use mapping::Mapping;
pub use start::{Origin, StartError, start};
pub use state::{Branch, Buffered, Child, Phase, RunState, STATE_VERSION, Stage};
