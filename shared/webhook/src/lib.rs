//! Who may start a run by a webhook, and what its input is. No IO, no clock, no randomness.
//!
//! `verify` is the order of the checks, `request` what came in, `proof` one function for each way
//! to prove who one is, `payload` turns the bytes into a value, `input` makes the run's input of
//! it, `refused` says no.

mod input;
mod payload;
mod proof;
mod refused;
mod request;
mod verify;

pub use refused::{ProofError, Refused};
pub use request::Request;
pub use verify::{Accepted, verify};
