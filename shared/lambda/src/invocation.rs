//! The invocation at hand. A process of Lambda serves one at a time, so it is one for the whole
//! process: also a task that was started aside knows it.

use crate::trace::Trace;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What every line of the log says of the invocation.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// Its id, as Lambda gave it.
    pub request_id: String,
    /// The trace that it is a part of.
    pub trace: Option<Trace>,
}

static AT_HAND: Mutex<Option<Invocation>> = Mutex::new(None);

/// An invocation begins.
pub fn begin(invocation: Invocation) {
    *lock() = Some(invocation);
}

/// The trace of the invocation at hand.
pub fn trace() -> Option<Trace> {
    lock().as_ref().and_then(|at_hand| at_hand.trace.clone())
}

/// The invocation at hand.
pub fn at_hand() -> Option<Invocation> {
    lock().clone()
}

fn lock() -> MutexGuard<'static, Option<Invocation>> {
    AT_HAND.lock().unwrap_or_else(PoisonError::into_inner)
}
