//! What the AWS template has to hold, and the proof that each of these sentences notices its fault.
//!
//! `template` reads the expanded template, `assertions` is the list, `planted` the faults, `cost`
//! works out what a step costs. `checks` runs all of it, with the linters: the program `infra`.

pub mod assertions;
pub mod checks;
pub mod cost;
pub mod exceptions;
pub mod faults;
pub mod files;
pub mod planted;
mod programs;
pub mod template;

#[cfg(test)]
mod tests;
