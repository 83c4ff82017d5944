//! The oracle: what a run of a Program must come to when nothing goes wrong.
//!
//! `world` says what happens outside the run, `outcome` what a run came to, `interpret` walks from
//! one to the other by the documented rules of the ops, slowly and in one thread: `ops` visits an
//! op, `called` asks what came of a run that an op calls, `fan` walks the branches of a split, `joins` says when they are joined and how, `maps` walks the items of a map, `frame` keeps
//! what each made. `told` is what a log says of branches that only time decides, `nesting` which op
//! stands in which of them. All this shares no code with the engine, so that the two can only agree
//! by both being right. `shapes` is a shelf of Programs made by hand, `random` makes as many others
//! as there are seeds.

mod called;
mod chance;
mod fan;
mod frame;
mod interpret;
pub mod joins;
pub mod maps;
pub mod nesting;
mod ops;
mod outcome;
pub mod random;
pub mod shapes;
#[cfg(test)]
mod tests;
pub mod told;
mod values;
pub mod visits;
pub mod world;

pub use called::{Called, Programs, Visit, What, came_to, cannot_begin, nobody};
pub use chance::Chance;
pub use interpret::{explain, explain_batch, interpret, interpret_family};
pub use maps::Batch;
pub use nesting::Nesting;
pub use outcome::{Branch, BranchEnd, Outcome, comparable};
pub use random::random_program;
pub use shapes::{Shape, shapes};
pub use world::{Calls, World};
