//! The system on AWS's own interfaces, tested without an account: an engine that speaks them, and
//! what is driven through it.

pub mod engine;
