//! The place of an event in its run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The place of an event in its run: dense, from 1.
// INVARIANT: a `Seq` is made only as `FIRST`, by `next`, or read back from a stored event.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// The first event of a run.
    pub const FIRST: Self = Self(1);
    /// Before the first event.
    pub const ZERO: Self = Self(0);

    /// The place after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The place `count` further on.
    #[must_use]
    pub fn plus(self, count: usize) -> Self {
        Self(self.0 + count as u64)
    }

    /// Reads a place from a stored or typed number.
    pub fn from_stored(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
