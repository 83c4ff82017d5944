//! Compares a deployed stack with the template: what is missing, by the template's own names.
//!
//! `facts` is what an account says of a stack, `expected` works out what the template means there,
//! `compare` and `grants` find the differences; `calls` asks whether calls that were seen are granted.
//! Only `account` (feature `aws`) reaches out.

#[cfg(feature = "aws")]
mod account;
mod calls;
mod compare;
mod expected;
mod facts;
mod grants;

#[cfg(feature = "aws")]
pub use account::{Place, StackError, examine, examine_by};
pub use calls::ungranted;
pub use compare::{Finding, Report, compare};
pub use expected::{Expected, template};
pub use facts::{Deployed, Facts};
