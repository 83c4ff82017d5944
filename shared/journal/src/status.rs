//! How a run stands, and which moves there are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a run stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum RunStatus {
    /// Stored, not begun.
    Queued,
    /// Something is being done, or can be.
    Running,
    /// Nothing can be done before an answer or a timer.
    Waiting,
    /// Reached an end.
    Completed,
    /// Ended by a failure that nothing caught.
    Failed,
    /// Ended because somebody asked for it.
    Cancelled,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing can follow.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// Whether a run that stands so may come to stand as `next`.
    // INVARIANT: nothing follows a terminal status (Guard::TerminalIsFinal).
    pub fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Queued, Self::Running | Self::Failed | Self::Cancelled) => true,
            (Self::Running, Self::Waiting) | (Self::Waiting, Self::Running) => true,
            (Self::Running, next) => next.is_terminal(),
            (Self::Waiting, Self::Failed | Self::Cancelled) => true,
            _ => false,
        }
    }

    /// The word that events and commands use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::RunStatus;

    #[test]
    fn all_36_moves_are_as_drawn() {
        // Rows: from. Columns: to. In the order of `ALL`; x = allowed.
        let drawn = [".x..xx", "..xxxx", ".x..xx", "......", "......", "......"];
        for (from, row) in RunStatus::ALL.into_iter().zip(drawn) {
            for (to, cell) in RunStatus::ALL.into_iter().zip(row.chars()) {
                assert_eq!(from.may_become(to), cell == 'x', "{from} -> {to}");
            }
        }
    }
}
