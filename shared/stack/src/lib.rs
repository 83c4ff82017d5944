//! Compares a deployed stack with the template: what is missing, by the template's own names.
//!
//! `facts` is what an account says of a stack, `expected` works out what the template means there,
//! `compare` and `grants` find the differences. Only `account` (feature `aws`) reaches out.

#[cfg(feature = "aws")]
mod account;
mod compare;
mod expected;
mod facts;
mod grants;

#[cfg(feature = "aws")]
pub use account::{Place, StackError, examine, examine_by};
pub use compare::{Finding, Report, compare};
pub use expected::{Expected, template};
pub use facts::{Deployed, Facts};
