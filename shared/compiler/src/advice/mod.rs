//! What is not wrong, and probably not meant: variables and answers that nobody reads, choices that
//! are never taken, tools that nobody offers. Each is a warning, and asked only of a document whose
//! errors, if it has any, are that some nodes cannot be run yet.

mod never_taken;
mod numbers;
mod tools;
mod unused;

use crate::passes::Check;

/// Every one of them.
pub const CHECKS: &[Check] = &[unused::check, never_taken::check, tools::check];
