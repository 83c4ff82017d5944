//! The oracle: what a run of a Program must come to when nothing goes wrong.
//!
//! `world` says what happens outside the run, `outcome` what a run came to, `interpret` walks from
//! one to the other by the documented rules of the ops, slowly and in one thread. It shares no code
//! with the engine, so that the two can only agree by both being right. `shapes` is a shelf of
//! Programs made by hand, `random` makes as many others as there are seeds.

mod chance;
mod interpret;
mod outcome;
pub mod random;
pub mod shapes;
#[cfg(test)]
mod tests;
mod values;
pub mod world;

pub use chance::Chance;
pub use interpret::interpret;
pub use outcome::{Outcome, comparable};
pub use random::random_program;
pub use shapes::{Shape, shapes};
pub use world::{Calls, World};
