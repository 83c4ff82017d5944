//! What a workflow may cost and how long it may take, path by path, as far as that is known before it
//! runs: durable steps, model calls, tokens, time.
//!
//! Everything is a span. The lower end holds for every run in which nothing fails; the upper end is
//! there only if something in the document bounds it, and has further attempts in it. What a failure
//! leads to (the port `error`, `timeout`) is a path of its own.
//!
//! Reading order: `cost` (spans, and what one op costs), `ways` (where an op leads), `paths` (from the
//! entry to every end).

mod cost;
mod paths;
mod ways;

pub use cost::{BYTES_A_TOKEN, Cost, ModelUse, Span};
pub use paths::{Estimate, PathEstimate, estimate};
